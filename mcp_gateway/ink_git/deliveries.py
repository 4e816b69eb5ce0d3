"""Delivery of push events: at least once, in order for each repository, retried for a limited time, across restarts."""

import asyncio
import logging
import time

import aiohttp

from ink_git.names import RepoName
from ink_git.store import GitDatabase, PushEvent

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 10.0
GIVE_UP_SECONDS = 300.0
"""By then the operator's polling has found the new head."""
PARALLEL = 8
HOPELESS = frozenset({400, 404, 410, 413, 422})
"""Permanent failures. 401 and 403 are not among them, because a secret may be about to be renewed."""


class Deliveries:
    """Delivers events, with one task for each repository that has some."""

    def __init__(self, store: GitDatabase, url: str, token: str) -> None:
        self._store, self._url, self._token = store, url, token
        self._tasks: dict[RepoName, asyncio.Task[None]] = {}
        self._news: dict[RepoName, asyncio.Event] = {}
        self._slots = asyncio.Semaphore(PARALLEL)
        self._session: aiohttp.ClientSession | None = None

    @property
    def enabled(self) -> bool:
        """False if no receiver is configured: then no events are stored."""
        return bool(self._url)

    async def start(self) -> None:
        """Resume deliveries that an earlier process left."""
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))
        for name in await self._store.waiting_repositories():
            self.wake(name)

    async def stop(self) -> None:
        """Stop; undelivered events stay in the database."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        if self._session:
            await self._session.close()

    def wake(self, name: RepoName) -> None:
        """A repository has new events: deliver now, without waiting for the next retry."""
        if not self.enabled or self._session is None:
            return
        self._news.setdefault(name, asyncio.Event()).set()
        if name not in self._tasks:
            self._tasks[name] = asyncio.create_task(self._deliver_all(name))

    async def _deliver_all(self, name: RepoName) -> None:
        try:
            while True:
                self._news[name].clear()
                while event := await self._store.next_event(name):
                    await self._deliver(event)
                if not self._news[name].is_set():
                    break
        except Exception:
            log.exception("delivery of push events of %s failed; it resumes at the next push or restart", name)
        finally:
            # No await between the last check and here, so no wake-up can be missed.
            self._tasks.pop(name, None)
            self._news.pop(name, None)

    async def _deliver(self, event: PushEvent) -> None:
        started, pause = time.monotonic(), FIRST_PAUSE_SECONDS
        while True:
            async with self._slots:
                outcome = await self._post(event)
            if outcome is None:
                break
            waited = time.monotonic() - started
            if outcome in HOPELESS or waited > GIVE_UP_SECONDS:
                log.warning("push event %d of %s was dropped after %.0f s: %s", event.id, event.name, waited, outcome)
                break
            log.info(
                "push event %d of %s was not delivered (%s), retrying in %.1f s", event.id, event.name, outcome, pause
            )
            try:
                await asyncio.wait_for(self._news[event.name].wait(), pause)
                self._news[event.name].clear()
            except TimeoutError:
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        await self._store.drop_event(event.id)

    async def _post(self, event: PushEvent) -> int | str | None:
        """None if it was delivered, else the HTTP status or the kind of error."""
        if self._session is None:
            return "not started"
        body = {"workspace": event.name.workspace, "repository": event.name.repo, "updates": list(event.updates)}
        headers = {"Authorization": f"Bearer {self._token}"}
        try:
            async with self._session.post(self._url, json=body, headers=headers, allow_redirects=False) as response:
                return None if 200 <= response.status < 300 else response.status
        except (aiohttp.ClientError, TimeoutError, OSError) as failure:
            return type(failure).__name__
