"""InkDomain: this version cannot serve it, and says so where people look."""

from datetime import UTC, datetime

from ink_api.conditions import Condition, ConditionType, find, with_condition
from ink_api.inkdomain import InkDomainStatus
from ink_api.reasons import Reason
from pydantic import ValidationError

from ink_operator.core.objects import INK_DOMAIN, Key, Ref, is_deleting
from ink_operator.core.result import Result
from ink_operator.ports import Ports
from ink_operator.settings import Settings

MESSAGE = "This version of Ink does not serve InkDomain yet. Delete the resource, or wait for a version that does."


async def reconcile(key: Key, failures: int, ports: Ports, settings: Settings) -> Result:
    """Report NotImplemented once a generation."""
    ref = Ref(INK_DOMAIN, key.namespace, key.name)
    raw = await ports.cluster.get(ref)
    if raw is None or is_deleting(raw):
        return Result()
    generation = raw["metadata"].get("generation", 0)
    try:
        old = InkDomainStatus.model_validate(raw.get("status") or {})
    except ValidationError:
        old = InkDomainStatus()
    new = summarise(old, generation, datetime.now(UTC))
    if new != old:
        await ports.cluster.merge_patch(ref, {"status": new.to_wire()}, subresource="status")
        ports.announcer.announce(INK_DOMAIN, raw, old.conditions, new.conditions)
    return Result()


def summarise(old: InkDomainStatus, generation: int, now: datetime) -> InkDomainStatus:
    """Pure: Ready=False and Stalled=True."""
    conditions: list[Condition] = []
    for kind, status in ((ConditionType.READY, "False"), (ConditionType.STALLED, "True")):
        before = find(old.conditions, kind)
        condition = Condition.model_validate(
            {
                "type": kind,
                "status": status,
                "reason": Reason.NOT_IMPLEMENTED,
                "message": MESSAGE,
                "observed_generation": generation,
                "last_transition_time": now.replace(microsecond=0),
            }
        )
        conditions += with_condition([before] if before else [], condition)
    return InkDomainStatus(observed_generation=generation, conditions=conditions)
