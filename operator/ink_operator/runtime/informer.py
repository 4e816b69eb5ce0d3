"""Watches children of Ink's kinds with a server-side selector and reports their changes."""

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
"""For children whose creation does not matter."""


class Subscription(NamedTuple):
    """What to watch (an empty namespace means all), and what to call with each event's type and object."""

    kind: Kind
    namespace: str
    labels: str
    on_event: Callable[[str, Manifest], None]


class WatchSource(Protocol):
    """The part of the API server that an informer needs."""

    async def list_version(self, kind: Kind, namespace: str, labels: str) -> str:
        """The resourceVersion to watch from."""
        ...

    def watch(self, kind: Kind, namespace: str, labels: str, version: str) -> AsyncIterator[dict[str, Any]]:
        """Raw watch events until the server ends the watch; ends also when the version is too old."""
        ...


async def inform(source: WatchSource, subscription: Subscription, on_started: Callable[[bool], None]) -> None:
    """Report changes until cancelled.

    `on_started(restarted)`: from now on no change is missed; if restarted, some may have been missed before.
    """
    version, restarted = "", False
    while True:
        try:
            if not version:
                version = await source.list_version(subscription.kind, subscription.namespace, subscription.labels)
                on_started(restarted)
                restarted = True
            version = await follow(source, subscription, version)
        except InkError as error:
            log.warning("watching %s: %s", subscription.kind.plural, error)
            version = ""
            await asyncio.sleep(RETRY_SECONDS)
        except Exception:
            # One object that cannot be read must not end the operator for all others.
            log.exception("watching %s: unexpected error", subscription.kind.plural)
            version = ""
            await asyncio.sleep(RETRY_SECONDS)


async def follow(source: WatchSource, subscription: Subscription, version: str) -> str:
    """One watch. Returns the version to continue from, or "" if there is a gap."""
    async for event in source.watch(subscription.kind, subscription.namespace, subscription.labels, version):
        if event["type"] == "ERROR":
            return ""
        version = event["object"]["metadata"]["resourceVersion"]
        if event["type"] in ANY_CHANGE:
            subscription.on_event(event["type"], event["object"])
    return version
