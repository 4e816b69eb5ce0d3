"""What follows a push: see which refs moved, keep that as an event, have it delivered, tell the pusher.

Refs are compared with those announced before, not with those before the push: so nothing is missed when the process
dies between git's work and ours, and pushes need not wait for each other.
"""

import asyncio
import logging
from weakref import WeakValueDictionary

from ink_git.deliveries import Deliveries
from ink_git.names import RepoName
from ink_git.process import GitError
from ink_git.repositories import DEFAULT_BRANCH, HEADS, Repositories
from ink_git.store import ZERO, RefUpdate, Store

log = logging.getLogger(__name__)


class Announcer:
    """Turns the state of a repository into events."""

    def __init__(self, repositories: Repositories, store: Store, deliveries: Deliveries) -> None:
        self._repositories, self._store, self._deliveries = repositories, store, deliveries
        self._locks: WeakValueDictionary[RepoName, asyncio.Lock] = WeakValueDictionary()

    async def announce(self, name: RepoName) -> list[RefUpdate]:
        """Announce what moved since last time; may be called at any moment, by anyone, again."""
        lock = self._locks.setdefault(name, asyncio.Lock())
        async with lock:
            if not self._repositories.exists(name):
                return []
            refs = await self._repositories.refs(name)
            updates = await self._store.announce(name, refs, self._deliveries.enabled)
            if updates:
                await self._mend_head(name, refs)
        if updates:
            self._deliveries.wake(name)
            log.info("%s: %s", name, ", ".join(f"{u.ref} {u.old[:7]}..{u.new[:7]}" for u in updates[:10]))
        return updates

    async def _mend_head(self, name: RepoName, refs: dict[str, str]) -> None:
        """A first push of a branch that is not main makes that the default, else a clone would check out nothing."""
        branch = default_branch(await self._repositories.head(name), refs)
        if branch:
            await self._repositories.set_head(name, branch)

    async def catch_up(self) -> None:
        """Announce what an earlier process did not come to."""
        for name in await asyncio.to_thread(self._repositories.everything):
            try:
                await self.announce(name)
            except (GitError, OSError):
                log.exception("%s cannot be read", name)


def default_branch(head: str, refs: dict[str, str]) -> str | None:
    """The branch HEAD should name when it names none that exists; None when it may stay. Pure."""
    branches = sorted(ref for ref in refs if ref.startswith(HEADS) and "\\" not in ref)
    if head in refs or not branches:
        return None
    preferred = [HEADS + DEFAULT_BRANCH, HEADS + "master"]
    return next((ref for ref in preferred if ref in branches), branches[0])


def pusher_lines(updates: list[RefUpdate]) -> list[str]:
    """What the pusher reads about branches that moved. Pure."""
    moved = [u for u in updates if u.ref.startswith(HEADS) and u.new != ZERO]
    lines = [
        f"Ink: {u.ref.removeprefix(HEADS)}@{u.new[:7]} received; services that follow it will deploy" for u in moved[:5]
    ]
    return lines + ([f"Ink: and {len(moved) - 5} more branches"] if len(moved) > 5 else [])
