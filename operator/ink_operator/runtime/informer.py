"""Watches children of Ink's kinds with a server-side selector and says which owner to look at. Keeps no objects."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple, Protocol

from ink_operator.core.errors import InkError
from ink_operator.core.objects import Kind, Manifest

log = logging.getLogger(__name__)
RETRY_SECONDS = 2.0


class Watched(NamedTuple):
    """What to watch; an empty namespace means all."""

    kind: Kind
    namespace: str
    labels: str


class WatchSource(Protocol):
    """The part of the API server that an informer needs."""

    async def list_page(self, kind: Kind, namespace: str, labels: str) -> tuple[list[Manifest], str]:
        """All objects, and the resourceVersion to watch from."""
        ...

    def watch(self, kind: Kind, namespace: str, labels: str, version: str) -> AsyncIterator[dict[str, Any]]:
        """Raw watch events until the server ends the watch; ends also when the version is too old."""
        ...


async def inform(source: WatchSource, watched: Watched, seen: Callable[[str, Manifest], None]) -> None:
    """Call `seen(type, object)` for every object and every change, for ever. After a gap everything is listed again."""
    while True:
        try:
            items, version = await source.list_page(*watched)
            for item in items:
                seen("LISTED", item)
            while version:
                version = await follow(source, watched, version, seen)
        except InkError as error:
            log.warning("watching %s: %s", watched.kind.plural, error)
            await asyncio.sleep(RETRY_SECONDS)


async def follow(source: WatchSource, watched: Watched, version: str, seen: Callable[[str, Manifest], None]) -> str:
    """One watch. Returns the version to go on from, or "" when a new list is needed."""
    async for event in source.watch(*watched, version):
        if event["type"] == "ERROR":
            return ""
        version = event["object"]["metadata"]["resourceVersion"]
        if event["type"] != "BOOKMARK":
            seen(event["type"], event["object"])
    return version
