"""A kind in sixty lines: all that one has to write. It reads an InkDomain and copies its zone to a ConfigMap."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from ink_api.condition_types import ConditionType
from ink_api.group import ANNOTATION_OWNER, LABEL_OWNER_UID
from ink_api.inkdomain import InkDomain, InkDomainStatus
from ink_api.reasons import Reason
from ink_operator.core import kinds
from ink_operator.core.canonical import stamped
from ink_operator.core.objects import Manifest, Ref
from ink_operator.core.plan import Failure, Plan, PlanBuilder
from ink_operator.runtime.controller import Controller

PAGES = "pages"


def make_page(domain: InkDomain) -> Manifest:
    """desired"""
    meta = {
        "name": domain.metadata.name,
        "namespace": PAGES,
        "labels": {LABEL_OWNER_UID: domain.metadata.uid},
        "annotations": {ANNOTATION_OWNER: f"{domain.metadata.namespace}/{domain.metadata.name}"},
    }
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"zone": domain.spec.zone}}
    return stamped(body)


class PageController(Controller[InkDomain, InkDomain, Manifest | None]):
    kind = kinds.INK_DOMAIN
    model = InkDomain
    status_model = InkDomainStatus
    chain = (ConditionType.VERIFIED, ConditionType.ZONE_READY)
    cleans_up = True
    unreadable_spec: ClassVar[dict[str, Any]] = {"zone": "unreadable.invalid"}

    async def observe(self, context: InkDomain, now: datetime) -> Manifest | None:
        return await self.ports.cluster.get(Ref(kinds.CONFIG_MAP, PAGES, context.metadata.name))

    def decide(self, context: InkDomain, seen: Manifest | None, now: datetime) -> Plan:
        plan = PlanBuilder()
        if context.spec.zone.endswith(".test"):
            plan.refuse(Failure(Reason.INVALID_SPEC, "Nobody can own a zone of .test."), ConditionType.VERIFIED)
            plan.remove(seen)
            return plan.finish()
        plan.set_condition(ConditionType.VERIFIED, "True", Reason.READY, "The zone is yours.")
        if plan.apply(seen, make_page(context)):
            plan.set_condition(ConditionType.ZONE_READY, "Unknown", Reason.DEPLOYING, "The page is being made.")
            plan.requeue_after(1.0)
        else:
            plan.set_condition(ConditionType.ZONE_READY, "True", Reason.READY, "The page is there.")
        return plan.finish()

    async def clean_up(self, obj: InkDomain, context: InkDomain | None, failures: int, now: datetime) -> float | None:
        await self.ports.cluster.delete(Ref(kinds.CONFIG_MAP, PAGES, obj.metadata.name))
        return None
