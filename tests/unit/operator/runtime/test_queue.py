"""The queue at work: passes that hang are bounded, and nobody waits for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from ink_operator.core.keys import Result
from ink_operator.core.objects import Key
from ink_operator.runtime import queue as queues
from ink_operator.runtime.lanes import SLOW_LANE_FACTOR, Lane, Lanes
from ink_operator.runtime.metrics import PrometheusMetrics
from ink_operator.runtime.queue import Queue

WORKERS = 2
WELL = Key("InkService", "n", "well")


def hanging(number: int) -> Key:
    return Key("InkService", "n", f"hangs-{number}")


@asynccontextmanager
async def running(reconcile: Callable[[Key, int], Awaitable[Result]], slow_seconds: float) -> AsyncIterator[Queue]:
    queue = Queue(reconcile, PrometheusMetrics(), WORKERS, slow_seconds)
    task = asyncio.create_task(queue.run())
    try:
        yield queue
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_more_hanging_passes_than_workers_hold_up_nobody_else() -> None:
    done, ever = asyncio.Event(), asyncio.Event()

    async def reconcile(key: Key, _failures: int) -> Result:
        await (ever.wait() if key != WELL else asyncio.sleep(0))
        done.set()
        return Result()

    async with running(reconcile, slow_seconds=0.01) as queue:
        for number in range(WORKERS * 3):
            queue.add(hanging(number))
        queue.add(WELL)
        async with asyncio.timeout(30):
            await done.wait()


async def test_the_queue_is_backlogged_while_somebody_waits_for_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queues, "BACKLOG_SECONDS", 0.0)
    began, ends, last = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def reconcile(key: Key, _failures: int) -> Result:
        began.set()
        await ends.wait()
        if key == hanging(WORKERS):
            last.set()
        return Result()

    async with running(reconcile, slow_seconds=60) as queue:
        queue.add(WELL, after_seconds=600)
        assert not queue.is_backlogged
        for number in range(WORKERS + 1):
            queue.add(hanging(number))
        async with asyncio.timeout(30):
            await began.wait()
        assert queue.is_backlogged
        ends.set()
        async with asyncio.timeout(30):
            await last.wait()
        assert not queue.is_backlogged


async def test_an_object_that_hung_does_not_take_a_worker_again() -> None:
    """Its next pass waits for a place among the slow ones, even when all of those are taken."""
    passes: dict[Key, int] = {}
    done, full, ever = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def reconcile(key: Key, _failures: int) -> Result:
        passes[key] = passes.get(key, 0) + 1
        if key == WELL:
            done.set()
            return Result()
        if passes[key] > 1:
            if sum(count > 1 for count in passes.values()) == WORKERS:
                full.set()
            await ever.wait()
        await asyncio.sleep(0.05)
        return Result(0.0)

    async with running(reconcile, slow_seconds=0.01) as queue:
        for number in range(WORKERS * 2):
            queue.add(hanging(number))
        async with asyncio.timeout(30):
            await full.wait()
            queue.add(WELL)
            await done.wait()
    assert sum(passes[hanging(n)] for n in range(WORKERS * 2)) == WORKERS * 3


async def test_a_pass_that_hangs_is_ended_and_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queues, "RECONCILE_LIMIT_SECONDS", 0.01)
    seen: list[int] = []
    again = asyncio.Event()

    async def reconcile(_key: Key, failures: int) -> Result:
        seen.append(failures)
        if failures:
            again.set()
            return Result()
        await asyncio.Event().wait()
        raise AssertionError("it hangs")

    async with running(reconcile, slow_seconds=60) as queue:
        queue.add(WELL)
        async with asyncio.timeout(30):
            await again.wait()
    assert seen == [0, 1]


def test_slow_passes_give_their_places_back_up_to_a_bound() -> None:
    lanes = Lanes(WORKERS)
    for _ in range(SLOW_LANE_FACTOR * WORKERS):
        assert Lane.QUICK in lanes.open
        lanes.enter(Lane.QUICK)
        assert lanes.slow_down(Lane.QUICK) is Lane.SLOW
    assert lanes.open == (Lane.QUICK,)
    for _ in range(WORKERS):
        lanes.enter(Lane.QUICK)
        assert lanes.slow_down(Lane.QUICK) is Lane.QUICK
    assert lanes.open == ()


def test_what_hangs_in_the_slow_lane_takes_no_quick_place() -> None:
    lanes = Lanes(WORKERS)
    for _ in range(WORKERS):
        lanes.enter(Lane.SLOW)
        assert lanes.slow_down(Lane.SLOW) is Lane.SLOW
    assert lanes.open == (Lane.QUICK,)
    lanes.leave(Lane.SLOW)
    assert lanes.open == (Lane.QUICK, Lane.SLOW)
