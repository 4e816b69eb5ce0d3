"""How an InkService is reconciled. runtime/controller.py has what all kinds share."""

from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar

from ink_api.condition_types import ConditionType
from ink_api.conditions import find
from ink_api.inkservice import InkService, InkServiceStatus
from ink_api.names import ServiceIdentity, identity_of
from ink_api.reasons import Reason

from ink_operator.core import effects, kinds, objects, times
from ink_operator.core.memo import Shared
from ink_operator.core.plan import Failure, Plan
from ink_operator.inkservice.act.clean_up import clean_up, wake_housekeeping
from ink_operator.inkservice.act.effects import carry_out
from ink_operator.inkservice.decide.service import decide
from ink_operator.inkservice.decide.wanted_build import wanted_build
from ink_operator.inkservice.facts import ownership, references
from ink_operator.inkservice.facts.status import CHAIN, report_delay, summarise
from ink_operator.inkservice.model import Observed, ServiceContext, ServicePlan
from ink_operator.inkservice.observe.service import observe_inside, observe_outside
from ink_operator.inkservice.observe.source import stored_image
from ink_operator.ports import Ports
from ink_operator.runtime.controller import Controller
from ink_operator.settings import Settings


class InkServiceController(Controller[InkService, ServiceContext, Observed]):
    """Builds a repository, runs its image and gives it a URL."""

    kind = kinds.INK_SERVICE
    model = InkService
    status_model = InkServiceStatus
    chain = CHAIN
    cleans_up = True
    unreadable_spec: ClassVar[dict[str, Any]] = {"source": {}}
    deletion_message = "The service and everything created for it are being deleted."

    def __init__(self, ports: Ports, settings: Settings, shared: Shared) -> None:
        super().__init__(ports)
        self.settings, self.shared = settings, shared

    def context(self, obj: InkService) -> ServiceContext | Failure:
        """The service's identity, from its namespace and name."""
        meta = obj.metadata
        try:
            identity = identity_of(meta.namespace, meta.name, self.settings.tenants_namespace)
        except ValueError as error:
            return Failure(Reason.INVALID_SPEC, f"metadata.name: {error}.")
        return ServiceContext(obj, identity, self.settings)

    async def observe(self, context: ServiceContext, now: datetime) -> Observed:
        """First what is outside the namespace: it shows whether the operator may read inside."""
        outside = await observe_outside(context, self.ports, self.shared, now)
        granted = ownership.is_granted(outside.tenancy, self.settings)
        if granted:
            # Before anything is read, so that no change between reading and watching is missed.
            self.ports.references.follow(context.key, references.followed_refs(context.service, context.identity))
        seen = await observe_inside(context, outside, self.ports, self.shared, now, granted=granted)
        seen = replace(seen, build=wanted_build(context, seen))
        return replace(seen, stored=await stored_image(seen, self.ports))

    def decide(self, context: ServiceContext, seen: Observed, now: datetime) -> ServicePlan:
        """Pure."""
        return decide(context, seen, now)

    async def carry_out(self, context: ServiceContext, plan: Plan) -> Plan:
        """In order; the status gets the creation times of new records."""
        made: dict[str, str] = {}
        for effect in plan.effects:
            live = await self.carry_out_one(context, effect)
            if live is not None:
                made[live["metadata"]["name"]] = live["metadata"]["creationTimestamp"]
        if not made or not isinstance(plan, ServicePlan):
            return plan
        revisions = (r.model_copy(update={"created": made[r.name]}) if r.name in made else r for r in plan.revisions)
        return replace(plan, revisions=tuple(revisions))

    async def carry_out_one(self, context: ServiceContext, effect: effects.Effect) -> objects.Manifest | None:
        """A service's own effects, and those that all kinds have."""
        if await carry_out(context, effect, self.ports, self.shared):
            return None
        return await super().carry_out_one(context, effect)

    def status(self, obj: InkService, seen: Observed | None, plan: Plan, now: datetime) -> InkServiceStatus:
        """Facts -> status."""
        context = self.context(obj)
        meta = obj.metadata
        nobody = ServiceIdentity(meta.namespace, "", meta.name, meta.namespace)
        unseen = Observed(nobody if isinstance(context, Failure) else context.identity)
        service_plan = plan if isinstance(plan, ServicePlan) else ServicePlan(facts=plan.facts)
        return summarise(obj, seen or unseen, service_plan, self.settings, now)

    def report_delay(self, before: InkServiceStatus, after: InkServiceStatus) -> float:
        """Pod counts are collected before they are reported, and so is the first status while there is a backlog."""
        return report_delay(before, after, backlogged=self.ports.wakeups.is_backlogged)

    def reported(self, obj: InkService, seen: Observed | None, status: InkServiceStatus, now: datetime) -> None:
        """Measures the time from the creation of the build to the first answer of its commit."""
        before, after = (find(s.conditions, ConditionType.READY) for s in (obj.status, status))
        became_ready = after is not None and after.status == "True" and (before is None or before.status != "True")
        attempts = seen.attempts if seen is not None else ()
        build = next((a for a in reversed(attempts) if a.commit == status.commit), None)
        age = times.seconds_since(build.created, now) if build else None
        if became_ready and age is not None:
            self.ports.metrics.went_live(age)

    async def clean_up(
        self, obj: InkService, context: ServiceContext | None, failures: int, now: datetime
    ) -> float | None:
        """Nothing was ever created for a service whose name is invalid."""
        if context is None:
            return None
        return await clean_up(context, self.ports, self.shared, failures=failures, now=now)

    def released(self, context: ServiceContext | None) -> None:
        """Its namespace or its tenant's buildkitd may be unused now."""
        if context is not None:
            wake_housekeeping(context, self.ports)
