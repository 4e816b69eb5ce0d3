"""Watches children of Ink's kinds with a server-side selector and tells of their changes."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple, Protocol

from ink_operator.core.errors import InkError
from ink_operator.core.kinds import Kind
from ink_operator.core.objects import Manifest

log = logging.getLogger(__name__)
RETRY_SECONDS = 2.0
ANY_CHANGE = frozenset({"ADDED", "MODIFIED", "DELETED"})
LATER_CHANGE = frozenset({"MODIFIED", "DELETED"})
"""For children whose making nobody waits for."""


class Watched(NamedTuple):
    """What to watch (an empty namespace means all), and whom to tell of each event: its type and the object."""

    kind: Kind
    namespace: str
    labels: str
    heard: Callable[[str, Manifest], None]


class WatchSource(Protocol):
    """The part of the API server that an informer needs."""

    async def list_version(self, kind: Kind, namespace: str, labels: str) -> str:
        """The resourceVersion to watch from."""
        ...

    def watch(self, kind: Kind, namespace: str, labels: str, version: str) -> AsyncIterator[dict[str, Any]]:
        """Raw watch events until the server ends the watch; ends also when the version is too old."""
        ...


async def inform(source: WatchSource, watched: Watched, begun: Callable[[bool], None]) -> None:
    """Tell of changes, for ever. `begun(again)`: from now on none is missed; again, after some may have been."""
    version, again = "", False
    while True:
        try:
            if not version:
                version = await source.list_version(watched.kind, watched.namespace, watched.labels)
                begun(again)
                again = True
            version = await follow(source, watched, version)
        except InkError as error:
            log.warning("watching %s: %s", watched.kind.plural, error)
            version = ""
            await asyncio.sleep(RETRY_SECONDS)
        except Exception:
            # One object that cannot be read must not end the operator for all others.
            log.exception("watching %s: unforeseen", watched.kind.plural)
            version = ""
            await asyncio.sleep(RETRY_SECONDS)


async def follow(source: WatchSource, watched: Watched, version: str) -> str:
    """One watch. Returns the version to go on from, or "" when there is a gap."""
    async for event in source.watch(watched.kind, watched.namespace, watched.labels, version):
        if event["type"] == "ERROR":
            return ""
        version = event["object"]["metadata"]["resourceVersion"]
        if event["type"] in ANY_CHANGE:
            watched.heard(event["type"], event["object"])
    return version
