"""What the watches saw, so that a pass need not ask the API server for it. Data only: no I/O, no clock.

Objects are kept compressed: a service's children take a few kilobytes, and reading one costs a twentieth of a call.
A kind is answered for only while its scope is filled; what is doubtful is asked of the API server.
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

GRAVES_KEPT = 5000
LEVEL = 1


class Scope(NamedTuple):
    """What one watch sees: objects of a kind, in a namespace (empty: in all), with these labels."""

    kind: Kind
    namespace: str
    labels: str


class Entry(NamedTuple):
    """One object as it was at a resourceVersion, and the value of the label that it is found by."""

    version: int
    group: str
    packed: bytes


def group_label(kind: Kind) -> str:
    """The label that objects of a kind are found by: whose they are. Volumes outlive an owner, and keep its name."""
    return LABEL_SERVICE if kind == kinds.PERSISTENT_VOLUME_CLAIM else LABEL_OWNER_UID


class Store:
    """The newest known state of each object in its scopes, by name and by group."""

    def __init__(self, scopes: Iterable[Scope]) -> None:
        # The narrower scope answers for its namespace.
        self._scopes = sorted(scopes, key=lambda scope: not scope.namespace)
        self._filled: set[Scope] = set()
        self._gaps: Counter[Scope] = Counter()
        self._entries: dict[Ref, Entry] = {}
        self._groups: dict[tuple[Kind, str, str], set[str]] = {}
        self._graves: dict[Ref, int] = {}
        self._doubts: dict[tuple[Kind, str], set[str]] = {}

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """All scopes, filled or not."""
        return tuple(self._scopes)

    def scope_of(self, kind: Kind, namespace: str) -> Scope | None:
        """The scope that answers for objects of that kind in that namespace."""
        return next((s for s in self._scopes if s.kind == kind and s.namespace in ("", namespace)), None)

    def knows(self, ref: Ref) -> bool:
        """Whether `get` may be believed, also when it says None (then no object with the scope's labels exists)."""
        scope = self.scope_of(ref.kind, ref.namespace)
        return scope in self._filled and ref.name not in self._doubts.get((ref.kind, ref.namespace), ())

    def knows_all(self, kind: Kind, namespace: str) -> bool:
        """Whether `group` may be believed."""
        return self.scope_of(kind, namespace) in self._filled and not self._doubts.get((kind, namespace))

    def get(self, ref: Ref) -> Manifest | None:
        """A copy of the object, for the caller to keep."""
        entry = self._entries.get(ref)
        return None if entry is None else _unpack(entry.packed)

    def group(self, kind: Kind, namespace: str, value: str, labels: str) -> list[Manifest]:
        """Copies of the objects with that value of `group_label` that match, by name, as the API server lists them."""
        names = sorted(self._groups.get((kind, namespace, value), ()))
        found = [_unpack(self._entries[Ref(kind, namespace, name)].packed) for name in names]
        return [live for live in found if matches(labels_of(live), labels)]

    def is_news(self, live: Manifest, kind: Kind) -> bool:
        """Whether more than its status differs from what is known."""
        meta = live["metadata"]
        known = self.get(Ref(kind, meta.get("namespace", ""), meta["name"]))
        return known is None or _asked(known) != _asked(live)

    def see(self, live: Manifest, kind: Kind) -> None:
        """The object was seen so. Older news than what is known counts for nothing."""
        meta = live["metadata"]
        ref = Ref(kind, meta.get("namespace", ""), meta["name"])
        scope = self.scope_of(kind, ref.namespace)
        version = int(meta["resourceVersion"])
        known = self._entries.get(ref)
        if scope is None or version < (known.version if known else self._graves.get(ref, 0)):
            return
        self._trust(ref)
        if not matches(labels_of(live), scope.labels):
            self._drop(ref)
            return
        group = labels_of(live).get(group_label(kind), "")
        if known is not None and known.group != group:
            self._drop(ref)
        self._entries[ref] = Entry(version, group, _pack(live, kind))
        self._groups.setdefault((kind, ref.namespace, group), set()).add(ref.name)

    def gone(self, ref: Ref, version: int) -> None:
        """It was deleted, or left the scope, at that resourceVersion."""
        known = self._entries.get(ref)
        if known is not None and known.version > version:
            return
        self._trust(ref)
        self._drop(ref)
        self._graves.pop(ref, None)
        self._graves[ref] = version
        if len(self._graves) > GRAVES_KEPT:
            del self._graves[next(iter(self._graves))]

    def doubt(self, ref: Ref) -> None:
        """What is known of the object may be wrong: it is asked for until a watch tells of it again."""
        if self.scope_of(ref.kind, ref.namespace) is not None:
            self._doubts.setdefault((ref.kind, ref.namespace), set()).add(ref.name)

    def gaps(self, scope: Scope) -> int:
        """How often events of the scope may have been missed so far."""
        return self._gaps[scope]

    def filled(self, scope: Scope, listed: frozenset[Ref], version: int, gaps: int) -> None:
        """All objects of the scope were seen, as of that resourceVersion: what is not among them is gone.

        `gaps`: as of then. What was listed before a gap does not fill the scope after it.
        """
        mine = [ref for ref in self._entries if self.scope_of(ref.kind, ref.namespace) == scope]
        for ref in mine:
            if ref not in listed:
                self.gone(ref, version)
        if gaps != self._gaps[scope]:
            return
        for kind, namespace in list(self._doubts):
            if self.scope_of(kind, namespace) == scope:
                del self._doubts[kind, namespace]
        self._filled.add(scope)

    def missed(self, scope: Scope) -> None:
        """Events of the scope may have been missed: it answers nothing until it is filled again."""
        self._filled.discard(scope)
        self._gaps[scope] += 1

    def _trust(self, ref: Ref) -> None:
        place = (ref.kind, ref.namespace)
        if place in self._doubts:
            self._doubts[place].discard(ref.name)
            if not self._doubts[place]:
                del self._doubts[place]

    def _drop(self, ref: Ref) -> None:
        entry = self._entries.pop(ref, None)
        if entry is None:
            return
        place = (ref.kind, ref.namespace, entry.group)
        self._groups[place].discard(ref.name)
        if not self._groups[place]:
            del self._groups[place]


def _asked(live: Manifest) -> Manifest:
    """The object without what its controllers say of it."""
    meta = {k: v for k, v in live["metadata"].items() if k not in ("resourceVersion", "managedFields")}
    return {**{k: v for k, v in live.items() if k not in ("apiVersion", "kind", "status")}, "metadata": meta}


def _pack(live: Manifest, kind: Kind) -> bytes:
    meta = live["metadata"]
    if kind != kinds.DEPLOYMENT:
        # Who holds which field is asked of Deployments alone.
        meta = {name: value for name, value in meta.items() if name != "managedFields"}
    whole = {**live, "apiVersion": kind.api_version, "kind": kind.kind, "metadata": meta}
    return zlib.compress(orjson.dumps(whole), LEVEL)


def _unpack(packed: bytes) -> Manifest:
    live: Manifest = orjson.loads(zlib.decompress(packed))
    return live
