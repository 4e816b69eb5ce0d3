"""Every reason a condition may give, and the way out of it. Tools, status messages and docs all read this list."""

from enum import StrEnum


class Reason(StrEnum):
    """Why a condition is what it is."""

    # progress and success
    PENDING = "Pending"
    RESOLVING = "Resolving"
    RESOLVED = "Resolved"
    QUEUED = "Queued"
    BUILDING = "Building"
    BUILT = "Built"
    IMAGE_EXISTS = "ImageExists"
    NOT_NEEDED = "NotNeeded"
    RELEASING = "Releasing"
    RELEASED = "Released"
    DEPLOYING = "Deploying"
    DEPLOYED = "Deployed"
    ROUTING = "Routing"
    ANSWERING = "Answering"
    READY = "Ready"
    SUSPENDED = "Suspended"
    RUN_SUCCEEDED = "RunSucceeded"
    SUPERSEDED = "Superseded"
    DELETING = "Deleting"
    # what the user can mend
    INVALID_SPEC = "InvalidSpec"
    REPOSITORY_NOT_FOUND = "RepositoryNotFound"
    AUTH_REQUIRED = "AuthRequired"
    BRANCH_NOT_FOUND = "BranchNotFound"
    COMMIT_NOT_FOUND = "CommitNotFound"
    SOURCE_UNREACHABLE = "SourceUnreachable"
    SOURCE_REFUSED = "SourceRefused"
    SOURCE_TOO_LARGE = "SourceTooLarge"
    DOCKERFILE_NOT_FOUND = "DockerfileNotFound"
    PACK_NOT_DETECTED = "PackNotDetected"
    PACK_UNAVAILABLE = "PackUnavailable"
    BUILD_FAILED = "BuildFailed"
    BUILD_TIMEOUT = "BuildTimeout"
    BUILD_OUT_OF_MEMORY = "BuildOutOfMemory"
    BUILD_DISK_FULL = "BuildDiskFull"
    BUILD_REFUSED = "BuildRefused"
    BUILD_VARIABLE_MISSING = "BuildVariableMissing"
    PLATFORM_UNAVAILABLE = "PlatformUnavailable"
    DEPENDENCY_NOT_FOUND = "DependencyNotFound"
    DEPENDENCY_CONFLICT = "DependencyConflict"
    DEPENDENCY_AUTH_REQUIRED = "DependencyAuthRequired"
    CHECKSUM_MISMATCH = "ChecksumMismatch"
    LOCK_FILE_OUTDATED = "LockFileOutdated"
    MANIFEST_INVALID = "ManifestInvalid"
    VERSION_MISMATCH = "VersionMismatch"
    COMPILE_FAILED = "CompileFailed"
    TESTS_FAILED = "TestsFailed"
    COMMAND_NOT_FOUND = "CommandNotFound"
    FILE_NOT_FOUND = "FileNotFound"
    PERMISSION_DENIED = "PermissionDenied"
    DOCKERFILE_INVALID = "DockerfileInvalid"
    BASE_IMAGE_NOT_FOUND = "BaseImageNotFound"
    SCAN_BLOCKED = "ScanBlocked"
    RELEASE_FAILED = "ReleaseFailed"
    IMAGE_PULL_FAILED = "ImagePullFailed"
    CRASH_LOOPING = "CrashLooping"
    OUT_OF_MEMORY = "OutOfMemory"
    PORT_NOT_LISTENING = "PortNotListening"
    HEALTH_CHECK_FAILED = "HealthCheckFailed"
    PROGRESS_DEADLINE_EXCEEDED = "ProgressDeadlineExceeded"
    RUN_FAILED = "RunFailed"
    CAPABILITY_REQUIRED = "CapabilityRequired"
    CONFIG_NOT_FOUND = "ConfigNotFound"
    SEALED_VALUE_INVALID = "SealedValueInvalid"
    QUOTA_EXCEEDED = "QuotaExceeded"
    UNSCHEDULABLE = "Unschedulable"
    VOLUME_EXISTS = "VolumeExists"
    VOLUME_NOT_BOUND = "VolumeNotBound"
    VOLUME_NOT_EXPANDABLE = "VolumeNotExpandable"
    HOST_TAKEN = "HostTaken"
    HOST_RESERVED = "HostReserved"
    NAME_CONFLICT = "NameConflict"
    REFERENCE_DENIED = "ReferenceDenied"
    NAMESPACE_NOT_MANAGED = "NamespaceNotManaged"
    NAMESPACE_TERMINATING = "NamespaceTerminating"
    EXPIRED = "Expired"
    RUNTIME_UNAVAILABLE = "RuntimeUnavailable"
    NOT_IMPLEMENTED = "NotImplemented"
    # what the platform mends
    BUILD_INFRASTRUCTURE = "BuildInfrastructure"
    NETWORK_FAILED = "NetworkFailed"
    REGISTRY_FULL = "RegistryFull"
    NOT_ROUTED = "NotRouted"
    INTERNAL_ERROR = "InternalError"


REMEDIES: dict[Reason, str] = {
    Reason.INVALID_SPEC: "Correct the field named in the message and apply the resource again.",
    Reason.REPOSITORY_NOT_FOUND: "Check the URL, or create the repository with create_repo and push to it.",
    Reason.AUTH_REQUIRED: "Give source.git.auth credentials that may read the repository.",
    Reason.BRANCH_NOT_FOUND: "Push a commit to that branch, or set another branch.",
    Reason.COMMIT_NOT_FOUND: "Push the commit, or remove source.git.commit to follow the branch.",
    Reason.SOURCE_UNREACHABLE: "Check that the git server answers; Ink tries again by itself.",
    Reason.SOURCE_REFUSED: "Use an https:// repository on a public address, or Ink's own git server.",
    Reason.SOURCE_TOO_LARGE: "Make the repository smaller: remove large files, or move them to object storage.",
    Reason.DOCKERFILE_NOT_FOUND: "Commit the Dockerfile, set build.dockerfile to its path, or use pack Auto.",
    Reason.PACK_NOT_DETECTED: "Add a Dockerfile, or the file that your language needs, such as requirements.txt.",
    Reason.PACK_UNAVAILABLE: "Use pack Auto or Dockerfile; this platform does not have that pack.",
    Reason.BUILD_FAILED: "Read the lines above, mend the repository and push again.",
    Reason.BUILD_TIMEOUT: "Make the build faster, or raise build.timeout.",
    Reason.BUILD_OUT_OF_MEMORY: "Make the build use less memory (fewer parallel jobs).",
    Reason.BUILD_DISK_FULL: "Make the build write less, or ask the operator of the platform for more disk.",
    Reason.BUILD_REFUSED: "Remove what the message names from the Dockerfile: builds here do not get it.",
    Reason.BUILD_VARIABLE_MISSING: "Add the variable to build.env, or give it a default in the code.",
    Reason.PLATFORM_UNAVAILABLE: "Use programs and base images for the processors of the platform's nodes; where the "
    "platform itself builds for others, its operator adds emulation (binfmt) or takes builders.platform away.",
    Reason.DEPENDENCY_NOT_FOUND: "Correct the name or version where the dependency is listed, and push again.",
    Reason.DEPENDENCY_CONFLICT: "Change one of the versions that exclude each other, and push again.",
    Reason.DEPENDENCY_AUTH_REQUIRED: "Give the build credentials for that server in build.env, or commit a copy of it.",
    Reason.CHECKSUM_MISMATCH: "Find out why the file changed; if you trust the new one, write the lock file anew.",
    Reason.LOCK_FILE_OUTDATED: "Write the lock file anew with the tool that made it, commit it and push again.",
    Reason.MANIFEST_INVALID: "Correct the file that the message names and push again.",
    Reason.VERSION_MISMATCH: "State the version that is wanted where the message says, and push again.",
    Reason.COMPILE_FAILED: "Mend the line that the message names and push again.",
    Reason.TESTS_FAILED: "Mend the test or the code, or leave the tests out of the build; then push again.",
    Reason.COMMAND_NOT_FOUND: "Add the program or the script that the message names, or correct the command.",
    Reason.FILE_NOT_FOUND: "Commit the file, correct its path, or take it out of .dockerignore.",
    Reason.PERMISSION_DENIED: "Give the file or directory the rights that the message names, and push again.",
    Reason.DOCKERFILE_INVALID: "Correct the line of the Dockerfile that the message names and push again.",
    Reason.BASE_IMAGE_NOT_FOUND: "Correct the image's name or tag in FROM; private images need a public copy here.",
    Reason.SCAN_BLOCKED: "Remove the secret or raise the version that the message names; then push again.",
    Reason.RELEASE_FAILED: "Read the lines above and mend the command or what it needs; then push a commit, change "
    "spec.release or set restartedAt.",
    Reason.IMAGE_PULL_FAILED: "Check the image reference and its pull secret.",
    Reason.CRASH_LOOPING: "Read the runtime logs: the process must keep running and not exit.",
    Reason.OUT_OF_MEMORY: "Raise the memory limit (`memory` of create_service, resources.limits.memory of "
    "an InkService), or make the application use less.",
    Reason.PORT_NOT_LISTENING: "Listen on 0.0.0.0 and the port in PORT, or set the service's port to the one used.",
    Reason.HEALTH_CHECK_FAILED: "Make health.path answer with 2xx or 3xx, or change spec.health.",
    Reason.PROGRESS_DEADLINE_EXCEEDED: "Read the runtime logs and pod events; then push a mended commit.",
    Reason.RUN_FAILED: "Read the logs of the run's pod; the next run starts at its time. cron.retries repeats a run.",
    Reason.CAPABILITY_REQUIRED: "Run without Linux capabilities: listen on a port above 1023 and do not change users.",
    Reason.CONFIG_NOT_FOUND: "Create the Secret or ConfigMap (and key) that spec.env or spec.envFrom names.",
    Reason.SEALED_VALUE_INVALID: "Seal the value again: create_service with env_vars, or `ink seal` for this service.",
    Reason.QUOTA_EXCEEDED: "Delete or shrink other services, or ask for a larger quota.",
    Reason.UNSCHEDULABLE: "Ask for less CPU or memory, or add a node.",
    Reason.VOLUME_EXISTS: "Set storageClassName to the class of the claim that is there, or use another name.",
    Reason.VOLUME_NOT_BOUND: "Set storageClassName to a class that `kubectl get storageclass` lists, or ask a cluster "
    "admin for a default one.",
    Reason.VOLUME_NOT_EXPANDABLE: "Ask a cluster admin to set allowVolumeExpansion on the storage class. Or, with "
    "deletionPolicy Retain, remove the volume and add it again with its old size: the data stays.",
    Reason.HOST_TAKEN: "Choose another name or spec.subdomain; one that was given up is free at the "
    "time in the message.",
    Reason.HOST_RESERVED: "Choose another name or spec.subdomain: the platform keeps this one.",
    Reason.NAME_CONFLICT: "Rename the service, or remove the object of that name that Ink did not make.",
    Reason.REFERENCE_DENIED: "Refer only to objects of the same tenant.",
    Reason.NAMESPACE_NOT_MANAGED: "Ask a cluster admin to label the namespace ml.ink/managed=true.",
    Reason.NAMESPACE_TERMINATING: "Wait until the namespace is gone, then create the service again.",
    Reason.EXPIRED: "Raise spec.ttl or remove it to bring the service back, or delete the resource.",
    Reason.RUNTIME_UNAVAILABLE: "Ask a cluster admin to install gVisor and its RuntimeClass (chart value "
    "isolation.gvisorRuntimeClass), or set isolation to Standard.",
    Reason.NOT_IMPLEMENTED: "Remove the field named in the message; this version cannot do it yet.",
    Reason.BUILD_INFRASTRUCTURE: "Nothing: Ink tries again by itself. Tell the operator if it lasts.",
    Reason.NETWORK_FAILED: "Check the address if it is your own; Ink tries again by itself.",
    Reason.REGISTRY_FULL: "Nothing: Ink tries again by itself. The operator of the platform has to make room.",
    Reason.NOT_ROUTED: "Nothing: Ink tries again by itself. Tell the operator if it lasts.",
    Reason.INTERNAL_ERROR: "Nothing: Ink tries again by itself. The operator's log has the details.",
}
"""Reasons that need an action have a remedy here; a test keeps the list complete."""

PROGRESS = frozenset(
    {
        Reason.PENDING,
        Reason.RESOLVING,
        Reason.QUEUED,
        Reason.BUILDING,
        Reason.RELEASING,
        Reason.DEPLOYING,
        Reason.ROUTING,
        Reason.DELETING,
    }
)
RETRIED = frozenset(
    {
        Reason.SOURCE_UNREACHABLE,
        Reason.BUILD_INFRASTRUCTURE,
        Reason.NETWORK_FAILED,
        Reason.REGISTRY_FULL,
        Reason.NOT_ROUTED,
        Reason.INTERNAL_ERROR,
    }
)
"""Failures that Ink keeps trying to get past without anybody's help."""


def remedy(reason: str) -> str:
    """What to do about a reason; empty for reasons that are no failure, and for unknown words."""
    try:
        return REMEDIES.get(Reason(reason), "")
    except ValueError:
        return ""
