"""Kinds that are defined but that this version cannot serve: each object says so where people look."""

from datetime import UTC, datetime
from typing import TypeVar

from ink_api.conditions import Condition, ConditionType, find, with_condition
from ink_api.inkdomain import InkDomainStatus
from ink_api.inkresource import InkResourceStatus
from ink_api.reasons import Reason
from pydantic import ValidationError

from ink_operator.core.kinds import Kind
from ink_operator.core.objects import Key, Ref, is_deleting
from ink_operator.core.result import Result
from ink_operator.ports import Ports

S = TypeVar("S", InkDomainStatus, InkResourceStatus)
MESSAGE = "This version of Ink does not serve {} yet. Delete the resource, or wait for a version that does."


async def report(kind: Kind, status: type[S], key: Key, ports: Ports) -> Result:
    """Write NotImplemented into the object once a generation."""
    ref = Ref(kind, key.namespace, key.name)
    raw = await ports.cluster.get(ref)
    if raw is None or is_deleting(raw):
        return Result()
    generation = raw["metadata"].get("generation", 0)
    try:
        old = status.model_validate(raw.get("status") or {})
    except ValidationError:
        old = status()
    new = summarise(kind, old, generation, datetime.now(UTC))
    if new != old:
        await ports.cluster.merge_patch(ref, {"status": new.to_wire()}, subresource="status")
        ports.events.record(kind, raw, old.conditions, new.conditions)
    return Result()


def summarise(kind: Kind, old: S, generation: int, now: datetime) -> S:
    """Pure: Ready=False and Stalled=True."""
    conditions: list[Condition] = []
    for condition_type, state in ((ConditionType.READY, "False"), (ConditionType.STALLED, "True")):
        before = find(old.conditions, condition_type)
        condition = Condition.model_validate(
            {
                "type": condition_type,
                "status": state,
                "reason": Reason.NOT_IMPLEMENTED,
                "message": MESSAGE.format(kind.kind),
                "observed_generation": generation,
                "last_transition_time": now.replace(microsecond=0),
            }
        )
        conditions += with_condition([before] if before else [], condition)
    return type(old)(observed_generation=generation, conditions=conditions)
