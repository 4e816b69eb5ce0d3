"""The API server, with reads answered from what the watches saw wherever that may be believed.

Its own writes are seen at once. A watch with a label selector cannot tell that an object of the name exists without the
labels: so what is not known of is only ever made anew, and never taken over.
"""

from collections.abc import AsyncIterator, Awaitable
from typing import Any, TypeVar

from ink_operator.clients.kube import Kube
from ink_operator.core.errors import Conflict, Transient
from ink_operator.core.kinds import Kind
from ink_operator.core.objects import Manifest, Ref, ref_of
from ink_operator.core.selectors import split_first
from ink_operator.core.store import Scope, Store, group_label

T = TypeVar("T")
AGAIN_SECONDS = 0.05


class CachedCluster:
    """Implements ports.Cluster."""

    def __init__(self, cluster: Kube, store: Store) -> None:
        self._cluster = cluster
        self._store = store

    async def get(self, ref: Ref, *, fresh: bool = False) -> Manifest | None:
        """The object, or None. `fresh`: as the API server has it."""
        if not fresh and self._store.knows(ref):
            return self._store.get(ref)
        return await self._cluster.get(ref)

    async def list(self, kind: Kind, namespace: str = "", labels: str = "") -> list[Manifest]:
        """Objects that match. Known are those of one service; other questions go to the API server."""
        value, rest = split_first(labels, group_label(kind))
        if value is not None and namespace and self._store.knows_all(kind, namespace):
            return self._store.group(kind, namespace, value, rest)
        return await self._cluster.list(kind, namespace, labels)

    async def create(self, manifest: Manifest) -> Manifest:
        """Create; raises AlreadyExists."""
        if not manifest["metadata"].get("name"):
            return await self._cluster.create(manifest)
        return await self._tell(ref_of(manifest), self._cluster.create(manifest))

    async def apply(self, manifest: Manifest) -> Manifest:
        """Server-side apply. Raises Transient where an object turns up that the pass could not know of."""
        ref = ref_of(manifest)
        if not self._store.knows(ref) or self._store.get(ref) is not None:
            return await self._tell(ref, self._cluster.apply(manifest))
        try:
            return await self._tell(ref, self._cluster.apply_new(manifest))
        except Conflict:
            raise Transient(f"{ref.kind.kind} {ref.name} exists already", retry_after_seconds=AGAIN_SECONDS) from None

    async def hand_over(self, manifest: Manifest) -> Manifest:
        """Server-side apply of some fields under the manager that only holds."""
        return await self._tell(ref_of(manifest), self._cluster.hand_over(manifest))

    async def merge_patch(self, ref: Ref, patch: dict[str, Any], *, subresource: str = "") -> Manifest | None:
        """JSON merge patch; None when the object is gone."""
        return await self._tell(ref, self._cluster.merge_patch(ref, patch, subresource=subresource))

    async def delete(self, ref: Ref, *, uid: str | None = None, resource_version: str | None = None) -> None:
        """Delete in the background; absent is fine."""
        self._store.doubt(ref)
        await self._cluster.delete(ref, uid=uid, resource_version=resource_version)

    async def _tell(self, ref: Ref, write: Awaitable[T]) -> T:
        """A write's answer is news; without one, also when the pass was ended meanwhile, nobody knows."""
        answer: T | None = None
        try:
            answer = await write
        finally:
            if isinstance(answer, dict):
                self._store.see(answer, ref.kind)
            else:
                self._store.doubt(ref)
        return answer


async def filling(store: Store, scope: Scope, kube: Kube) -> AsyncIterator[list[Manifest]]:
    """List all of a scope, page by page; filled when the last page was taken. Raises InkError; nothing is lost then."""
    listed: set[Ref] = set()
    newest, gaps = 0, store.gaps(scope)
    async for items, version in kube.versioned_pages(scope.kind, scope.namespace, scope.labels):
        for live in items:
            store.see(live, scope.kind)
            listed.add(ref_of(live))
        newest = int(version)
        yield items
    store.filled(scope, frozenset(listed), newest, gaps)


def heed(store: Store, event_type: str, live: Manifest, kind: Kind) -> None:
    """A watch event is news."""
    if event_type == "DELETED":
        meta = live["metadata"]
        store.gone(Ref(kind, meta.get("namespace", ""), meta["name"]), int(meta["resourceVersion"]))
    else:
        store.see(live, kind)
