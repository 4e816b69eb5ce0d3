"""What each reason and each condition says, in a sentence. docs/reasons.md is written from this list."""

from typing import NamedTuple

from ink_api.conditions import ConditionType

SOURCE = ConditionType.SOURCE_RESOLVED
BUILT = ConditionType.BUILT
RELEASED = ConditionType.RELEASED
DEPLOYED = ConditionType.DEPLOYED
ROUTED = ConditionType.ROUTED
AVAILABLE = ConditionType.AVAILABLE
READY = ConditionType.READY
CHAIN = (SOURCE, BUILT, RELEASED, DEPLOYED, ROUTED)

CONDITIONS: dict[str, str] = {
    SOURCE: "InkService: the commit that is wanted is known.",
    BUILT: "InkService: its image exists.",
    RELEASED: "InkService: the release command has run for it.",
    DEPLOYED: "InkService: all wanted pods run it and are ready, and no older pod serves.",
    ROUTED: "InkService: its public host answers from it.",
    "LastRunSucceeded": "InkService: the last run of a cron job ended well; absent before one has ended.",
    AVAILABLE: "InkService: some revision serves, perhaps an older one.",
    ConditionType.VERIFIED: "InkDomain: the zone is proved to be the tenant's.",
    ConditionType.DELEGATED: "InkDomain: its name servers are the platform's.",
    ConditionType.ZONE_READY: "InkDomain: the platform answers for it.",
    ConditionType.CERTIFICATE_READY: "InkDomain: its certificate is there.",
    READY: "The newest spec is live. What is not Ready says why with the reason of the first step that is not done.",
    ConditionType.RECONCILING: "Present while Ink is at work on the newest spec, and only then.",
    ConditionType.STALLED: "Present while Ink cannot go on by itself, or has failed for too long; never together with "
    "Reconciling.",
}


class Meaning(NamedTuple):
    """`conditions`: those (or other parts of the status) that give this reason first; Ready, Reconciling and Stalled
    repeat it.
    """

    text: str
    conditions: tuple[str, ...]


MEANINGS: dict[str, Meaning] = {
    # progress and success
    "Pending": Meaning("This step waits for an earlier one; or nothing serves yet.", (*CHAIN, AVAILABLE)),
    "Resolving": Meaning("Ink is asking the repository for the commit that is wanted.", (SOURCE,)),
    "Resolved": Meaning("The commit that is wanted is known.", (SOURCE,)),
    "Queued": Meaning("The build waits for its turn; turns are shared fairly between tenants.", (BUILT,)),
    "Building": Meaning("The image is being built.", (BUILT,)),
    "Built": Meaning("The image of the commit was built.", (BUILT,)),
    "ImageExists": Meaning(
        "The image of the commit was built before, with the same settings; no build is needed.", (BUILT,)
    ),
    "NotNeeded": Meaning("This step has nothing to do for this service.", (SOURCE, BUILT, RELEASED, ROUTED)),
    "Releasing": Meaning("The release command is running.", (RELEASED,)),
    "Released": Meaning("The release command has succeeded for this revision.", (RELEASED,)),
    "Deploying": Meaning(
        "Pods of the newest revision are starting, or older ones are still leaving.", (DEPLOYED, READY)
    ),
    "Deployed": Meaning(
        "All wanted pods run the newest revision and are ready; or some revision serves.", (DEPLOYED, AVAILABLE)
    ),
    "Routing": Meaning("The pods are ready; the public host does not answer from them yet.", (ROUTED,)),
    "Answering": Meaning("The public host answers from the newest revision.", (ROUTED,)),
    "Ready": Meaning("The newest revision is live.", (READY,)),
    "Suspended": Meaning(
        "The service is scaled to zero, as spec.suspend or spec.replicas asks.", (*CHAIN, AVAILABLE, READY)
    ),
    "Superseded": Meaning(
        "A newer commit or newer settings took the place of this build or revision.",
        ("status.build", "status.revisions"),
    ),
    "Deleting": Meaning("The service is being deleted: its children in other namespaces go first.", (READY,)),
    "RunSucceeded": Meaning("The last run of the cron job ended well.", ("LastRunSucceeded",)),
    "Expired": Meaning("The lifetime in spec.ttl is over; all that ran was removed.", (READY,)),
    # what the user can mend
    "InvalidSpec": Meaning(
        "The resource asks for something that the cluster or Ink refuses, and that no schema could tell.",
        (READY, DEPLOYED),
    ),
    "RepositoryNotFound": Meaning(
        "The git server knows no such repository, or does not show it without credentials.", (SOURCE, BUILT)
    ),
    "AuthRequired": Meaning("The git server wants credentials, or refuses those that were given.", (SOURCE, BUILT)),
    "BranchNotFound": Meaning("The repository has no such branch, or has no commit yet.", (SOURCE,)),
    "CommitNotFound": Meaning("The repository does not have the pinned commit (any more).", (SOURCE, BUILT)),
    "SourceUnreachable": Meaning("The git server does not answer, or not in time.", (SOURCE, BUILT)),
    "SourceRefused": Meaning(
        "Ink does not follow this address: it is private, is not https, or leads to another host.", (SOURCE, BUILT)
    ),
    "SourceTooLarge": Meaning("The repository exceeds what a build may fetch.", (BUILT,)),
    "DockerfileNotFound": Meaning("The Dockerfile that is asked for is not in the repository.", (BUILT,)),
    "PackNotDetected": Meaning("There is no Dockerfile, and nothing tells how to build the repository.", (BUILT,)),
    "PackUnavailable": Meaning("The pack that is asked for is not part of this platform.", (BUILT,)),
    "BuildFailed": Meaning("A step of the build ended with an error; the message shows its last lines.", (BUILT,)),
    "BuildTimeout": Meaning("The build did not end within its limit.", (BUILT,)),
    "BuildOutOfMemory": Meaning("A step of the build needed more memory than builds have.", (BUILT,)),
    "BuildDiskFull": Meaning("A step of the build filled the disk that builds have.", (BUILT,)),
    "BuildRefused": Meaning("The build asks for something that builds may not have here.", (BUILT,)),
    "BuildVariableMissing": Meaning("A step of the build needs a variable or secret that is not set.", (BUILT,)),
    "PlatformUnavailable": Meaning(
        "A base image or a program is made for another kind of processor than the build runs on.", (BUILT,)
    ),
    "DependencyNotFound": Meaning("A package or module that the code asks for cannot be found.", (BUILT,)),
    "DependencyConflict": Meaning("The versions that are asked for exclude each other.", (BUILT,)),
    "DependencyAuthRequired": Meaning("A package lies on a server that wants credentials.", (BUILT,)),
    "ChecksumMismatch": Meaning("A package is not the file that the lock file recorded.", (BUILT,)),
    "LockFileOutdated": Meaning("The lock file is missing, or does not agree with the manifest.", (BUILT,)),
    "ManifestInvalid": Meaning("A file that describes the application cannot be read.", (BUILT,)),
    "VersionMismatch": Meaning("The language's version is not the one that is asked for.", (BUILT,)),
    "CompileFailed": Meaning("The code does not compile.", (BUILT,)),
    "TestsFailed": Meaning("The build runs tests, and one of them fails.", (BUILT,)),
    "CommandNotFound": Meaning("A step runs a program or a script that is not there.", (BUILT,)),
    "FileNotFound": Meaning("A step reads a file that is not there.", (BUILT,)),
    "PermissionDenied": Meaning("A step may not run a file or write to a place.", (BUILT,)),
    "DockerfileInvalid": Meaning("The Dockerfile cannot be read.", (BUILT,)),
    "BaseImageNotFound": Meaning("The image that the Dockerfile starts from is not there or not public.", (BUILT,)),
    "ScanBlocked": Meaning("The scan of the source found what the platform's policy forbids.", (BUILT,)),
    "ReleaseFailed": Meaning(
        "The release command ended with an error or did not end in time; the revision before goes on serving.",
        (RELEASED,),
    ),
    "ImagePullFailed": Meaning("The node cannot fetch the image.", (RELEASED, DEPLOYED)),
    "CrashLooping": Meaning("The application starts and ends again and again.", (DEPLOYED,)),
    "OutOfMemory": Meaning("The application needed more memory than its limit and was stopped.", (DEPLOYED,)),
    "PortNotListening": Meaning(
        "The application runs, but does not listen on the port that it was given.", (DEPLOYED,)
    ),
    "HealthCheckFailed": Meaning("The application runs, but its health check does not succeed.", (DEPLOYED,)),
    "ProgressDeadlineExceeded": Meaning(
        "The new revision did not become ready in time, and nothing else explains it.", (DEPLOYED,)
    ),
    "RunFailed": Meaning("The last run of the cron job ended with an error or not in time.", ("LastRunSucceeded",)),
    "CapabilityRequired": Meaning("The application needs a right that pods do not have here.", (DEPLOYED,)),
    "ConfigNotFound": Meaning(
        "A Secret or ConfigMap, or a key in it, that a variable or a login names is not there.", (SOURCE, DEPLOYED)
    ),
    "SealedValueInvalid": Meaning(
        "A sealed value cannot be opened: it was sealed for another service, or by a key that is gone.", (DEPLOYED,)
    ),
    "QuotaExceeded": Meaning("The namespace's quota leaves no room for what is asked.", (DEPLOYED, READY)),
    "Unschedulable": Meaning("No node has room for a pod of the service.", (DEPLOYED,)),
    "VolumeExists": Meaning("A claim of the volume's name exists with another storage class.", (DEPLOYED,)),
    "VolumeNotBound": Meaning("The volume's claim finds no disk: its storage class is not there.", (DEPLOYED,)),
    "VolumeNotExpandable": Meaning("The volume's storage class cannot make it larger.", (READY,)),
    "RuntimeUnavailable": Meaning("The platform has no runtime for the isolation that is asked for.", (DEPLOYED,)),
    "HostTaken": Meaning(
        "Another service has the public host; or another tenant had it until less than a day ago (chart value "
        "apps.hostKeepSeconds), and may have it back.",
        (ROUTED,),
    ),
    "HostReserved": Meaning("The platform keeps the public host for itself.", (ROUTED,)),
    "NameConflict": Meaning(
        "An object of a child's name exists that Ink did not make, or one of the name of the namespace, policy or "
        "RoleBinding that Ink sets up; it is never taken over.",
        (READY,),
    ),
    "ReferenceDenied": Meaning(
        "The spec refers to something of another tenant, or to something that it may not read.", (READY,)
    ),
    "NamespaceNotManaged": Meaning("Ink works in namespaces alone that an administrator gave to it.", (READY,)),
    "NamespaceTerminating": Meaning(
        "The namespace of the workload is being deleted; nothing can be made in it.", (READY,)
    ),
    "NotImplemented": Meaning(
        "The spec uses a part of the API that this version does not have yet. Nothing of it is ignored in silence.",
        (READY,),
    ),
    # what the platform mends
    "NetworkFailed": Meaning("A step of the build could not reach a server.", (BUILT,)),
    "RegistryFull": Meaning("The registry has no room for the image.", (BUILT,)),
    "BuildInfrastructure": Meaning(
        "The platform, not the repository, kept the build from ending; it was tried several times.", (BUILT,)
    ),
    "NotRouted": Meaning("The pods are ready, but the public host has not answered from them for a minute.", (ROUTED,)),
    "InternalError": Meaning(
        "The operator failed at this resource, or the API server at the operator.", (READY, SOURCE)
    ),
}
"""A test keeps it complete."""
