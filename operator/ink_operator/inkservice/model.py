"""Values of this kind: what is observed, and what is decided. Frozen; no behaviour beyond simple questions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from ink_api.inkservice import BuildStatus, InkService, RevisionStatus, ScanStatus
from ink_api.names import ServiceIdentity
from ink_api.reasons import Reason

from ink_operator.core import effects, kinds
from ink_operator.core.objects import Key, Manifest, Ref
from ink_operator.core.plan import Failure, Plan
from ink_operator.inkservice import names
from ink_operator.ports import Answer, Head, StoredImage
from ink_operator.settings import Settings

DEFAULT_PORT = 8080


class BuildState(StrEnum):
    """Where a build Job is."""

    QUEUED = "Queued"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    SUPERSEDED = "Superseded"
    """Ended while it ran, because another commit or other settings were wanted by then."""


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
    """What ink.yaml says of how it runs (`inkfile.canonical`); empty: nothing."""
    scan: ScanStatus | None = None
    """What was found in the source; None: nobody looked."""
    finished: str | None = None
    """By the builder's clock, of a build that worked; None: it does not say."""


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
    """The verdict is on the Job already."""
    started: str | None = None
    finished: str | None = None
    pod: str | None = None
    limit_seconds: int = 0
    """How long it was allowed to take; 0 when that is not known."""


@dataclass(frozen=True, slots=True)
class BuildPlan:
    """What is to be built, before it is known whether it has been."""

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
    of_commit: Callable[[str], BuildPlan] | None = field(default=None, compare=False, repr=False)
    """The build of another commit with today's settings; None where these are not known."""


@dataclass(frozen=True, slots=True)
class Running:
    """What the Deployment's annotations say it runs."""

    image: str
    port: int
    commit: str | None = None
    build_key: str | None = None
    rebuild_token: str | None = None
    planner: str | None = None
    """Version of the planner that named its build; None for a given image."""
    inkfile: str = ""
    """What ink.yaml of its commit says of how it runs."""


@dataclass(frozen=True, slots=True)
class ReleaseEnd:
    """How a release command ended."""

    run: str
    """Names the revision, the command and its limit: another name is another run."""
    ok: bool
    message: str = ""


@dataclass(frozen=True, slots=True)
class Revision:
    """What one ControllerRevision records: a revision, or an attempt at a build that gave none."""

    name: str
    number: int
    template: str = ""
    """Hash of the pod template."""
    running: Running | None = None
    """None: the attempt gave no image."""
    build: BuildStatus | None = None
    attempt: Attempt | None = None
    """Of an attempt that gave no image: what is known of it."""
    outcome: str = ""
    release: ReleaseEnd | None = None
    image_deleted: bool = False
    uid: str = ""
    created: str | None = None
    """None: about to be made."""


class ReleaseState(StrEnum):
    """Where a release Job is."""

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
    """Name of the revision that it is for."""
    state: ReleaseState
    created: str
    message: str = ""
    pod: Manifest | None = None


@dataclass(frozen=True, slots=True)
class Environment:
    """What sealed variables hold, or those of the build, or why that is not known. Never printed."""

    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    digest: str = ""
    """Keyed: names the values, so that pods roll, or a build is made, when one changes."""
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the Secrets and ConfigMaps hold that variables come from, or why that is not known."""

    digest: str = ""
    """Keyed, like that of sealed values."""
    failure: Failure | None = None


class Claim(StrEnum):
    """Whose the public host is."""

    FREE = "Free"
    OURS = "Ours"
    TAKEN = "Taken"
    RESERVED = "Reserved"
    """Given up by another tenant a while ago, and reserved for it."""


@dataclass(frozen=True)
class Observed:
    """The world of one service at one moment. Children are live objects as JSON, None when absent."""

    NOBODY: ClassVar[ServiceIdentity] = ServiceIdentity("", "", "", "")
    identity: ServiceIdentity
    head: Head | None = None
    source_failure: Failure | None = None
    namespace: Manifest | None = None
    tenancy: dict[tuple[str, str], Manifest] = field(default_factory=dict)
    """(kind, name) -> live object of the namespace's own set-up."""
    claim: Claim = Claim.OURS
    live_claim: Manifest | None = None
    """The claim of the wanted host, when it is not ours (yet)."""
    stale_claims: tuple[str, ...] = ()
    """Names of our claims to other hosts."""
    build_environment: Environment = field(default_factory=Environment)
    build: BuildPlan | None = None
    attempts: tuple[Attempt, ...] = ()
    """Newest last."""
    stored: StoredImage | None = None
    deployment: Manifest | None = None
    service: Manifest | None = None
    ingress: Manifest | None = None
    cron_job: Manifest | None = None
    autoscaler: Manifest | None = None
    runtime_class: Manifest | None = None
    """Of the sandbox, when one is wanted."""
    volumes: dict[str, Manifest] = field(default_factory=dict)
    """Name -> live claim, of those that are wanted and those that were made for it before."""
    pods: tuple[Manifest, ...] = ()
    """Of the application."""
    release_pods: tuple[Manifest, ...] = ()
    revisions: tuple[Revision, ...] = ()
    """By number."""
    releases: tuple[ReleaseRun, ...] = ()
    """Newest last."""
    environment: Environment = field(default_factory=Environment)
    configuration: Configuration = field(default_factory=Configuration)
    env_children: dict[str, Manifest] = field(default_factory=dict, repr=False)
    """Kind -> live object made of the environment."""
    answer: Answer | None = None
    """What the public host said, when there was a reason to ask."""

    @property
    def workload(self) -> Manifest | None:
        """What makes the pods and records their revision. While one kind replaces the other, either tells."""
        return self.deployment or self.cron_job

    @property
    def digests(self) -> dict[str, str]:
        """Annotations of the pods that name the values of their variables."""
        digests = {names.ANNOTATION_ENV: self.environment.digest, names.ANNOTATION_CONFIG: self.configuration.digest}
        return {name: digest for name, digest in digests.items() if digest}


@dataclass(frozen=True, slots=True)
class ServiceContext:
    """The service at hand, who it is, and the platform it is on."""

    service: InkService
    identity: ServiceIdentity
    settings: Settings

    @property
    def key(self) -> Key:
        """The service in the queue."""
        return Key(kinds.INK_SERVICE.kind, self.service.metadata.namespace, self.service.metadata.name)

    @property
    def is_gateway_managed(self) -> bool:
        """The CR lies in the tenants namespace, so its workload has a namespace of Ink's own making."""
        return self.service.metadata.namespace == self.settings.tenants_namespace


@dataclass(frozen=True)
class StartBuild(effects.Effect):
    """Start this attempt, or queue it when all places are taken."""

    plan: BuildPlan
    number: int
    no_cache: bool
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What the variables of the build hold that come from elsewhere. Never printed."""
    creates: ClassVar[bool] = True


@dataclass(frozen=True)
class RecordVerdict(effects.Effect):
    """Keep the verdict on the Job."""

    attempt: Attempt


@dataclass(frozen=True)
class ClaimHost(effects.Effect):
    """Claim the host, atomically: make the claim, or take over the one that was read, if it has not changed since."""

    manifest: Manifest
    live: Manifest | None = None
    creates: ClassVar[bool] = True


@dataclass(frozen=True)
class ReleaseHost(effects.Effect):
    """Give a host up: its claim keeps it for the tenant from now on."""

    patch: effects.MergePatch


@dataclass(frozen=True)
class RetireImages(effects.Effect):
    """Delete what the registry has of the service beyond what is kept, then note it on the records it belonged to."""

    repository: str
    digests: frozenset[str]
    """Images that are kept."""
    builds: frozenset[str]
    """Builds whose logs are kept."""
    records: tuple[Ref, ...] = ()
    """Of revisions whose images go."""


@dataclass(frozen=True)
class ServicePlan(Plan):
    """What to do now, and what to say about it."""

    commit: str | None = None
    image: str | None = None
    build: BuildStatus | None = None
    revisions: tuple[RevisionStatus, ...] = ()
    effective: InkService | None = None
    """With what ink.yaml says; None: as the spec says."""
    port: int | None = None
    host: str | None = None
