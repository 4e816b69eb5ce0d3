"""Runs reconciles: N at a time, never two for one key, with backoff and requeue-after."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from ink_operator.core.errors import InkError
from ink_operator.core.objects import Key
from ink_operator.core.result import Result
from ink_operator.runtime.metrics import Metrics
from ink_operator.runtime.schedule import Schedule

log = logging.getLogger(__name__)

Reconciler = Callable[[Key, int], Awaitable[Result]]
"""Called with the key and the number of failures in a row before this pass."""

RECONCILE_LIMIT_SECONDS = 120.0
"""A pass never waits for anything long; one that takes this long hangs."""


class Queue:
    """The work queue. Only `run` touches the clock."""

    def __init__(self, reconcile: Reconciler, metrics: Metrics, workers: int) -> None:
        self._reconcile = reconcile
        self._metrics = metrics
        self._workers = workers
        self._schedule = Schedule()
        self._changed = asyncio.Event()

    def add(self, key: Key, after_seconds: float = 0.0) -> None:
        """Look at `key` after so many seconds, or earlier if that is already planned."""
        self._schedule.add(key, time.monotonic() + after_seconds)
        self._metrics.queue_depth.set(self._schedule.waiting)
        self._changed.set()

    async def run(self) -> None:
        """Work until cancelled. LeaseLost and bugs of the queue itself come through."""
        async with asyncio.TaskGroup() as group:
            free = asyncio.Semaphore(self._workers)
            while True:
                await free.acquire()
                key = await self._next()
                group.create_task(self._work(key, free), name=f"reconcile {key}")

    async def _next(self) -> Key:
        while True:
            self._changed.clear()
            key = self._schedule.take(time.monotonic())
            if key is not None:
                return key
            due = self._schedule.next_due()
            timeout = None if due is None else max(0.0, due - time.monotonic())
            try:
                async with asyncio.timeout(timeout):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def _work(self, key: Key, free: asyncio.Semaphore) -> None:
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
            log.info("%s %s/%s: %s; again in %.1f s", key.kind, key.namespace, key.name, error, wait)
        except TimeoutError:
            outcome = "Timeout"
            wait = self._schedule.failed(key, time.monotonic())
            log.warning("%s %s/%s took too long; again in %.1f s", key.kind, key.namespace, key.name, wait)
        except Exception:
            outcome = "Bug"
            wait = self._schedule.failed(key, time.monotonic())
            log.exception("%s %s/%s: unforeseen; again in %.1f s", key.kind, key.namespace, key.name, wait)
        finally:
            free.release()
            self._changed.set()
            self._metrics.reconciles.labels(key.kind, outcome).observe(time.monotonic() - started)
            self._metrics.queue_depth.set(self._schedule.waiting)
