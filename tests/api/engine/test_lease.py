"""Two operators: one is active, the other takes over, and never do both write."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest
from support.operating.engine import CRS, LEASE, SEED, Engine, Surroundings
from support.waiting import eventually

BUSY, LATEST = 4, 30
"""So many services are at least so many writes."""


def busy(engine: Engine, count: int = BUSY) -> str:
    """Give the active operator much to write."""
    namespace = engine.namespace("lease")
    for number in range(count):
        engine.create(namespace, f"w{number}", subdomain=f"{namespace}-{number}")
    return namespace


def is_active(engine: Engine) -> bool:
    return engine.operator.metric("ink_leader") == 1


def test_a_standby_takes_over_from_a_dead_one(around: Surroundings) -> None:
    """With the lease as it is shipped."""
    with around.engine("first", INK_LEASE_SECONDS="") as first:
        eventually(lambda: is_active(first), within=30, what="the first is active", state=first.operator.tail)
        with around.engine("second", INK_LEASE_SECONDS="") as second:
            namespace = first.namespace("lease")
            first.create(namespace, "shop")
            first.wait_ready(namespace, "shop")
            assert second.proxy.writes == []
            first.operator.kill()
            lease = second.api.get(LEASE)["spec"]
            first.change(namespace, "shop", replicas=2)
            eventually(lambda: second.proxy.writes, within=60, what="the second writes", state=second.operator.tail)
            # That it takes over soon is shown with a clock of its own, in tests/unit/operator/runtime/test_lease.py.
            taken = second.api.get(LEASE)["spec"]
            assert taken["holderIdentity"] != lease["holderIdentity"]
            waited = datetime.fromisoformat(taken["acquireTime"]) - datetime.fromisoformat(lease["renewTime"])
            assert waited.total_seconds() >= lease["leaseDurationSeconds"] == 10
            second.wait_ready(namespace, "shop")


@contextmanager
def pair(around: Surroundings) -> Iterator[tuple[Engine, Engine]]:
    """An active operator, and a standby that waits for the lease."""
    with around.engine("first") as first:
        eventually(lambda: is_active(first), within=30, what="the first is active", state=first.operator.tail)
        with around.engine("second") as second:
            yield first, second


def paused_past_its_lease(active: Engine, standby: Engine, after_writes: int) -> None:
    """Stop the active one in the midst of its work, let the other take over, and let the first go on.

    In the end the roles are changed: the one that ended is started again, and waits.
    """
    active.proxy.forget()
    standby.proxy.forget()
    namespace = busy(active)
    eventually(
        lambda: len(active.proxy.writes) >= after_writes,
        within=30,
        what="it is at work",
        every=0.01,
        state=active.operator.tail,
    )
    active.operator.pause()
    eventually(
        lambda: standby.proxy.writes, within=30, what="the other writes", every=0.05, state=standby.operator.tail
    )
    before = len(active.proxy.writes)
    active.operator.resume()
    eventually(
        lambda: not active.operator.is_running, within=30, what="the first ends", every=0.05, state=active.operator.tail
    )
    assert active.proxy.writes[before:] == [], "the first wrote although the second was active"
    assert active.proxy.writes[-1].at < standby.proxy.writes[0].at
    active.operator.start()
    standby.wait_all_ready(namespace, BUSY)
    leave(standby, namespace)


def leave(engine: Engine, namespace: str) -> None:
    """Nothing stays that a later operator would look at."""
    for number in range(BUSY):
        engine.delete(namespace, f"w{number}")
    eventually(
        lambda: engine.api.get(CRS.format(namespace))["items"] == [],
        within=60,
        what="the services are gone",
        state=engine.operator.tail,
    )
    engine.rest(quiet=0.5)


def test_a_holder_that_stood_still_past_its_lease_ends_before_it_writes(around: Surroundings) -> None:
    after = random.Random(SEED).randint(1, LATEST)
    print(f"INK_TEST_SEED={SEED}: stopped after {after} writes")
    with pair(around) as (active, standby):
        paused_past_its_lease(active, standby, after)


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_a_holder_that_stands_still_at_any_moment_ends_before_it_writes(around: Surroundings) -> None:
    with pair(around) as roles:
        for moment, after in enumerate(range(1, LATEST, 2)):
            active, standby = roles if moment % 2 == 0 else roles[::-1]
            paused_past_its_lease(active, standby, after)
            print(f"stopped after {after} writes")
