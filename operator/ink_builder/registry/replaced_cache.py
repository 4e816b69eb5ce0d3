"""The cache in the registry that a build replaces: it gets a tag of its own, by which the operator deletes it.

Without a tag nobody could: the registry lists tags only, and its garbage collection keeps manifests without one.
"""

import asyncio
import hashlib
import http.client
from dataclasses import dataclass

from ink_builder.log import BuildLog
from ink_builder.registry.client import repository
from ink_builder.registry.names import CACHE_TAG
from ink_builder.settings import Settings

_FAILURES = (OSError, http.client.HTTPException, ValueError)


@dataclass(frozen=True)
class ReplacedCache:
    """The manifest that the cache's tag names."""

    manifest: bytes
    kind: str

    @property
    def tag(self) -> str:
        """The operator recognises it by this form."""
        return f"old-cache-{hashlib.sha256(self.manifest).hexdigest()[:12]}"


async def find(settings: Settings) -> ReplacedCache | None:
    """The cache in the registry; None where there is none or it cannot be read."""
    try:
        return await asyncio.to_thread(_find, settings)
    except _FAILURES:
        return None


async def tag_replaced(old: ReplacedCache | None, settings: Settings, log: BuildLog) -> None:
    """Tag the cache that was replaced. Never raises."""
    if old is None:
        return
    try:
        await asyncio.to_thread(_tag, old, settings)
    except _FAILURES as error:
        log.line(
            f"the replaced build cache could not be tagged and stays in the registry: {type(error).__name__} {error}"
        )


def _find(settings: Settings) -> ReplacedCache | None:
    with repository(settings) as place:
        found = place.read(CACHE_TAG)
    return ReplacedCache(*found) if found else None


def _tag(old: ReplacedCache, settings: Settings) -> None:
    with repository(settings) as place:
        if place.read(CACHE_TAG) != (old.manifest, old.kind):
            place.manifest(old.tag, old.manifest, old.kind)
