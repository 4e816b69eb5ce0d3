"""The plan of a service's pass while its steps decide."""

from dataclasses import dataclass, field
from datetime import datetime

from ink_api.inkservice import BuildStatus, InkService
from ink_api.names import host_claim

from ink_operator.core import effects, kinds, objects
from ink_operator.core.plan import PlanBuilder
from ink_operator.inkservice import model
from ink_operator.inkservice.facts import inkfile, ownership
from ink_operator.inkservice.facts.effective import host_of, wants_host
from ink_operator.inkservice.facts.revisions import live_name, revision_statuses, running_now
from ink_operator.settings import Settings

SET_UP_REQUEUE_SECONDS = 0.1
"""While the namespace is being set up."""


@dataclass
class ServicePlanBuilder(PlanBuilder):
    """Collects what the steps decide about one service."""

    context: model.ServiceContext
    seen: model.Observed
    now: datetime
    commit: str | None = None
    image: str | None = None
    port: int | None = None
    build: BuildStatus | None = None
    revisions: list[model.Revision] = field(default_factory=list)
    """As they will be once the effects are carried out."""
    revision: str | None = None
    """Name of the wanted revision."""
    is_granted: bool = field(init=False)
    """The operator may read the workload's namespace, so what was observed there is complete."""
    effective: InkService = field(init=False)
    """The service, with ink.yaml's settings where the spec has none: of the running image, then of the chosen one."""

    def __post_init__(self) -> None:
        self.revisions = list(self.seen.revisions)
        self.is_granted = ownership.is_granted(self.seen.tenancy, self.settings)
        self.effective = self.service
        running = running_now(self.seen.workload, self.revisions)
        if running is not None:
            self.run_as(running)

    @property
    def service(self) -> InkService:
        """As its spec says."""
        return self.context.service

    @property
    def settings(self) -> Settings:
        """Of the platform."""
        return self.context.settings

    @property
    def is_gateway_managed(self) -> bool:
        """The CR is in the tenants namespace, so its workload has a namespace that Ink creates."""
        return self.context.is_gateway_managed

    @property
    def live(self) -> str | None:
        """Name of the revision that the workload's pods are made from."""
        return live_name(self.seen.workload, self.seen.identity)

    @property
    def host(self) -> str | None:
        """The public host, if one is wanted."""
        return host_of(self.service, self.seen.identity, self.settings) if wants_host(self.effective) else None

    @property
    def held_claim(self) -> tuple[str, ...]:
        """Our claim to the spec's host; ink.yaml may not need it."""
        if self.seen.claim != model.Claim.OURS or not wants_host(self.service):
            return ()
        return (host_claim(host_of(self.service, self.seen.identity, self.settings)),)

    def run_as(self, running: model.Running) -> None:
        """Use that image's ink.yaml from now on."""
        self.effective = inkfile.applied(self.service, running.inkfile)

    def release_hosts(self, *more: str) -> None:
        """Release claims to hosts that are no longer wanted, and `more`, once no route uses them."""
        claims = (*more, *self.seen.stale_claims)
        self.effects += [model.ReleaseHost(ownership.release(name, self.settings, self.now)) for name in claims]

    def drop_build(self, attempt: model.Attempt) -> None:
        """Delete a build's Job and Secret; the Secret has no owner if the operator died right after making both."""
        space = self.settings.builds_namespace
        self.effects += [
            effects.Delete(objects.Ref(kinds.JOB, space, attempt.name), attempt.uid),
            effects.Delete(objects.Ref(kinds.SECRET, space, attempt.name)),
        ]

    def finish(self) -> model.ServicePlan:
        """The finished plan."""
        return model.ServicePlan(
            effects=tuple(self.effects),
            facts=tuple(self.facts.values()),
            commit=self.commit,
            image=self.image,
            build=self.build,
            revisions=revision_statuses(self.revisions, self.revision or self.live),
            effective=self.effective,
            port=self.port,
            host=None if self.refused else self.host,
            requeue_after_seconds=self.requeue_seconds,
        )
