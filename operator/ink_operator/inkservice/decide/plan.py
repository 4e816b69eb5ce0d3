"""The plan of a service's pass while its steps decide."""

from dataclasses import dataclass, field
from datetime import datetime

from ink_api.inkservice import BuildStatus, InkService
from ink_api.names import host_claim

from ink_operator.core import effects, kinds
from ink_operator.core.objects import Ref
from ink_operator.core.plan import PlanBuilder
from ink_operator.inkservice import model
from ink_operator.inkservice.facts import inkfile, ownership
from ink_operator.inkservice.facts.effective import host_of, wants_host
from ink_operator.inkservice.facts.revisions import live_name, mirror, running_now
from ink_operator.settings import Settings


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
    def service(self) -> InkService:
        """As its spec says."""
        return self.context.service

    @property
    def settings(self) -> Settings:
        """Of the platform."""
        return self.context.settings

    @property
    def is_gateway_managed(self) -> bool:
        """The CR lies in the tenants namespace, so its workload has a namespace of Ink's own making."""
        return self.context.is_gateway_managed

    @property
    def is_granted(self) -> bool:
        """The operator may look into the workload's namespace, so what was observed there is all there is."""
        return ownership.is_granted(self.seen.tenancy, self.settings)

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
        """Our claim to the host of the spec, which ink.yaml may not want."""
        if self.seen.claim != model.Claim.OURS or not wants_host(self.service):
            return ()
        return (host_claim(host_of(self.service, self.seen.identity, self.settings)),)

    def run_as(self, running: model.Running) -> None:
        """From now on that image's ink.yaml counts."""
        self.effective = inkfile.applied(self.service, running.inkfile)

    def release_hosts(self, *more: str) -> None:
        """Give up claims to hosts that are not wanted any more, and `more`, once nothing is routed by them."""
        claims = (*more, *self.seen.stale_claims)
        self.effects += [model.ReleaseHost(ownership.release(name, self.settings, self.now)) for name in claims]

    def drop_build(self, attempt: model.Attempt) -> None:
        """Delete a build's Job and Secret; the Secret has no owner if the operator died right after making both."""
        space = self.settings.builds_namespace
        self.effects += [
            effects.Delete(Ref(kinds.JOB, space, attempt.name), attempt.uid),
            effects.Delete(Ref(kinds.SECRET, space, attempt.name)),
        ]

    def finish(self) -> model.ServicePlan:
        """The finished plan."""
        return model.ServicePlan(
            effects=tuple(self.effects),
            facts=tuple(self.facts.values()),
            commit=self.commit,
            image=self.image,
            build=self.build,
            revisions=mirror(self.revisions, self.revision or self.live),
            effective=self.effective,
            port=self.port,
            host=None if self.refused else self.host,
            requeue_after_seconds=self.requeue_seconds,
        )
