"""Pure: facts -> conditions. Ready is computed from the steps of a kind, never set against them."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from ink_api.condition_types import ConditionType
from ink_api.conditions import Condition, find, with_condition
from ink_api.reasons import PROGRESS, Reason, remedy

from ink_operator.core.plan import Fact

PENDING = "Waiting for an earlier step."


def conditions_of(
    chain: Sequence[ConditionType],
    facts: Iterable[Fact],
    before: Iterable[Condition],
    generation: int,
    now: datetime,
) -> list[Condition]:
    """All conditions, sorted by type: the steps of `chain`, Ready, what kstatus needs, and every other fact.

    Equal inputs give equal conditions; `now` only counts if a status changed.
    """
    stated = {fact.type: fact for fact in facts}
    steps = [stated.get(kind) or Fact(kind, "Unknown", Reason.PENDING, PENDING) for kind in chain]
    ready = stated.get(ConditionType.READY) or roll_up(steps)
    known = {*chain, ConditionType.READY}
    others = [fact for kind, fact in stated.items() if kind not in known]
    old = list(before)
    made: list[Condition] = []
    for fact in (*steps, *others, ready, *kstatus(ready)):
        earlier = find(old, fact.type)
        made += with_condition([earlier] if earlier else [], condition(fact, generation, now))
    return sorted(made, key=lambda c: c.type)


def deleting_conditions(before: Iterable[Condition], message: str, generation: int, now: datetime) -> list[Condition]:
    """The conditions of an object that is being deleted: no longer Ready; the rest stays as it was."""
    deleting = Fact(ConditionType.READY, "Unknown", Reason.DELETING, message)
    conditions = [c for c in before if c.type != ConditionType.STALLED]
    for fact in (deleting, *kstatus(deleting)):
        conditions = with_condition(conditions, condition(fact, generation, now))
    return sorted(conditions, key=lambda c: c.type)


def roll_up(steps: Sequence[Fact]) -> Fact:
    """Ready: the first step that is not done explains it."""
    for fact in steps:
        if fact.status != "True":
            status = fact.status if fact.reason in PROGRESS else "False"
            return Fact(ConditionType.READY, status, fact.reason, fact.message)
    return Fact(ConditionType.READY, "True", Reason.READY, steps[-1].message if steps else "")


def kstatus(ready: Fact) -> list[Fact]:
    """Reconciling and Stalled are present only while True, and never both."""
    if ready.status == "True":
        return []
    kind = ConditionType.RECONCILING if ready.reason in PROGRESS else ConditionType.STALLED
    return [Fact(kind, "True", ready.reason, ready.message)]


def condition(fact: Fact, generation: int, now: datetime) -> Condition:
    """The condition that reports a fact, with its reason's remedy if something is wrong."""
    message = fact.message
    help_text = remedy(fact.reason) if fact.status != "True" or fact.type == ConditionType.STALLED else ""
    if help_text and help_text not in message:
        message = f"{sentence(message)} {help_text}".strip()
    return Condition(
        type=fact.type,
        status=fact.status,
        reason=fact.reason,
        message=message,
        observed_generation=generation,
        last_transition_time=now.replace(microsecond=0),
    )


def sentence(text: str) -> str:
    """The text with a full stop, so that another sentence may follow."""
    text = text.rstrip(" ")
    return text if not text or text[-1] in ".!?\n" else f"{text}."
