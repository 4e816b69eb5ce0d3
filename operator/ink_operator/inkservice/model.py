"""Values of this kind: what is observed, and what is decided. Frozen; no behaviour beyond simple questions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from ink_api.inkservice import BuildStatus, InkService, RevisionStatus, ScanStatus
from ink_api.names import ServiceIdentity
from ink_api.reasons import Reason

from ink_operator.core import effects, kinds, objects
from ink_operator.core.plan import Failure, Plan
from ink_operator.inkservice import names
from ink_operator.ports import Answer, Head, StoredImage
from ink_operator.settings import Settings

DEFAULT_PORT = 8080


class BuildState(StrEnum):
    """The state of a build Job."""

    QUEUED = "Queued"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    SUPERSEDED = "Superseded"
    """Cancelled while it ran, because another commit or other settings were wanted."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a build ended; docs/contracts.md has its JSON."""

    ok: bool
    digest: str = ""
    pack: str | None = None
    ports: tuple[int, ...] = ()
    reason: Reason = Reason.BUILT
    message: str = ""
    log: tuple[str, ...] = ()
    infrastructure: bool = False
    inkfile: str = ""
    """What ink.yaml says about how to run the image (`inkfile.canonical`); empty: nothing."""
    scan: ScanStatus | None = None
    """What the scan found; None: no scan."""
    finished: str | None = None
    """By the builder's clock, for a successful build; None: unknown."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One build Job and its pod."""

    name: str
    uid: str
    build_key: str
    commit: str
    number: int
    state: BuildState
    created: str
    verdict: Verdict | None = None
    recorded: bool = False
    """The verdict is already stored on the Job."""
    started: str | None = None
    finished: str | None = None
    pod: str | None = None
    limit_seconds: int = 0
    """Its time limit; 0: unknown."""


@dataclass(frozen=True, slots=True)
class WantedBuild:
    """The build that is wanted, whether or not it has been done."""

    key: str
    """20 hex digits: tenant, project, service, commit, settings."""
    commit: str
    repository: str
    """Image repository below the registry."""
    tag_prefix: str
    """`<commit12>-<settings8>-`; the attempt follows."""
    planner: str = "1"
    secrets: str = ""
    """Keyed digest of the variables that come from elsewhere; empty: there are none."""
    of_commit: Callable[[str], WantedBuild] | None = field(default=None, compare=False, repr=False)
    """The build of another commit with today's settings; None if these are not known."""


@dataclass(frozen=True, slots=True)
class Running:
    """What the workload runs, as its annotations say."""

    image: str
    port: int
    commit: str | None = None
    build_key: str | None = None
    rebuild_token: str | None = None
    planner: str | None = None
    """Version of the planner that named its build; None for a prebuilt image."""
    inkfile: str = ""
    """What ink.yaml of its commit says about how to run it."""


@dataclass(frozen=True, slots=True)
class ReleaseResult:
    """How a release command ended."""

    run: str
    """Names the revision, the command and its limit: a different name is a different run."""
    ok: bool
    message: str = ""


@dataclass(frozen=True, slots=True)
class Revision:
    """What one ControllerRevision records: a revision, or a build attempt without an image."""

    name: str
    number: int
    template: str = ""
    """Hash of the pod template."""
    running: Running | None = None
    """None: the attempt produced no image."""
    build: BuildStatus | None = None
    attempt: Attempt | None = None
    """Of an attempt that produced no image: what is known about it."""
    outcome: str = ""
    release: ReleaseResult | None = None
    image_deleted: bool = False
    uid: str = ""
    created: str | None = None
    """None: about to be created."""


class ReleaseState(StrEnum):
    """The state of a release Job."""

    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True)
class ReleaseRun:
    """One release Job and its newest pod."""

    name: str
    uid: str
    run: str
    revision: str
    """Name of the revision that it runs for."""
    state: ReleaseState
    created: str
    message: str = ""
    pod: objects.Manifest | None = None


@dataclass(frozen=True, slots=True)
class Environment:
    """The values of sealed variables, or of the build's variables, or why they are not known. Never printed."""

    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    digest: str = ""
    """Keyed digest of the values, so that pods roll, or a build starts, when one changes."""
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Configuration:
    """A digest of the Secrets and ConfigMaps that variables come from, or why it is not known."""

    digest: str = ""
    """Keyed, like the digest of sealed values."""
    failure: Failure | None = None


class Claim(StrEnum):
    """Who holds the public host."""

    FREE = "Free"
    OURS = "Ours"
    TAKEN = "Taken"
    RESERVED = "Reserved"
    """Released by another tenant recently, and reserved for it."""


@dataclass(frozen=True)
class Observed:
    """The state of one service at one moment. Children are live objects as JSON, None when absent."""

    NOBODY: ClassVar[ServiceIdentity] = ServiceIdentity("", "", "", "")
    identity: ServiceIdentity
    head: Head | None = None
    source_failure: Failure | None = None
    namespace: objects.Manifest | None = None
    tenancy: dict[tuple[str, str], objects.Manifest] = field(default_factory=dict)
    """(kind, name) -> live object that all services of the namespace share."""
    claim: Claim = Claim.OURS
    live_claim: objects.Manifest | None = None
    """The claim of the wanted host, when it is not ours (yet)."""
    stale_claims: tuple[str, ...] = ()
    """Names of our claims to other hosts."""
    build_environment: Environment = field(default_factory=Environment)
    build: WantedBuild | None = None
    attempts: tuple[Attempt, ...] = ()
    """Newest last."""
    stored: StoredImage | None = None
    deployment: objects.Manifest | None = None
    service: objects.Manifest | None = None
    ingress: objects.Manifest | None = None
    cron_job: objects.Manifest | None = None
    autoscaler: objects.Manifest | None = None
    runtime_class: objects.Manifest | None = None
    """Of the sandbox, if one is wanted."""
    volumes: dict[str, objects.Manifest] = field(default_factory=dict)
    """Name -> live claim: wanted ones, and those created for the service earlier."""
    pods: tuple[objects.Manifest, ...] = ()
    """Of the application."""
    release_pods: tuple[objects.Manifest, ...] = ()
    revisions: tuple[Revision, ...] = ()
    """By number."""
    releases: tuple[ReleaseRun, ...] = ()
    """Newest last."""
    environment: Environment = field(default_factory=Environment)
    configuration: Configuration = field(default_factory=Configuration)
    env_children: dict[str, objects.Manifest] = field(default_factory=dict, repr=False)
    """Kind -> live object created for the environment."""
    answer: Answer | None = None
    """What the public host answered, if there was a reason to ask."""

    @property
    def workload(self) -> objects.Manifest | None:
        """The object that creates the pods and records their revision; either, while one kind replaces the other."""
        return self.deployment or self.cron_job

    @property
    def digests(self) -> dict[str, str]:
        """Pod annotations with digests of the values of their variables."""
        digests = {names.ANNOTATION_ENV: self.environment.digest, names.ANNOTATION_CONFIG: self.configuration.digest}
        return {name: digest for name, digest in digests.items() if digest}


@dataclass(frozen=True, slots=True)
class ServiceContext:
    """The service of this pass, its identity, and the platform's settings."""

    service: InkService
    identity: ServiceIdentity
    settings: Settings

    @property
    def key(self) -> objects.Key:
        """The key of the service in the queue."""
        return objects.Key(kinds.INK_SERVICE.kind, self.service.metadata.namespace, self.service.metadata.name)

    @property
    def is_gateway_managed(self) -> bool:
        """The CR is in the tenants namespace, so its workload has a namespace that Ink creates."""
        return self.service.metadata.namespace == self.settings.tenants_namespace


@dataclass(frozen=True)
class StartBuild(effects.Effect):
    """Start this attempt, or queue it if all build slots are taken."""

    plan: WantedBuild
    number: int
    no_cache: bool
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Values of the build's variables that come from elsewhere. Never printed."""
    creates: ClassVar[bool] = True


@dataclass(frozen=True)
class RecordVerdict(effects.Effect):
    """Store the verdict on the Job."""

    attempt: Attempt


@dataclass(frozen=True)
class ClaimHost(effects.Effect):
    """Claim the host atomically: create the claim, or take over the one that was read if it has not changed since."""

    manifest: objects.Manifest
    live: objects.Manifest | None = None
    creates: ClassVar[bool] = True


@dataclass(frozen=True)
class ReleaseHost(effects.Effect):
    """Release a host: from now on its claim only reserves it for the tenant."""

    patch: effects.MergePatch


@dataclass(frozen=True)
class RetireImages(effects.Effect):
    """Delete the service's images and logs that are not kept, then mark the records whose images were deleted."""

    repository: str
    digests: frozenset[str]
    """Images that are kept."""
    builds: frozenset[str]
    """Builds whose logs are kept."""
    records: tuple[objects.Ref, ...] = ()
    """Of revisions whose images are deleted."""


@dataclass(frozen=True)
class ServicePlan(Plan):
    """What to do now, and what to report."""

    commit: str | None = None
    image: str | None = None
    build: BuildStatus | None = None
    revisions: tuple[RevisionStatus, ...] = ()
    effective: InkService | None = None
    """With ink.yaml's settings; None: only the spec counts."""
    port: int | None = None
    host: str | None = None
