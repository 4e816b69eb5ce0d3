"""What the watches reported, so that a pass need not ask the API server. Data only: no I/O, no clock.

Objects are stored compressed: a service's children take a few kilobytes, and reading one costs a twentieth of a call.
The cache answers for a kind only while its scope is synced; invalidated objects are read from the API server.
"""

import zlib
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import orjson
from ink_api.group import LABEL_OWNER_UID, LABEL_SERVICE

from ink_operator.core import kinds
from ink_operator.core.kinds import Kind
from ink_operator.core.objects import Manifest, Ref, labels_of
from ink_operator.core.selectors import matches

TOMBSTONES_MAX = 5000
LEVEL = 1


class WatchScope(NamedTuple):
    """What one watch covers: objects of a kind, in a namespace (empty: in all), with these labels."""

    kind: Kind
    namespace: str
    labels: str


class CachedObject(NamedTuple):
    """One object at a resourceVersion, and the value of its group label."""

    version: int
    group: str
    packed: bytes


def group_label(kind: Kind) -> str:
    """The label that names an object's owner. Volumes outlive their owner, so they have its name."""
    return LABEL_SERVICE if kind == kinds.PERSISTENT_VOLUME_CLAIM else LABEL_OWNER_UID


class ObjectCache:
    """The newest known state of each object in its scopes, by name and by owner."""

    def __init__(self, scopes: Iterable[WatchScope]) -> None:
        # The narrower scope answers for its namespace.
        self._scopes = sorted(scopes, key=lambda scope: not scope.namespace)
        self._synced: set[WatchScope] = set()
        self._gaps: Counter[WatchScope] = Counter()
        self._entries: dict[Ref, CachedObject] = {}
        self._groups: dict[tuple[Kind, str, str], set[str]] = {}
        self._tombstones: dict[Ref, int] = {}
        self._stale: dict[tuple[Kind, str], set[str]] = {}

    @property
    def scopes(self) -> tuple[WatchScope, ...]:
        """All scopes, synced or not."""
        return tuple(self._scopes)

    def scope_of(self, kind: Kind, namespace: str) -> WatchScope | None:
        """The scope that answers for objects of that kind in that namespace."""
        return next((s for s in self._scopes if s.kind == kind and s.namespace in ("", namespace)), None)

    def knows(self, ref: Ref) -> bool:
        """Whether `get` can be trusted, even when it returns None (then no object with the scope's labels exists)."""
        scope = self.scope_of(ref.kind, ref.namespace)
        return scope in self._synced and ref.name not in self._stale.get((ref.kind, ref.namespace), ())

    def knows_all(self, kind: Kind, namespace: str) -> bool:
        """Whether `group` can be trusted."""
        return self.scope_of(kind, namespace) in self._synced and not self._stale.get((kind, namespace))

    def get(self, ref: Ref) -> Manifest | None:
        """A copy of the object, which the caller may change."""
        entry = self._entries.get(ref)
        return None if entry is None else _unpack(entry.packed)

    def group(self, kind: Kind, namespace: str, value: str, labels: str) -> list[Manifest]:
        """Copies of the objects with that value of `group_label` that match, by name, as the API server lists them."""
        names = sorted(self._groups.get((kind, namespace, value), ()))
        found = [_unpack(self._entries[Ref(kind, namespace, name)].packed) for name in names]
        return [live for live in found if matches(labels_of(live), labels)]

    def has_changed(self, live: Manifest, kind: Kind) -> bool:
        """Whether more than its status differs from the cached object."""
        meta = live["metadata"]
        known = self.get(Ref(kind, meta.get("namespace", ""), meta["name"]))
        return known is None or _without_status(known) != _without_status(live)

    def on_event(self, event_type: str, live: Manifest, kind: Kind) -> None:
        """A watch reported the object."""
        if event_type == "DELETED":
            meta = live["metadata"]
            self.record_deleted(Ref(kind, meta.get("namespace", ""), meta["name"]), int(meta["resourceVersion"]))
        else:
            self.record(live, kind)

    def record(self, live: Manifest, kind: Kind) -> None:
        """Store a state of the object, unless a newer one is known."""
        meta = live["metadata"]
        ref = Ref(kind, meta.get("namespace", ""), meta["name"])
        scope = self.scope_of(kind, ref.namespace)
        version = int(meta["resourceVersion"])
        known = self._entries.get(ref)
        if scope is None or version < (known.version if known else self._tombstones.get(ref, 0)):
            return
        self._revalidate(ref)
        if not matches(labels_of(live), scope.labels):
            self._drop(ref)
            return
        group = labels_of(live).get(group_label(kind), "")
        if known is not None and known.group != group:
            self._drop(ref)
        self._entries[ref] = CachedObject(version, group, _pack(live, kind))
        self._groups.setdefault((kind, ref.namespace, group), set()).add(ref.name)

    def record_deleted(self, ref: Ref, version: int) -> None:
        """The object was deleted, or left the scope, at that resourceVersion."""
        known = self._entries.get(ref)
        if known is not None and known.version > version:
            return
        self._revalidate(ref)
        self._drop(ref)
        self._tombstones.pop(ref, None)
        self._tombstones[ref] = version
        if len(self._tombstones) > TOMBSTONES_MAX:
            del self._tombstones[next(iter(self._tombstones))]

    def invalidate(self, ref: Ref) -> None:
        """The cached state may be wrong: the object is read from the API server until a watch reports it again."""
        if self.scope_of(ref.kind, ref.namespace) is not None:
            self._stale.setdefault((ref.kind, ref.namespace), set()).add(ref.name)

    def gaps(self, scope: WatchScope) -> int:
        """How often events of the scope may have been missed so far."""
        return self._gaps[scope]

    def mark_synced(self, scope: WatchScope, listed: frozenset[Ref], version: int, gaps: int) -> None:
        """All objects of the scope were listed, as of that resourceVersion: anything not among them is gone.

        `gaps`: their number before the list. A list from before a gap does not make the scope synced after it.
        """
        in_scope = [ref for ref in self._entries if self.scope_of(ref.kind, ref.namespace) == scope]
        for ref in in_scope:
            if ref not in listed:
                self.record_deleted(ref, version)
        if gaps != self._gaps[scope]:
            return
        for kind, namespace in list(self._stale):
            if self.scope_of(kind, namespace) == scope:
                del self._stale[kind, namespace]
        self._synced.add(scope)

    def mark_gap(self, scope: WatchScope) -> None:
        """Events of the scope may have been missed: the cache does not answer for it until it is synced again."""
        self._synced.discard(scope)
        self._gaps[scope] += 1

    def _revalidate(self, ref: Ref) -> None:
        place = (ref.kind, ref.namespace)
        if place in self._stale:
            self._stale[place].discard(ref.name)
            if not self._stale[place]:
                del self._stale[place]

    def _drop(self, ref: Ref) -> None:
        entry = self._entries.pop(ref, None)
        if entry is None:
            return
        place = (ref.kind, ref.namespace, entry.group)
        self._groups[place].discard(ref.name)
        if not self._groups[place]:
            del self._groups[place]


def _without_status(live: Manifest) -> Manifest:
    """The object without what its controllers report about it."""
    meta = {k: v for k, v in live["metadata"].items() if k not in ("resourceVersion", "managedFields")}
    return {**{k: v for k, v in live.items() if k not in ("apiVersion", "kind", "status")}, "metadata": meta}


def _pack(live: Manifest, kind: Kind) -> bytes:
    meta = live["metadata"]
    if kind != kinds.DEPLOYMENT:
        # Field managers are needed for Deployments only.
        meta = {name: value for name, value in meta.items() if name != "managedFields"}
    whole = {**live, "apiVersion": kind.api_version, "kind": kind.kind, "metadata": meta}
    return zlib.compress(orjson.dumps(whole), LEVEL)


def _unpack(packed: bytes) -> Manifest:
    live: Manifest = orjson.loads(zlib.decompress(packed))
    return live
