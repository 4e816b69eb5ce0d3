"""States of custom resources as the operator reports them, and what tools that follow conditions must make of each."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from ink_api.condition_types import ConditionType
from ink_api.conditions import ConditionStatus
from ink_api.inkservice import InkService
from ink_api.names import ServiceIdentity
from ink_api.reasons import Reason, ReasonClass
from ink_operator.core.conditions import conditions_of
from ink_operator.core.plan import Fact
from ink_operator.inkdomain.reconcile import InkDomainController
from ink_operator.inkresource.reconcile import InkResourceController
from ink_operator.inkservice.facts.status import CHAIN, summarise
from ink_operator.inkservice.model import Observed, ServicePlan
from ink_operator.runtime.controller import Controller
from ink_operator.settings import Settings
from support.resources.specs import Json, custom_resource

NOW = datetime(2026, 1, 1, tzinfo=UTC)
IDENTITY = ServiceIdentity("acme", "", "shop", "acme")


def unserved(controller: type[Controller[Any, Any, None]]) -> Json:
    """The status of a kind that this version does not serve."""
    plan = controller.decide(None, None, None, NOW)  # type: ignore[arg-type]
    conditions = conditions_of(controller.chain, plan.facts, (), 1, NOW)
    status: Json = controller.status_model(observed_generation=1, conditions=conditions).to_wire()
    return status


class State(NamedTuple):
    """`kstatus`: InProgress, Failed, Current or Terminating. `argo`: Progressing, Degraded, Healthy or Suspended."""

    name: str
    found: Json
    kstatus: str
    argo: str


def created(kind: str) -> Json:
    """As the API server answers a create."""
    made = copy.deepcopy(custom_resource(kind))
    made["metadata"] |= {"namespace": "acme", "uid": "u-1", "generation": 1}
    return {**made, "status": {"observedGeneration": -1}}


def reported(*facts: Fact) -> Json:
    """An InkService after a pass of the operator that found these facts."""
    made = created("InkService")
    status = summarise(InkService.model_validate(made), Observed(IDENTITY), ServicePlan(facts=facts), Settings(), NOW)
    return {**made, "status": status.to_wire()}


def status_of(reason: Reason) -> ConditionStatus:
    """The status of a condition with this reason."""
    if reason.reason_class is ReasonClass.DONE:
        return "True"
    return "Unknown" if reason.reason_class is ReasonClass.IN_PROGRESS else "False"


def until(failing: str, reason: Reason) -> Json:
    """Every step before this one is done; this one gives the reason."""
    step = ConditionType(failing)
    facts = [Fact(kind, "True", Reason.NOT_NEEDED) for kind in CHAIN[: CHAIN.index(step)]]
    return reported(*facts, Fact(step, status_of(reason), reason, "What was seen."))


def whole(reason: Reason) -> Json:
    """The service as a whole gives the reason."""
    return reported(Fact(ConditionType.READY, status_of(reason), reason, "What was seen."))


LIVE = tuple(Fact(kind, "True", Reason.NOT_NEEDED) for kind in CHAIN)


def of_reasons() -> Iterator[State]:
    """Every reason, in every condition that gives it first."""
    for reason in Reason:
        for kind in reason.stated_by:
            if kind not in (*CHAIN, ConditionType.READY):
                continue  # beside the steps: it decides nothing about Ready
            if reason == Reason.SUSPENDED and kind != ConditionType.READY:
                continue  # never without Ready's own
            found = whole(reason) if kind == ConditionType.READY else until(kind, reason)
            yield State(f"{reason} in {kind}", found, *expected(reason, kind))


def expected(reason: Reason, kind: str) -> tuple[str, str]:
    """kstatus and Argo CD."""
    if reason.reason_class in (ReasonClass.ACTION_REQUIRED, ReasonClass.RETRIED):
        return "Failed", "Degraded"
    if reason.reason_class is ReasonClass.IN_PROGRESS:
        return "InProgress", "Progressing"
    if kind == ConditionType.READY:
        return "Current", "Suspended" if reason == Reason.SUSPENDED else "Healthy"
    return ("Current", "Healthy") if kind == CHAIN[-1] else ("InProgress", "Progressing")


def of_lives() -> Iterator[State]:
    """What the API server alone makes of an object."""
    live = reported(*LIVE)
    for kind in ("InkService", "InkResource", "InkDomain"):
        yield State(f"new {kind}", created(kind), "InProgress", "Progressing")
    yield State("live", live, "Current", "Healthy")
    changed = copy.deepcopy(live)
    changed["metadata"]["generation"] = 2
    yield State("live, and its spec has changed", changed, "InProgress", "Progressing")
    failed = until(ConditionType.BUILT, Reason.BUILD_FAILED)
    failed["metadata"]["generation"] = 2
    yield State("failed, and its spec has changed", failed, "InProgress", "Progressing")
    going = copy.deepcopy(live)
    going["metadata"] |= {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["ml.ink/cleanup"]}
    yield State("going", going, "Terminating", "Progressing")
    resource, domain = created("InkResource"), created("InkDomain")
    resource["status"] = unserved(InkResourceController)
    domain["status"] = unserved(InkDomainController)
    yield State("InkResource, which is not supported yet", resource, "Failed", "Degraded")
    yield State("InkDomain, which is not supported yet", domain, "Failed", "Degraded")


def all_states() -> list[State]:
    return [*of_lives(), *of_reasons()]
