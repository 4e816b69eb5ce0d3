"""A plan while it is being made."""

from dataclasses import dataclass, field
from datetime import datetime

from ink_api.condition_types import ConditionType
from ink_api.conditions import ConditionStatus
from ink_api.inkservice import BuildStatus, InkService
from ink_api.names import host_claim
from ink_api.reasons import Reason

from ink_operator.core.canonical import settled
from ink_operator.core.effects import Apply, Delete
from ink_operator.core.objects import JOB, SECRET, Manifest, Ref, ref_of
from ink_operator.inkservice.claims import release
from ink_operator.inkservice.effective import host_of, wants_host
from ink_operator.inkservice.inkfile import applied
from ink_operator.inkservice.model import (
    Attempt,
    Claim,
    Fact,
    Failure,
    Observed,
    Plan,
    ReleaseHost,
    Revision,
    Running,
    ServiceEffect,
)
from ink_operator.inkservice.revisions import live_name, mirror, running_now
from ink_operator.settings import Settings

REFUSED_LOOK_SECONDS = 60.0
"""What refuses a service may go away elsewhere, where no event tells of it: a claim, a label of a namespace."""


@dataclass
class Draft:
    """Collects what the steps decide. Not shared, not kept."""

    service: InkService
    seen: Observed
    settings: Settings
    now: datetime
    effects: list[ServiceEffect] = field(default_factory=list)
    facts: dict[ConditionType, Fact] = field(default_factory=dict)
    commit: str | None = None
    image: str | None = None
    port: int | None = None
    build: BuildStatus | None = None
    requeue: float | None = None
    refused: bool = False
    revisions: list[Revision] = field(default_factory=list)
    """As they will be once the effects are carried out."""
    revision: str | None = None
    """Name of the one that is wanted."""
    effective: InkService = field(init=False)
    """The service with what ink.yaml says where its spec says nothing: that of what runs, then of what was chosen."""

    def __post_init__(self) -> None:
        self.revisions = list(self.seen.revisions)
        self.effective = self.service
        running = running_now(self.seen.workload, self.revisions)
        if running is not None:
            self.run_as(running)

    @property
    def live(self) -> str | None:
        """Name of the revision that the workload's pods are made from."""
        return live_name(self.seen.workload, self.seen.identity)

    @property
    def of_gateway(self) -> bool:
        """The CR lies in the tenants namespace, so its workload has a namespace of Ink's own making."""
        return self.service.metadata.namespace == self.settings.tenants_namespace

    @property
    def host(self) -> str | None:
        """The public host, if one is wanted."""
        return host_of(self.service, self.seen.identity, self.settings) if wants_host(self.effective) else None

    @property
    def held_claim(self) -> tuple[str, ...]:
        """Our claim to the host of the spec, which ink.yaml may not want."""
        if self.seen.claim != Claim.OURS or not wants_host(self.service):
            return ()
        return (host_claim(host_of(self.service, self.seen.identity, self.settings)),)

    def run_as(self, running: Running) -> None:
        """From now on that image's ink.yaml counts."""
        self.effective = applied(self.service, running.inkfile)

    def say(self, kind: ConditionType, status: ConditionStatus, reason: Reason, message: str = "") -> None:
        """State a fact."""
        self.facts[kind] = Fact(kind, status, reason, message)

    def refuse(self, failure: Failure, kind: ConditionType = ConditionType.READY) -> None:
        """The whole service cannot go on."""
        self.say(kind, "False", failure.reason, failure.message)
        self.say(ConditionType.READY, "False", failure.reason, failure.message)
        self.refused = True
        self.look_again(REFUSED_LOOK_SECONDS)

    def apply(self, live: Manifest | None, wanted: Manifest) -> bool:
        """Apply where something differs. Returns whether it did."""
        if settled(live, wanted):
            return False
        self.effects.append(Apply(wanted))
        return True

    def remove(self, *children: Manifest | None) -> None:
        """Delete what is there."""
        self.effects += [Delete(ref_of(live), live["metadata"]["uid"]) for live in children if live is not None]

    def release_hosts(self, *more: str) -> None:
        """Give up claims to hosts that are not wanted any more, and `more`, once nothing is routed by them."""
        names = (*more, *self.seen.stale_claims)
        self.effects += [ReleaseHost(release(name, self.settings, self.now)) for name in names]

    def look_again(self, seconds: float) -> None:
        """By then at the latest."""
        self.requeue = seconds if self.requeue is None else min(self.requeue, seconds)

    def drop_build(self, attempt: Attempt) -> None:
        """Delete a build's Job and Secret; the Secret has no owner if the operator died right after making both."""
        space = self.settings.builds_namespace
        self.effects += [Delete(Ref(JOB, space, attempt.name), attempt.uid), Delete(Ref(SECRET, space, attempt.name))]

    def plan(self) -> Plan:
        """The finished plan."""
        return Plan(
            effects=tuple(self.effects),
            facts=tuple(self.facts.values()),
            commit=self.commit,
            image=self.image,
            build=self.build,
            revisions=mirror(self.revisions, self.revision or self.live),
            effective=self.effective,
            port=self.port,
            host=None if self.refused else self.host,
            requeue_after_seconds=self.requeue,
        )
