"""The cache in the registry that a build replaces: it gets a tag of its own, by which the operator deletes it.

Without one nobody could: the registry lists tags alone, and its collection keeps what has lost its tag.
"""

import asyncio
import hashlib
import http.client
from dataclasses import dataclass

from ink_builder.log import BuildLog
from ink_builder.registry import repository
from ink_builder.settings import Settings
from ink_builder.solve import CACHE_TAG

_FAILURES = (OSError, http.client.HTTPException, ValueError)


@dataclass(frozen=True)
class Kept:
    """What the tag of the cache names."""

    manifest: bytes
    kind: str

    @property
    def tag(self) -> str:
        """The operator knows it by its form."""
        return f"old-cache-{hashlib.sha256(self.manifest).hexdigest()[:12]}"


async def find(settings: Settings) -> Kept | None:
    """The cache that is there; None where there is none, or it cannot be read."""
    try:
        return await asyncio.to_thread(_find, settings)
    except _FAILURES:
        return None


async def leave(old: Kept | None, settings: Settings, log: BuildLog) -> None:
    """Tag what was replaced. Never raises."""
    if old is None:
        return
    try:
        await asyncio.to_thread(_leave, old, settings)
    except _FAILURES as error:
        log.line(f"the cache that was replaced stays in the registry: {type(error).__name__} {error}")


def _find(settings: Settings) -> Kept | None:
    with repository(settings) as place:
        found = place.read(CACHE_TAG)
    return Kept(*found) if found else None


def _leave(old: Kept, settings: Settings) -> None:
    with repository(settings) as place:
        if place.read(CACHE_TAG) != (old.manifest, old.kind):
            place.manifest(old.tag, old.manifest, old.kind)
