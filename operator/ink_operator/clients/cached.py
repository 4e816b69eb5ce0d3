"""The API server, with reads answered from the cache of the watches where that is safe.

Its own writes go into the cache at once. A watch with a label selector does not see an object with the name but without
the labels, so an object that is not in the cache may only be created, never taken over.
"""

from collections.abc import AsyncIterator, Awaitable
from typing import Any, Protocol, TypeVar

from ink_operator.core.errors import Conflict, Transient
from ink_operator.core.kinds import Kind
from ink_operator.core.object_cache import ObjectCache, WatchScope, group_label
from ink_operator.core.objects import Manifest, Ref, ref_of
from ink_operator.core.selectors import split_first
from ink_operator.ports import KubernetesApi

T = TypeVar("T")
RETRY_SECONDS = 0.05


class CreatingApi(KubernetesApi, Protocol):
    """The API server with one more call: Kube."""

    async def apply_new(self, manifest: Manifest) -> Manifest:
        """Server-side apply, only if no object with the name exists. Raises Conflict if one does."""
        ...


class PagedApi(Protocol):
    """The API server's lists: Kube."""

    def versioned_pages(
        self, kind: Kind, namespace: str = "", labels: str = ""
    ) -> AsyncIterator[tuple[list[Manifest], str]]:
        """All objects that match, page by page, with the resourceVersion of the list."""
        ...


class CachedCluster:
    """Implements ports.CachedKubernetesApi."""

    def __init__(self, api: CreatingApi, cache: ObjectCache) -> None:
        self._api = api
        self._cache = cache

    async def get(self, ref: Ref) -> Manifest | None:
        """The object, or None."""
        return self._cache.get(ref) if self._cache.knows(ref) else await self._api.get(ref)

    async def get_fresh(self, ref: Ref) -> Manifest | None:
        """The object as the API server has it now, or None."""
        return await self._api.get(ref)

    async def list(self, kind: Kind, namespace: str = "", labels: str = "") -> list[Manifest]:
        """Objects that match. The cache answers for those of one service; anything else goes to the API server."""
        value, rest = split_first(labels, group_label(kind))
        if value is not None and namespace and self._cache.knows_all(kind, namespace):
            return self._cache.group(kind, namespace, value, rest)
        return await self._api.list(kind, namespace, labels)

    async def create(self, manifest: Manifest) -> Manifest:
        """Create; raises AlreadyExists."""
        if not manifest["metadata"].get("name"):
            return await self._api.create(manifest)
        return await self._record(ref_of(manifest), self._api.create(manifest))

    async def apply(self, manifest: Manifest) -> Manifest:
        """Server-side apply. Raises Transient if there is an object that the cache does not have."""
        ref = ref_of(manifest)
        if not self._cache.knows(ref) or self._cache.get(ref) is not None:
            return await self._record(ref, self._api.apply(manifest))
        try:
            return await self._record(ref, self._api.apply_new(manifest))
        except Conflict:
            raise Transient(f"{ref.kind.kind} {ref.name} already exists", retry_after_seconds=RETRY_SECONDS) from None

    async def hand_over(self, manifest: Manifest) -> Manifest:
        """Server-side apply of some fields under the manager that only preserves values."""
        return await self._record(ref_of(manifest), self._api.hand_over(manifest))

    async def merge_patch(self, ref: Ref, patch: dict[str, Any], *, subresource: str = "") -> Manifest | None:
        """JSON merge patch; None when the object is gone."""
        return await self._record(ref, self._api.merge_patch(ref, patch, subresource=subresource))

    async def delete(self, ref: Ref, *, uid: str | None = None, resource_version: str | None = None) -> None:
        """Delete in the background; absent is fine."""
        self._cache.invalidate(ref)
        await self._api.delete(ref, uid=uid, resource_version=resource_version)

    async def _record(self, ref: Ref, write: Awaitable[T]) -> T:
        """The answer of a write is the newest state. Without one, even if the pass was cancelled, it is unknown."""
        answer: T | None = None
        try:
            answer = await write
        finally:
            if isinstance(answer, dict):
                self._cache.record(answer, ref.kind)
            else:
                self._cache.invalidate(ref)
        return answer


async def list_into_cache(cache: ObjectCache, scope: WatchScope, api: PagedApi) -> AsyncIterator[list[Manifest]]:
    """List a whole scope, page by page; it is synced once the last page has been consumed. Raises InkError."""
    listed: set[Ref] = set()
    newest, gaps = 0, cache.gaps(scope)
    async for items, version in api.versioned_pages(scope.kind, scope.namespace, scope.labels):
        for live in items:
            cache.record(live, scope.kind)
            listed.add(ref_of(live))
        newest = int(version)
        yield items
    cache.mark_synced(scope, frozenset(listed), newest, gaps)
