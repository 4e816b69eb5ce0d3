"""Watches objects that others refer to by name, and wakes the ones that refer to them. Stores only names, reads only
metadata.

One watch per kind and namespace, only where there are references: the operator has no right to watch Secrets of the
whole cluster, and needs none.
"""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from ink_operator.core.kinds import Kind
from ink_operator.core.objects import Key, Manifest, Ref
from ink_operator.runtime.informer import Subscription, WatchSource, inform


class WatchedPlace(NamedTuple):
    """A kind in a namespace."""

    kind: Kind
    namespace: str


class ReferenceWatcher:
    """Implements ports.References."""

    def __init__(self, source: WatchSource, wake: Callable[[Key], None]) -> None:
        self._source = source
        self._wake = wake
        self._wanted: dict[Key, frozenset[Ref]] = {}
        self._followers: dict[Ref, set[Key]] = {}
        self._changed = asyncio.Event()

    def follow(self, key: Key, refs: frozenset[Ref]) -> None:
        """From now on, changes of exactly these objects wake `key`."""
        before = self._wanted.get(key, frozenset())
        if before == refs:
            return
        for ref in before - refs:
            self._followers[ref].discard(key)
            if not self._followers[ref]:
                del self._followers[ref]
        for ref in refs - before:
            self._followers.setdefault(ref, set()).add(key)
        if refs:
            self._wanted[key] = refs
        else:
            self._wanted.pop(key, None)
        self._changed.set()

    @property
    def places(self) -> frozenset[WatchedPlace]:
        """What has to be watched."""
        return frozenset(WatchedPlace(ref.kind, ref.namespace) for ref in self._followers)

    async def run(self) -> None:
        """Keep one watch for each place until cancelled."""
        watches: dict[WatchedPlace, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as group:
            while True:
                self._changed.clear()
                wanted = self.places
                for place in watches.keys() - wanted:
                    watches.pop(place).cancel()
                for place in wanted - watches.keys():
                    watches[place] = group.create_task(self._watch(place), name=f"watch {place}")
                await self._changed.wait()

    async def _watch(self, place: WatchedPlace) -> None:
        def on_event(_event_type: str, live: Manifest) -> None:
            for key in self._followers.get(Ref(place.kind, place.namespace, live["metadata"]["name"]), ()):
                self._wake(key)

        def on_started(_restarted: bool) -> None:
            # What changed between a reconcile's read and this watch would be missed.
            for ref, keys in self._followers.items():
                if (ref.kind, ref.namespace) == place:
                    for key in keys:
                        self._wake(key)

        await inform(self._source, Subscription(place.kind, place.namespace, "", on_event), on_started)
