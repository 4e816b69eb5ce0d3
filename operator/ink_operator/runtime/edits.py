"""A watch without changes of status alone: an autoscaler's and a quota's change with every measurement.

Who last wrote what is in the metadata, writes of the status apart from the others; so contents are neither needed nor
kept, and a hash an object is all that is remembered.
"""

from collections.abc import AsyncIterator
from typing import Any

from ink_operator.core.canonical import fingerprint
from ink_operator.core.objects import Kind, Manifest
from ink_operator.runtime.informer import WatchSource

WANTED = ("labels", "annotations", "ownerReferences", "finalizers", "deletionTimestamp")


class EditsOnly:
    """Implements WatchSource: another one's events, without those after which all but the status is as before."""

    def __init__(self, source: WatchSource) -> None:
        self._source = source
        self._known: dict[str, str] = {}

    async def list_version(self, kind: Kind, namespace: str, labels: str) -> str:
        """The resourceVersion to watch from. Nothing is known after a gap."""
        self._known.clear()
        return await self._source.list_version(kind, namespace, labels)

    async def watch(self, kind: Kind, namespace: str, labels: str, version: str) -> AsyncIterator[dict[str, Any]]:
        """Raw watch events."""
        async for event in self._source.watch(kind, namespace, labels, version):
            if self._tells(event):
                yield event

    def _tells(self, event: dict[str, Any]) -> bool:
        if event["type"] not in ("ADDED", "MODIFIED", "DELETED"):
            return True
        uid = event["object"]["metadata"].get("uid", "")
        if event["type"] == "DELETED":
            self._known.pop(uid, None)
            return True
        before, now = self._known.get(uid), wanted_of(event["object"])
        self._known[uid] = now
        return before != now


def wanted_of(live: Manifest) -> str:
    """A hash that changes whenever anything but the status was written."""
    meta = live["metadata"]
    writers = [entry for entry in meta.get("managedFields") or [] if entry.get("subresource") != "status"]
    return fingerprint([{name: meta.get(name) for name in WANTED}, writers])
