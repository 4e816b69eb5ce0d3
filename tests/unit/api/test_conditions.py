"""Conditions: one a type, sorted, with a transition time that moves only when the status does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from ink_api.condition_types import ConditionType
from ink_api.conditions import Condition, ConditionStatus, find, with_condition

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def condition(kind: str, status: ConditionStatus, *, at: int = 0, reason: str = "Because") -> Condition:
    return Condition(type=kind, status=status, reason=reason, last_transition_time=NOON + timedelta(seconds=at))


STATUSES: st.SearchStrategy[ConditionStatus] = st.sampled_from(["True", "False", "Unknown"])
CONDITIONS = st.builds(
    lambda kind, status, at: condition(kind, status, at=at),
    st.sampled_from([str(kind) for kind in ConditionType]),
    STATUSES,
    st.integers(0, 1000),
)


@given(st.lists(CONDITIONS))
def test_a_type_stands_once_and_the_list_is_sorted(given_conditions: list[Condition]) -> None:
    seen: list[Condition] = []
    for new in given_conditions:
        seen = with_condition(seen, new)
    types = [c.type for c in seen]
    assert types == sorted(set(types))
    assert set(types) == {c.type for c in given_conditions}


@given(st.lists(CONDITIONS), CONDITIONS)
def test_saying_it_again_changes_nothing(old: list[Condition], new: Condition) -> None:
    once = with_condition(old, new)
    later = new.model_copy(update={"last_transition_time": NOON + timedelta(days=1)})
    assert with_condition(once, later) == once


def test_the_transition_time_moves_with_the_status_only() -> None:
    old = [condition("Ready", "False", at=0)]
    same = find(with_condition(old, condition("Ready", "False", at=60, reason="Other")), "Ready")
    other = find(with_condition(old, condition("Ready", "True", at=60)), "Ready")
    assert same is not None
    assert other is not None
    assert (same.reason, same.last_transition_time) == ("Other", NOON)
    assert other.last_transition_time == NOON + timedelta(seconds=60)


def test_an_unstated_condition_is_none() -> None:
    assert find([condition("Built", "True")], "Ready") is None
