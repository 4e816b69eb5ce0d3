"""Two operators: one is active, the other takes over, and never do both write."""

from __future__ import annotations

import random
import time

import pytest
from support.engine import SEED, Engine, Surroundings
from support.waiting import eventually

TAKES_OVER_SECONDS = 15
BUSY = 12


def busy(engine: Engine, count: int = BUSY) -> str:
    """Give the active operator much to write."""
    namespace = engine.namespace("lease")
    for number in range(count):
        engine.create(namespace, f"w{number}", subdomain=f"{namespace}-{number}")
    return namespace


def is_active(engine: Engine) -> bool:
    return engine.operator.metric("ink_leader") == 1


def test_a_standby_takes_over_from_a_dead_one_in_time(around: Surroundings) -> None:
    """With the lease as it is shipped."""
    with around.engine("first", INK_LEASE_SECONDS="") as first:
        eventually(lambda: is_active(first), within=30, what="the first is active", state=first.operator.tail)
        with around.engine("second", INK_LEASE_SECONDS="") as second:
            namespace = first.namespace("lease")
            first.create(namespace, "shop")
            first.wait_ready(namespace, "shop")
            assert second.proxy.writes == []
            first.operator.kill()
            killed = time.monotonic()
            first.change(namespace, "shop", replicas=2)
            eventually(lambda: second.proxy.writes, within=TAKES_OVER_SECONDS + 10, what="the second writes", every=0.1)
            assert second.proxy.writes[0].at - killed <= TAKES_OVER_SECONDS
            second.wait_ready(namespace, "shop")


def paused_past_its_lease(around: Surroundings, after_writes: int) -> None:
    """Stop the active one in the midst of its work, let the other take over, and let the first go on."""
    with around.engine("first") as first:
        eventually(lambda: is_active(first), within=30, what="the first is active", state=first.operator.tail)
        with around.engine("second") as second:
            first.proxy.forget()
            namespace = busy(first)
            eventually(lambda: len(first.proxy.writes) >= after_writes, within=30, what="it is at work", every=0.01)
            first.operator.pause()
            eventually(lambda: second.proxy.writes, within=30, what="the second writes", every=0.05)
            before = len(first.proxy.writes)
            first.operator.resume()
            eventually(lambda: not first.operator.is_running, within=30, what="the first ends")
            assert first.proxy.writes[before:] == [], "the first wrote although the second was active"
            assert first.proxy.writes[-1].at < second.proxy.writes[0].at
            second.wait_all_ready(namespace, BUSY)


def test_a_holder_that_stood_still_past_its_lease_ends_before_it_writes(around: Surroundings) -> None:
    after = random.Random(SEED).randint(1, 30)
    print(f"INK_TEST_SEED={SEED}: stopped after {after} writes")
    paused_past_its_lease(around, after)


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_a_holder_that_stands_still_at_any_moment_ends_before_it_writes(around: Surroundings) -> None:
    for after in range(1, 31, 2):
        paused_past_its_lease(around, after)
