"""The queue's decisions, on a clock that the test turns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ink_operator.core.objects import Key
from ink_operator.runtime.schedule import BACKOFF_MOST_SECONDS, Schedule, backoff

A, B = Key("InkService", "n", "a"), Key("InkService", "n", "b")


def schedule() -> Schedule:
    return Schedule(spread=lambda: 0.0)


def test_a_key_is_held_once() -> None:
    queue = schedule()
    for at in (3.0, 1.0, 2.0):
        queue.add(A, at)
    assert queue.waiting == 1
    assert queue.take(0.9) is None
    assert queue.take(1.0) == A
    queue.done(A)
    assert queue.take(10.0) is None


def test_a_key_is_never_handed_out_twice_at_a_time() -> None:
    queue = schedule()
    queue.add(A, 0.0)
    assert queue.take(0.0) == A
    queue.add(A, 0.0)
    assert queue.take(1.0) is None
    queue.done(A)
    assert queue.take(1.0) == A


def test_the_earliest_comes_first() -> None:
    queue = schedule()
    queue.add(A, 5.0)
    queue.add(B, 4.0)
    assert queue.next_due() == 4.0
    assert [queue.take(9.0), queue.take(9.0)] == [B, A]


def test_an_earlier_time_replaces_a_later_one_and_not_the_other_way() -> None:
    queue = schedule()
    queue.add(A, 600.0)
    queue.add(A, 1.0)
    queue.add(A, 300.0)
    assert queue.next_due() == 1.0


def test_failures_back_off_doubling_and_a_success_forgets() -> None:
    queue = schedule()
    waits = []
    for _ in range(4):
        queue.add(A, 0.0)
        queue.take(1000.0)
        waits.append(queue.failed(A, 0.0))
    assert waits == [0.5, 1.0, 2.0, 4.0]
    queue.take(1000.0)
    queue.done(A)
    assert queue.failures(A) == 0


def test_events_during_a_failing_pass_do_not_defeat_the_backoff() -> None:
    queue = schedule()
    queue.add(A, 0.0)
    queue.take(0.0)
    queue.add(A, 0.0)
    queue.failed(A, 0.0, after=7.0)
    assert queue.take(6.9) is None
    assert queue.take(7.0) == A


def test_a_failure_that_lasts_is_asked_about_less_and_less() -> None:
    """A right that is missing for good must not be tried three times a second for ever."""
    queue, waits = schedule(), []
    for _ in range(4):
        queue.add(A, 0.0)
        queue.take(1000.0)
        waits.append(queue.failed(A, 0.0, after=0.3))
    assert waits == pytest.approx([0.3, 0.6, 1.2, 2.4])


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_backoff_stays_within_its_bounds(failures: int, spread: float) -> None:
    assert 0 < backoff(failures, spread) <= BACKOFF_MOST_SECONDS


@given(st.lists(st.tuples(st.sampled_from([A, B]), st.floats(0, 100)), max_size=30))
def test_every_added_key_comes_out_once(added: list[tuple[Key, float]]) -> None:
    queue = schedule()
    for key, at in added:
        queue.add(key, at)
    taken = []
    while (key := queue.take(1000.0)) is not None:
        taken.append(key)
        queue.done(key)
    assert sorted(taken) == sorted({key for key, _ in added})
