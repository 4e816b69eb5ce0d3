"""Housekeeping in the background: repositories that gathered many packs or removed history are packed again."""

import asyncio
import contextlib
import logging
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from ink_git.names import RepoName
from ink_git.process import GitError, run
from ink_git.repositories import Repositories

log = logging.getLogger(__name__)

ROUND_SECONDS = 3600.0
GC_TIMEOUT_SECONDS = 1800.0
MANY_PACKS = 20
DAY_SECONDS = 86400.0
MARK = "ink-packed"
"""A file in the repository; its time is that of the last packing."""


@dataclass(frozen=True)
class Condition:
    """What a repository looks like; ages in seconds."""

    packs: int
    cruft: bool
    """Unreachable objects wait for their grace time."""
    packed_age: float
    changed_since: bool


def needs_packing(seen: Condition) -> bool:
    """Many packs at once; else once a day when something changed or there is something to throw away. Pure."""
    return seen.packs > MANY_PACKS or (seen.packed_age > DAY_SECONDS and (seen.cruft or seen.changed_since))


def look(path: Path, now: float) -> Condition:
    """Read what `needs_packing` decides on."""
    folder, mark = path / "objects" / "pack", path / MARK
    names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
    packed_at = mark.stat().st_mtime if mark.exists() else 0.0
    changed_at = folder.stat().st_mtime if folder.is_dir() else 0.0
    packs = sum(name.endswith(".pack") for name in names)
    cruft = any(name.endswith(".mtimes") for name in names)
    return Condition(packs, cruft, now - packed_at, packs > 0 and changed_at > packed_at)


class Maintenance:
    """One repository at a time, for as long as the process lives."""

    def __init__(self, repositories: Repositories, push_seconds: float) -> None:
        self._repositories, self._push_seconds = repositories, push_seconds

    async def run(self) -> None:
        """Go round for ever."""
        while True:
            for name in await asyncio.to_thread(self._repositories.everything):
                await self.visit(name)
            await asyncio.sleep(ROUND_SECONDS)

    async def visit(self, name: RepoName) -> bool:
        """Look after one repository; True when it was packed."""
        path = self._repositories.path(name)
        try:
            await asyncio.to_thread(remove_abandoned, path, time.time() - 2 * self._push_seconds)
            if not needs_packing(await asyncio.to_thread(look, path, time.time())):
                return False
            # The grace time protects what a push that still runs has written but not yet referred to.
            args = ("gc", "--quiet", "--cruft", "--prune=1.day.ago")
            await run(*args, repository=path, timeout_seconds=GC_TIMEOUT_SECONDS)
            (path / MARK).touch()
        except (GitError, OSError) as failure:
            if path.exists():
                log.warning("%s could not be packed: %s", name, failure)
            return False
        return True


def remove_abandoned(path: Path, before: float) -> None:
    """Remove what pushes left that were killed without a chance to clean up."""
    for entry in (path / "objects").glob("tmp_objdir-*"):
        with contextlib.suppress(FileNotFoundError):
            if entry.stat().st_mtime < before:
                shutil.rmtree(entry, ignore_errors=True)
