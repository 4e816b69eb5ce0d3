"""Background housekeeping: repacks repositories with many packs or with unreachable objects."""

import asyncio
import contextlib
import logging
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from ink_git.names import RepoName
from ink_git.process import GitError, run
from ink_git.repositories import RepositoryStore

log = logging.getLogger(__name__)

ROUND_SECONDS = 3600.0
GC_TIMEOUT_SECONDS = 1800.0
MANY_PACKS = 20
DAY_SECONDS = 86400.0
MARK = "ink-packed"
"""A file in the repository; its modification time is that of the last repack."""


@dataclass(frozen=True)
class PackState:
    """The packs of a repository; ages in seconds."""

    packs: int
    cruft: bool
    """There are unreachable objects in their grace period."""
    packed_age: float
    changed_since: bool


def needs_packing(seen: PackState) -> bool:
    """With many packs immediately; else once a day if something changed or objects can be pruned. Pure."""
    return seen.packs > MANY_PACKS or (seen.packed_age > DAY_SECONDS and (seen.cruft or seen.changed_since))


def look(path: Path, now: float) -> PackState:
    """Read the input of `needs_packing`."""
    folder, mark = path / "objects" / "pack", path / MARK
    names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
    packed_at = mark.stat().st_mtime if mark.exists() else 0.0
    changed_at = folder.stat().st_mtime if folder.is_dir() else 0.0
    packs = sum(name.endswith(".pack") for name in names)
    cruft = any(name.endswith(".mtimes") for name in names)
    return PackState(packs, cruft, now - packed_at, packs > 0 and changed_at > packed_at)


class Maintenance:
    """Maintains one repository at a time, as long as the process runs."""

    def __init__(self, repositories: RepositoryStore, push_seconds: float) -> None:
        self._repositories, self._push_seconds = repositories, push_seconds

    async def run(self) -> None:
        """Maintain all repositories, forever."""
        while True:
            for name in await asyncio.to_thread(self._repositories.everything):
                await self.visit(name)
            await asyncio.sleep(ROUND_SECONDS)

    async def visit(self, name: RepoName) -> bool:
        """Maintain one repository; True if it was repacked."""
        path = self._repositories.path(name)
        try:
            await asyncio.to_thread(remove_abandoned, path, time.time() - 2 * self._push_seconds)
            if not needs_packing(await asyncio.to_thread(look, path, time.time())):
                return False
            # The grace period protects objects that a running push has written but not yet referenced.
            args = ("gc", "--quiet", "--cruft", "--prune=1.day.ago")
            await run(*args, repository=path, timeout_seconds=GC_TIMEOUT_SECONDS)
            (path / MARK).touch()
        except (GitError, OSError) as failure:
            if path.exists():
                log.warning("%s could not be packed: %s", name, failure)
            return False
        return True


def remove_abandoned(path: Path, before: float) -> None:
    """Remove files left by pushes that were killed before they could clean up."""
    for entry in (path / "objects").glob("tmp_objdir-*"):
        with contextlib.suppress(FileNotFoundError):
            if entry.stat().st_mtime < before:
                shutil.rmtree(entry, ignore_errors=True)
