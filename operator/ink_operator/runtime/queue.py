"""Runs reconciles: N at a time, never two for one key, with backoff and requeue-after.

Slow passes have workers of their own, so that the others never wait for them."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from ink_operator.core.errors import InkError
from ink_operator.core.keys import Result
from ink_operator.core.objects import Key
from ink_operator.runtime.lanes import Lane, Lanes
from ink_operator.runtime.metrics import PrometheusMetrics
from ink_operator.runtime.schedule import Schedule

log = logging.getLogger(__name__)

Reconciler = Callable[[Key, int], Awaitable[Result]]
"""Called with the key and the number of failed passes in a row before this one."""

RECONCILE_LIMIT_SECONDS = 60.0
"""A pass never waits long for anything; one that takes this long is stuck."""
SLOW_SECONDS = 2.0
"""Longer than calls to a healthy server take, shorter than the timeout of any call."""

BACKLOG_SECONDS = 0.5
"""A pass takes some hundredths of a second: no key waits this long unless hundreds of objects are due."""


class Queue:
    """The work queue. Only `run` touches the clock."""

    def __init__(
        self, reconcile: Reconciler, metrics: PrometheusMetrics, workers: int, slow_seconds: float = SLOW_SECONDS
    ) -> None:
        self._reconcile = reconcile
        self._metrics = metrics
        self._slow_seconds = slow_seconds
        self._schedule = Schedule()
        self._lanes = Lanes(workers)
        self._changed = asyncio.Event()

    def add(self, key: Key, after_seconds: float = 0.0) -> None:
        """Reconcile `key` after this many seconds, or earlier if that is already planned."""
        self._schedule.add(key, time.monotonic() + after_seconds)
        self._metrics.queue_depth.set(self._schedule.waiting)
        self._changed.set()

    @property
    def is_backlogged(self) -> bool:
        """Whether an object has been waiting long for a worker."""
        due = self._schedule.next_due()
        return due is not None and time.monotonic() - due > BACKLOG_SECONDS

    async def run(self) -> None:
        """Work until cancelled. LeaseLost and bugs of the queue itself propagate."""
        async with asyncio.TaskGroup() as group:
            while True:
                key, lane = await self._next()
                self._lanes.enter(lane)
                group.create_task(self._in_lane(key, lane), name=f"reconcile {key}")

    async def _next(self) -> tuple[Key, Lane]:
        while True:
            self._changed.clear()
            now, lanes = time.monotonic(), self._lanes.open
            for lane in lanes:
                key = self._schedule.take(now, lane)
                if key is not None:
                    return key, lane
            due = [at for at in map(self._schedule.next_due, lanes) if at is not None]
            try:
                async with asyncio.timeout(max(0.0, min(due) - time.monotonic()) if due else None):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def _in_lane(self, key: Key, lane: Lane) -> None:
        """Run the pass in its lane; it moves to the slow lane if it takes long."""

        def slow() -> None:
            nonlocal lane
            lane = self._lanes.slow_down(lane)
            self._schedule.note(key, slow=True)
            self._changed.set()

        self._schedule.note(key, slow=False)
        timer = asyncio.get_running_loop().call_later(self._slow_seconds, slow)
        try:
            await self._work(key)
        finally:
            timer.cancel()
            self._lanes.leave(lane)
            self._changed.set()

    async def _work(self, key: Key) -> None:
        started = time.monotonic()
        outcome = "ok"
        try:
            async with asyncio.timeout(RECONCILE_LIMIT_SECONDS):
                result = await self._reconcile(key, self._schedule.failures(key))
            self._schedule.done(key)
            if result.requeue_after_seconds is not None:
                self._schedule.add(key, time.monotonic() + result.requeue_after_seconds)
        except InkError as error:
            outcome = type(error).__name__
            wait = self._schedule.failed(key, time.monotonic(), error.retry_after_seconds)
            log.info("%s %s/%s: %s; retrying in %.1f s", key.kind, key.namespace, key.name, error, wait)
        except TimeoutError:
            outcome = "Timeout"
            wait = self._schedule.failed(key, time.monotonic())
            log.warning("%s %s/%s took too long; retrying in %.1f s", key.kind, key.namespace, key.name, wait)
        except Exception:
            outcome = "Bug"
            wait = self._schedule.failed(key, time.monotonic())
            log.exception("%s %s/%s: unexpected error; retrying in %.1f s", key.kind, key.namespace, key.name, wait)
        finally:
            self._metrics.reconciles.labels(key.kind, outcome).observe(time.monotonic() - started)
            self._metrics.queue_depth.set(self._schedule.waiting)
