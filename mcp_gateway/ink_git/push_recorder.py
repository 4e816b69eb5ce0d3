"""After a push: find the refs that moved, store a push event, have it delivered, and inform the pusher.

Refs are compared with those recorded last, not with those before the push. So nothing is missed if the process dies
between git's work and ours, and pushes need not wait for each other.
"""

import asyncio
import logging
from weakref import WeakValueDictionary

from ink_git.deliveries import Deliveries
from ink_git.names import RepoName
from ink_git.process import GitError
from ink_git.repositories import DEFAULT_BRANCH, HEADS, RepositoryStore
from ink_git.store import ZERO, GitDatabase, RefUpdate

log = logging.getLogger(__name__)


class PushRecorder:
    """Turns changes of a repository's refs into push events."""

    def __init__(self, repositories: RepositoryStore, store: GitDatabase, deliveries: Deliveries) -> None:
        self._repositories, self._store, self._deliveries = repositories, store, deliveries
        self._locks: WeakValueDictionary[RepoName, asyncio.Lock] = WeakValueDictionary()

    async def record(self, name: RepoName) -> list[RefUpdate]:
        """Store an event for the refs that moved since the last call. Idempotent, and safe to call at any time."""
        lock = self._locks.setdefault(name, asyncio.Lock())
        async with lock:
            if not self._repositories.exists(name):
                return []
            refs = await self._repositories.refs(name)
            updates = await self._store.record_refs(name, refs, self._deliveries.enabled)
            if updates:
                await self._fix_head(name, refs)
        if updates:
            self._deliveries.wake(name)
            log.info("%s: %s", name, ", ".join(f"{u.ref} {u.old[:7]}..{u.new[:7]}" for u in updates[:10]))
        return updates

    async def _fix_head(self, name: RepoName, refs: dict[str, str]) -> None:
        """If the first pushed branch is not main, make it the default; else a clone would check out nothing."""
        branch = default_branch(await self._repositories.head(name), refs)
        if branch:
            await self._repositories.set_head(name, branch)

    async def record_missed(self) -> None:
        """Record pushes that an earlier process did not get to."""
        for name in await asyncio.to_thread(self._repositories.everything):
            try:
                await self.record(name)
            except (GitError, OSError):
                log.exception("%s cannot be read", name)


def default_branch(head: str, refs: dict[str, str]) -> str | None:
    """The branch that HEAD should point to; None if it already points to an existing one. Pure."""
    branches = sorted(ref for ref in refs if ref.startswith(HEADS) and "\\" not in ref)
    if head in refs or not branches:
        return None
    preferred = [HEADS + DEFAULT_BRANCH, HEADS + "master"]
    return next((ref for ref in preferred if ref in branches), branches[0])


def pusher_lines(updates: list[RefUpdate]) -> list[str]:
    """The lines shown to the pusher about branches that moved. Pure."""
    moved = [u for u in updates if u.ref.startswith(HEADS) and u.new != ZERO]
    lines = [
        f"Ink: {u.ref.removeprefix(HEADS)}@{u.new[:7]} received; services that follow this branch will deploy it"
        for u in moved[:5]
    ]
    return lines + ([f"Ink: and {len(moved) - 5} more branches"] if len(moved) > 5 else [])
