"""Every reason that a condition may give, in one table. Status messages, tools, the operator and docs all read it."""

from enum import Enum, StrEnum
from typing import NamedTuple, Self

from ink_api.condition_types import ConditionType

SOURCE_STEP = ConditionType.SOURCE_RESOLVED
BUILD_STEP = ConditionType.BUILT
RELEASE_STEP = ConditionType.RELEASED
DEPLOY_STEP = ConditionType.DEPLOYED
ROUTE_STEP = ConditionType.ROUTED
STEPS = (SOURCE_STEP, BUILD_STEP, RELEASE_STEP, DEPLOY_STEP, ROUTE_STEP)
LAST_RUN = ConditionType.LAST_RUN_SUCCEEDED
AVAILABILITY = ConditionType.AVAILABLE
ROLL_UP = ConditionType.READY


class ReasonClass(Enum):
    """What a reason means for the roll-ups of a status, and for clients that wait."""

    DONE = "Done"
    """As it should be."""
    IN_PROGRESS = "In progress"
    """Ink is working on it: Reconciling, and no failure."""
    ACTION_REQUIRED = "Action required"
    """Stalled until somebody changes something."""
    RETRIED = "Retried automatically"
    """Stalled, but Ink keeps trying and may succeed without help."""


DONE, WORKING = ReasonClass.DONE, ReasonClass.IN_PROGRESS
ACTION, RETRY = ReasonClass.ACTION_REQUIRED, ReasonClass.RETRIED


class Row(NamedTuple):
    """The columns of one reason.

    `stated_by`: the condition types, or other parts of the status, that give this reason first; Ready, Reconciling and
    Stalled repeat it. `remedy`: what to do, as one or more sentences; empty where there is nothing to do.
    """

    reason_class: ReasonClass
    stated_by: tuple[str, ...]
    meaning: str
    remedy: str = ""


class Reason(StrEnum):
    """Why a condition is what it is. One row a reason; values are API and never change."""

    reason_class: ReasonClass
    stated_by: tuple[str, ...]
    meaning: str
    remedy: str

    def __new__(cls, value: str, row: Row | None = None) -> Self:
        # Optional for type checkers only: to them, looking up Reason("Built") is this call as well.
        if row is None:
            raise TypeError(f"{value} has no row")
        member = str.__new__(cls, value)
        member._value_ = value
        member.reason_class, member.stated_by, member.meaning, member.remedy = row
        return member

    # fmt: off
    RESOLVED = "Resolved", Row(DONE, (SOURCE_STEP,), "The commit to deploy is known.")
    BUILT = "Built", Row(DONE, (BUILD_STEP,), "The image for this commit has been built.")
    IMAGE_EXISTS = "ImageExists", Row(DONE, (BUILD_STEP,),
        "An image for this commit and these settings already exists, so no build is needed.")
    NOT_NEEDED = "NotNeeded", Row(DONE, (SOURCE_STEP, BUILD_STEP, RELEASE_STEP, ROUTE_STEP),
        "This service does not need this step.")
    RELEASED = "Released", Row(DONE, (RELEASE_STEP,), "The release command succeeded for this revision.")
    DEPLOYED = "Deployed", Row(DONE, (DEPLOY_STEP, AVAILABILITY),
        "All pods run the newest revision and are ready. In `Available`: some revision is serving.")
    ANSWERING = "Answering", Row(DONE, (ROUTE_STEP,), "The newest revision answers at the public host.")
    READY = "Ready", Row(DONE, (ROLL_UP,), "The newest revision is live.")
    SUSPENDED = "Suspended", Row(DONE, (*STEPS, AVAILABILITY, ROLL_UP),
        "The service is scaled to zero, as spec.suspend or spec.replicas requests.")
    RUN_SUCCEEDED = "RunSucceeded", Row(DONE, (LAST_RUN,), "The last run of the cron job succeeded.")
    SUPERSEDED = "Superseded", Row(DONE, ("status.build", "status.revisions"),
        "A newer commit or newer settings replaced this build or revision.")

    PENDING = "Pending", Row(WORKING, (*STEPS, AVAILABILITY),
        "This step is waiting for an earlier one. In `Available`: nothing is serving yet.")
    RESOLVING = "Resolving", Row(WORKING, (SOURCE_STEP,), "Ink is asking the git server for the commit to deploy.")
    QUEUED = "Queued", Row(WORKING, (BUILD_STEP,),
        "The build is waiting for its turn. Turns are shared fairly between tenants.")
    BUILDING = "Building", Row(WORKING, (BUILD_STEP,), "The image is being built.")
    RELEASING = "Releasing", Row(WORKING, (RELEASE_STEP,), "The release command is running.")
    DEPLOYING = "Deploying", Row(WORKING, (DEPLOY_STEP, ROLL_UP),
        "Pods of the newest revision are starting, or pods of an older one are still stopping.")
    ROUTING = "Routing", Row(WORKING, (ROUTE_STEP,),
        "The pods are ready, but they do not answer at the public host yet.")
    DELETING = "Deleting", Row(WORKING, (ROLL_UP,),
        "The service is being deleted. Its objects in other namespaces are removed first.")

    INVALID_SPEC = "InvalidSpec", Row(ACTION, (ROLL_UP, DEPLOY_STEP),
        "The cluster or Ink rejected something in the spec that the schema could not check.",
        "Correct the field named in the message and apply the resource again.")
    REPOSITORY_NOT_FOUND = "RepositoryNotFound", Row(ACTION, (SOURCE_STEP, BUILD_STEP),
        "The git server has no such repository, or hides it from requests without credentials.",
        "Check the URL, or create the repository with create_repo and push to it.")
    AUTH_REQUIRED = "AuthRequired", Row(ACTION, (SOURCE_STEP, BUILD_STEP),
        "The git server requires credentials, or rejected the ones it was given.",
        "Set source.git.auth to credentials that can read the repository.")
    BRANCH_NOT_FOUND = "BranchNotFound", Row(ACTION, (SOURCE_STEP,),
        "The repository has no such branch, or no commits yet.",
        "Push a commit to that branch, or choose another branch.")
    COMMIT_NOT_FOUND = "CommitNotFound", Row(ACTION, (SOURCE_STEP, BUILD_STEP),
        "The repository does not contain the pinned commit, or no longer does.",
        "Push the commit, or remove source.git.commit to follow the branch.")
    SOURCE_REFUSED = "SourceRefused", Row(ACTION, (SOURCE_STEP, BUILD_STEP),
        "Ink does not fetch from this address: it is private, is not https, or redirects to another host.",
        "Use an https:// repository at a public address, or Ink's own git server.")
    SOURCE_TOO_LARGE = "SourceTooLarge", Row(ACTION, (BUILD_STEP,),
        "The repository is larger than a build may fetch.",
        "Make the repository smaller: remove large files, or move them to object storage.")
    DOCKERFILE_NOT_FOUND = "DockerfileNotFound", Row(ACTION, (BUILD_STEP,),
        "The requested Dockerfile is not in the repository.",
        "Commit the Dockerfile, set build.dockerfile to its path, or use pack Auto.")
    PACK_NOT_DETECTED = "PackNotDetected", Row(ACTION, (BUILD_STEP,),
        "The repository has no Dockerfile, and Ink could not detect how to build it.",
        "Add a Dockerfile, or the file that your language needs, such as requirements.txt.")
    PACK_UNAVAILABLE = "PackUnavailable", Row(ACTION, (BUILD_STEP,),
        "This platform does not have the requested pack.",
        "Use pack Auto or Dockerfile.")
    BUILD_FAILED = "BuildFailed", Row(ACTION, (BUILD_STEP,),
        "A build step exited with an error; the message shows its last lines.",
        "Read the lines above, fix the repository and push again.")
    BUILD_TIMEOUT = "BuildTimeout", Row(ACTION, (BUILD_STEP,),
        "The build did not finish within its time limit.",
        "Make the build faster, or raise build.timeout.")
    BUILD_OUT_OF_MEMORY = "BuildOutOfMemory", Row(ACTION, (BUILD_STEP,),
        "A build step needed more memory than builds get.",
        "Make the build use less memory, for example with fewer parallel jobs.")
    BUILD_DISK_FULL = "BuildDiskFull", Row(ACTION, (BUILD_STEP,),
        "A build step filled the disk space that builds get.",
        "Make the build write less, or ask the platform administrator for more disk space.")
    BUILD_REFUSED = "BuildRefused", Row(ACTION, (BUILD_STEP,),
        "The build asks for something that builds are not allowed to use.",
        "Remove what the message names from the Dockerfile; builds on this platform cannot use it.")
    BUILD_VARIABLE_MISSING = "BuildVariableMissing", Row(ACTION, (BUILD_STEP,),
        "A build step needs a variable or secret that is not set.",
        "Add the variable to build.env, or give it a default in the code.")
    PLATFORM_UNAVAILABLE = "PlatformUnavailable", Row(ACTION, (BUILD_STEP,),
        "A base image or a program is built for a different processor architecture than the one the build runs on.",
        "Use programs and base images for the architecture of the platform's nodes. If the platform itself builds "
        "for others, its administrator must add emulation (binfmt) or remove builders.platform.")
    DEPENDENCY_NOT_FOUND = "DependencyNotFound", Row(ACTION, (BUILD_STEP,),
        "A package or module that the code needs was not found.",
        "Correct the name or version where the dependency is listed, and push again.")
    DEPENDENCY_CONFLICT = "DependencyConflict", Row(ACTION, (BUILD_STEP,),
        "The requested versions of the dependencies exclude each other.",
        "Change one of the conflicting versions and push again.")
    DEPENDENCY_AUTH_REQUIRED = "DependencyAuthRequired", Row(ACTION, (BUILD_STEP,),
        "A package is on a server that requires credentials.",
        "Give the build credentials for that server in build.env, or commit a copy of the package.")
    CHECKSUM_MISMATCH = "ChecksumMismatch", Row(ACTION, (BUILD_STEP,),
        "A package is not the one that the lock file recorded.",
        "Find out why the package changed. If you trust the new one, regenerate the lock file and push again.")
    LOCK_FILE_OUTDATED = "LockFileOutdated", Row(ACTION, (BUILD_STEP,),
        "The lock file is missing or does not match the manifest.",
        "Regenerate the lock file with the tool that made it, commit it and push again.")
    MANIFEST_INVALID = "ManifestInvalid", Row(ACTION, (BUILD_STEP,),
        "A file that describes the application cannot be parsed.",
        "Correct the file named in the message and push again.")
    VERSION_MISMATCH = "VersionMismatch", Row(ACTION, (BUILD_STEP,),
        "The version of the language is not the one that the application requires.",
        "Set the required version where the message says, and push again.")
    COMPILE_FAILED = "CompileFailed", Row(ACTION, (BUILD_STEP,),
        "The code does not compile.",
        "Fix the line named in the message and push again.")
    TESTS_FAILED = "TestsFailed", Row(ACTION, (BUILD_STEP,),
        "The build runs tests, and one of them failed.",
        "Fix the test or the code, or leave the tests out of the build; then push again.")
    COMMAND_NOT_FOUND = "CommandNotFound", Row(ACTION, (BUILD_STEP,),
        "A build step runs a program or script that does not exist.",
        "Add the program or script named in the message, or correct the command.")
    FILE_NOT_FOUND = "FileNotFound", Row(ACTION, (BUILD_STEP,),
        "A build step reads a file that does not exist.",
        "Commit the file, correct its path, or remove it from .dockerignore.")
    PERMISSION_DENIED = "PermissionDenied", Row(ACTION, (BUILD_STEP,),
        "A build step is not allowed to run a file or to write to a directory.",
        "Give the file or directory the permissions named in the message, and push again.")
    DOCKERFILE_INVALID = "DockerfileInvalid", Row(ACTION, (BUILD_STEP,),
        "The Dockerfile cannot be parsed.",
        "Correct the line of the Dockerfile named in the message and push again.")
    BASE_IMAGE_NOT_FOUND = "BaseImageNotFound", Row(ACTION, (BUILD_STEP,),
        "The image in the Dockerfile's FROM does not exist or is not public.",
        "Correct the image's name or tag in FROM. Private images are not supported; use a public copy.")
    SCAN_BLOCKED = "ScanBlocked", Row(ACTION, (BUILD_STEP,),
        "The scan of the source found something that the platform's policy forbids.",
        "Remove the secret or upgrade the package named in the message; then push again.")
    RELEASE_FAILED = "ReleaseFailed", Row(ACTION, (RELEASE_STEP,),
        "The release command failed or did not finish in time. The previous revision keeps serving.",
        "Read the lines above and fix the command or what it needs; then push a commit, change spec.release or set "
        "restartedAt.")
    IMAGE_PULL_FAILED = "ImagePullFailed", Row(ACTION, (RELEASE_STEP, DEPLOY_STEP),
        "The node cannot pull the image.",
        "Check the image reference and its pull secret.")
    CRASH_LOOPING = "CrashLooping", Row(ACTION, (DEPLOY_STEP,),
        "The application starts and exits over and over.",
        "Read the runtime logs: the process must keep running and not exit.")
    OUT_OF_MEMORY = "OutOfMemory", Row(ACTION, (DEPLOY_STEP,),
        "The application exceeded its memory limit and was killed.",
        "Raise the memory limit (`memory` of create_service, resources.limits.memory of an InkService), or make the "
        "application use less.")
    PORT_NOT_LISTENING = "PortNotListening", Row(ACTION, (DEPLOY_STEP,),
        "The application runs, but does not listen on the port it was given.",
        "Listen on 0.0.0.0 and the port in PORT, or set the service's port to the one the application uses.")
    HEALTH_CHECK_FAILED = "HealthCheckFailed", Row(ACTION, (DEPLOY_STEP,),
        "The application runs, but its health check fails.",
        "Make health.path answer with 2xx or 3xx, or change spec.health.")
    PROGRESS_DEADLINE_EXCEEDED = "ProgressDeadlineExceeded", Row(ACTION, (DEPLOY_STEP,),
        "The new revision did not become ready in time, and no other cause was found.",
        "Read the runtime logs and pod events; then push a fix.")
    RUN_FAILED = "RunFailed", Row(ACTION, (LAST_RUN,),
        "The last run of the cron job failed or did not finish in time.",
        "Read the logs of the run's pod. The next run starts on schedule; cron.retries makes Ink retry a failed run.")
    CAPABILITY_REQUIRED = "CapabilityRequired", Row(ACTION, (DEPLOY_STEP,),
        "The application needs a privilege that pods do not have here.",
        "Run without Linux capabilities: listen on a port above 1023 and do not change users.")
    CONFIG_NOT_FOUND = "ConfigNotFound", Row(ACTION, (SOURCE_STEP, DEPLOY_STEP),
        "The spec refers to a Secret or ConfigMap, or a key in one, that does not exist.",
        "Create the Secret or ConfigMap (and the key in it) that the spec refers to.")
    SEALED_VALUE_INVALID = "SealedValueInvalid", Row(ACTION, (DEPLOY_STEP,),
        "A sealed value cannot be decrypted: it was sealed for another service, or with a key that no longer exists.",
        "Seal the value again: create_service with env_vars, or `ink seal` for this service.")
    QUOTA_EXCEEDED = "QuotaExceeded", Row(ACTION, (DEPLOY_STEP, ROLL_UP),
        "The namespace's quota does not allow what the spec requests.",
        "Delete or shrink other services, or ask for a larger quota.")
    UNSCHEDULABLE = "Unschedulable", Row(ACTION, (DEPLOY_STEP,),
        "No node has room for a pod of the service.",
        "Request less CPU or memory, or add a node.")
    VOLUME_EXISTS = "VolumeExists", Row(ACTION, (DEPLOY_STEP,),
        "A PersistentVolumeClaim with the volume's name exists, with another storage class.",
        "Set storageClassName to the class of the existing claim, or use another name.")
    VOLUME_NOT_BOUND = "VolumeNotBound", Row(ACTION, (DEPLOY_STEP,),
        "The volume's claim cannot be bound: its storage class does not exist.",
        "Set storageClassName to a class that `kubectl get storageclass` lists, or ask a cluster administrator for a "
        "default one.")
    VOLUME_NOT_EXPANDABLE = "VolumeNotExpandable", Row(ACTION, (ROLL_UP,),
        "The volume's storage class does not allow it to grow.",
        "Ask a cluster administrator to set allowVolumeExpansion on the storage class. Or, with deletionPolicy "
        "Retain, remove the volume and add it again with its old size: the data stays.")
    HOST_TAKEN = "HostTaken", Row(ACTION, (ROUTE_STEP,),
        "Another service has this public host; or another tenant gave it up less than a day ago (chart value "
        "apps.hostKeepSeconds) and may still take it back.",
        "Choose another name or spec.subdomain. A host that was given up is free at the time in the message.")
    HOST_RESERVED = "HostReserved", Row(ACTION, (ROUTE_STEP,),
        "The platform reserves this public host for itself.",
        "Choose another name or spec.subdomain.")
    NAME_CONFLICT = "NameConflict", Row(ACTION, (ROLL_UP,),
        "An object that Ink needs to create (a child of the service, or its namespace, policy or RoleBinding) exists "
        "already, and Ink did not create it. Ink never takes it over.",
        "Rename the service, or delete the object of that name that Ink did not create.")
    REFERENCE_DENIED = "ReferenceDenied", Row(ACTION, (ROLL_UP,),
        "The spec refers to an object of another tenant, or to one that it may not read.",
        "Refer only to objects of the same tenant.")
    NAMESPACE_NOT_MANAGED = "NamespaceNotManaged", Row(ACTION, (ROLL_UP,),
        "Ink works only in namespaces that an administrator has assigned to it.",
        "Ask a cluster administrator to label the namespace ml.ink/managed=true.")
    NAMESPACE_TERMINATING = "NamespaceTerminating", Row(ACTION, (ROLL_UP,),
        "The workload's namespace is being deleted, so nothing can be created in it.",
        "Wait until the namespace is gone, then create the service again.")
    EXPIRED = "Expired", Row(ACTION, (ROLL_UP,),
        "The lifetime in spec.ttl is over, and everything that ran has been removed.",
        "Raise spec.ttl or remove it to bring the service back, or delete the resource.")
    RUNTIME_UNAVAILABLE = "RuntimeUnavailable", Row(ACTION, (DEPLOY_STEP,),
        "The platform has no runtime for the requested isolation.",
        "Ask a cluster administrator to install gVisor and its RuntimeClass (chart value "
        "isolation.gvisorRuntimeClass), or set isolation to Standard.")
    NOT_IMPLEMENTED = "NotImplemented", Row(ACTION, (ROLL_UP,),
        "The spec uses a part of the API that this version does not implement yet. Ink never ignores a field silently.",
        "Remove what the message names, or wait for a version that supports it.")

    SOURCE_UNREACHABLE = "SourceUnreachable", Row(RETRY, (SOURCE_STEP, BUILD_STEP),
        "The git server did not answer, or not in time.",
        "Check that the git server is up; Ink tries again automatically.")
    BUILD_INFRASTRUCTURE = "BuildInfrastructure", Row(RETRY, (BUILD_STEP,),
        "The build failed several times because of the platform, not the repository.",
        "No action is needed: Ink tries again automatically. Tell the platform administrator if this persists.")
    NETWORK_FAILED = "NetworkFailed", Row(RETRY, (BUILD_STEP,),
        "A build step could not reach a server.",
        "Check the address if it is your own; Ink tries again automatically.")
    REGISTRY_FULL = "RegistryFull", Row(RETRY, (BUILD_STEP,),
        "The registry has no space for the image.",
        "No action is needed: Ink tries again automatically. The platform administrator must free up space.")
    NOT_ROUTED = "NotRouted", Row(RETRY, (ROUTE_STEP,),
        "The pods are ready, but they have not answered at the public host for a minute.",
        "No action is needed: Ink tries again automatically. Tell the platform administrator if this persists.")
    INTERNAL_ERROR = "InternalError", Row(RETRY, (ROLL_UP, SOURCE_STEP),
        "The operator hit an error of its own, or of the API server, while it worked on this resource.",
        "No action is needed: Ink tries again automatically. The operator's log has the details.")
    # fmt: on


PROGRESS = frozenset(reason for reason in Reason if reason.reason_class is ReasonClass.IN_PROGRESS)
RETRIED = frozenset(reason for reason in Reason if reason.reason_class is ReasonClass.RETRIED)


def remedy(reason: str) -> str:
    """What to do about a reason; empty for reasons that are no failure, and for unknown words."""
    try:
        return Reason(reason).remedy
    except ValueError:
        return ""
