"""The full resync: every object is reconciled once per interval, and soon after a gap in the watches.

It repairs what no event reported, and retries what failed while the API server was not available.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator, Iterable
from itertools import chain
from typing import Protocol

from ink_api.group import LABEL_MANAGED_BY, LABEL_OWNER_UID, MANAGED_BY

from ink_operator.buildkitd import reconcile as buildkitd
from ink_operator.clients.cached import PagedApi, list_into_cache
from ink_operator.core import keys, kinds
from ink_operator.core.errors import InkError
from ink_operator.core.kinds import Kind
from ink_operator.core.memo import Shared
from ink_operator.core.object_cache import ObjectCache, WatchScope
from ink_operator.core.objects import Key, Manifest, labels_of
from ink_operator.housekeeping.empty_namespaces import namespaces_in_use
from ink_operator.housekeeping.reserved_hosts import CLAIMS
from ink_operator.ports import Wakeups
from ink_operator.settings import Settings
from ink_operator.triggers.watches import SERVICES, watches

log = logging.getLogger(__name__)
GAP_SECONDS, GAP_SPREAD_SECONDS = 1.0, 5.0
"""After a gap: how long to wait for gaps in other watches, and over how long the work is spread."""
RETRY_SECONDS = 5.0


class ListingApi(PagedApi, Protocol):
    """What a resync asks of the API server: Kube."""

    def pages(self, kind: Kind, namespace: str = "", labels: str = "") -> AsyncIterator[list[Manifest]]:
        """All objects that match, page by page."""
        ...

    async def list(self, kind: Kind, namespace: str = "", labels: str = "") -> list[Manifest]:
        """The same at once."""
        ...


class Resync:
    """Fills the cache and queues everything. `all_watching` is set once every watch on children has started."""

    def __init__(self, api: ListingApi, cache: ObjectCache, queue: Wakeups, shared: Shared, settings: Settings) -> None:
        self._api, self._cache, self._queue = api, cache, queue
        self._shared, self._settings = shared, settings
        self._pending = {watch.scope for watch in watches(settings)}
        self._gap = asyncio.Event()
        self.all_watching = asyncio.Event()

    def on_watch_started(self, scope: WatchScope, restarted: bool) -> None:
        """From now on the watch misses nothing; when `restarted`, it may have missed something before."""
        self._pending.discard(scope)
        if not self._pending:
            self.all_watching.set()
        if restarted:
            self._cache.mark_gap(scope)
            self._gap.set()

    async def run(self) -> None:
        """Resync until cancelled. The first one is not spread: nothing has been reconciled yet."""
        spread = 0.0
        await self.all_watching.wait()
        while True:
            try:
                await self.sweep(spread)
            except InkError as error:
                log.warning("full resync failed: %s", error)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            spread = self._settings.resync_seconds
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._settings.resync_seconds):
                    await self._gap.wait()
                spread = GAP_SPREAD_SECONDS
                await asyncio.sleep(GAP_SECONDS)
                self._gap.clear()

    async def sweep(self, spread_seconds: float) -> None:
        """List everything once and queue it, spread over that many seconds. Raises InkError."""
        # Before the services: the holder of a claim that is listed here is listed below, or has been deleted.
        claims = await self._claims()
        for scope in self._cache.scopes:
            if scope != SERVICES:
                async for _page in list_into_cache(self._cache, scope, self._api):
                    continue
        # Events about what was just listed no longer count as changes, and would not clear these.
        self._shared.tenancy.clear()
        namespaces: set[str] = set()
        buildkitds: set[str] = set()
        async for page in list_into_cache(self._cache, SERVICES, self._api):
            self._queue_all(page, kinds.INK_SERVICE, spread_seconds)
            for item in page:
                claims.pop(item["metadata"]["uid"], None)
            namespaces |= namespaces_in_use(page, self._settings)
            buildkitds |= buildkitd.buildkitds_in_use(page, self._settings)
        for kind in (kinds.INK_RESOURCE, kinds.INK_DOMAIN):
            async for page in self._api.pages(kind):
                self._queue_all(page, kind, spread_seconds)
        await self._sweep_namespaces(namespaces)
        for name in chain.from_iterable(claims.values()):
            self._queue.add(keys.claim_key(name, self._settings.namespace))
        await self._sweep_buildkitds(buildkitds)

    def _queue_all(self, items: Iterable[Manifest], kind: Kind, spread_seconds: float) -> None:
        for item in items:
            key = Key(kind.kind, item["metadata"]["namespace"], item["metadata"]["name"])
            self._queue.add(key, random.uniform(0.0, spread_seconds))  # noqa: S311 - spreads load, guards nothing

    async def _sweep_namespaces(self, in_use: set[str]) -> None:
        for item in await self._api.list(kinds.NAMESPACE, "", f"{LABEL_MANAGED_BY}={MANAGED_BY}"):
            if item["metadata"]["name"] not in in_use:
                self._queue.add(keys.namespace_key(item["metadata"]["name"]))

    async def _sweep_buildkitds(self, in_use: set[str]) -> None:
        """Those of tenants with services may idle or stop; the others are removed."""
        if self._settings.buildkit_shared:
            return
        space = self._settings.buildkit_namespace
        for item in await self._api.list(kinds.STATEFUL_SET, space, buildkitd.SELECTOR):
            name = item["metadata"]["name"]
            key = keys.buildkitd_key if name in in_use else keys.orphaned_buildkitd_key
            self._queue.add(key(name, space))

    async def _claims(self) -> dict[str, list[str]]:
        """Names of all claims of hosts by the uid of the service that holds them; "" for reserved ones."""
        found: dict[str, list[str]] = {}
        try:
            async for page in self._api.pages(kinds.CONFIG_MAP, self._settings.namespace, CLAIMS):
                for item in page:
                    found.setdefault(labels_of(item).get(LABEL_OWNER_UID, ""), []).append(item["metadata"]["name"])
        except InkError as error:
            # Services are reconciled anyway; old claims can wait for the next resync.
            log.warning("cannot list host claims: %s", error)
            return {}
        return found
