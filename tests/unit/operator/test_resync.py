"""The full resync: everything is listed and queued, and again soon after a gap in a watch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import nullcontext
from dataclasses import replace

import pytest
from ink_api.names import identity_of
from ink_operator.buildkitd.desired import buildkitd_of
from ink_operator.core import keys, kinds
from ink_operator.core.errors import Transient
from ink_operator.core.kinds import Kind
from ink_operator.core.memo import Memo, Shared
from ink_operator.core.object_cache import ObjectCache
from ink_operator.core.objects import Key, Manifest, Ref
from ink_operator.core.selectors import matches
from ink_operator.triggers import resync as module
from ink_operator.triggers.resync import Resync
from ink_operator.triggers.watches import SERVICES, cached_scopes, watches
from unit.operator.inkservice.making import NOW, SETTINGS

OWN = replace(SETTINGS, buildkit_pod={"metadata": {}, "spec": {"containers": [], "volumes": []}})
USED = buildkitd_of(identity_of("team", "web", OWN.tenants_namespace), OWN).name


class Api:
    """An API server whose lists a test fills, and a queue."""

    is_backlogged = False

    def __init__(self) -> None:
        self.objects: dict[Kind, list[Manifest]] = {}
        self.failing: set[Kind] = set()
        self.added: list[tuple[Key, float]] = []
        self.waiting = asyncio.Event()
        self.cache = ObjectCache(cached_scopes(OWN))
        self.shared = Shared(Memo(60), Memo(60), nullcontext())
        self.resync = Resync(self, self.cache, self, self.shared, OWN)

    def put(self, kind: Kind, name: str, namespace: str = "", **labels: str) -> None:
        full = {f"ml.ink/{key.replace('_', '-')}": value for key, value in labels.items()}
        full["app.kubernetes.io/managed-by"] = "ink"
        meta = {"name": name, "namespace": namespace, "uid": f"uid-{name}", "resourceVersion": "1", "labels": full}
        live = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": meta}
        self.objects.setdefault(kind, []).append(live)

    def add(self, key: Key, after_seconds: float = 0.0) -> None:
        self.added.append((key, after_seconds))
        self.waiting.set()

    async def list(self, kind: Kind, namespace: str = "", labels: str = "") -> list[Manifest]:
        if kind in self.failing:
            raise Transient("away")
        return [
            live
            for live in self.objects.get(kind, [])
            if namespace in ("", live["metadata"]["namespace"]) and matches(live["metadata"]["labels"], labels)
        ]

    async def pages(self, kind: Kind, namespace: str = "", labels: str = "") -> AsyncIterator[list[Manifest]]:
        yield await self.list(kind, namespace, labels)

    async def versioned_pages(
        self, kind: Kind, namespace: str = "", labels: str = ""
    ) -> AsyncIterator[tuple[list[Manifest], str]]:
        yield await self.list(kind, namespace, labels), "7"

    async def woken(self) -> list[Key]:
        """The keys of the next sweep."""
        async with asyncio.timeout(10):
            await self.waiting.wait()
        self.waiting.clear()
        found, self.added = [key for key, _ in self.added], []
        return found


@pytest.fixture
def api() -> Api:
    return Api()


async def test_everything_is_queued_and_the_cache_is_filled(api: Api) -> None:
    api.put(kinds.INK_SERVICE, "web", "team")
    api.put(kinds.INK_RESOURCE, "db", "team")
    api.put(kinds.INK_DOMAIN, "shop", "team")
    api.put(kinds.DEPLOYMENT, "web", "team", service="web", owner_uid="uid-web")
    api.shared.tenancy.put("team", ("uid", {}), NOW)
    await api.resync.sweep(0.0)
    assert {key for key, _ in api.added} == {
        keys.service_key("team", "web"),
        Key("InkResource", "team", "db"),
        Key("InkDomain", "team", "shop"),
    }
    assert api.cache.knows(Ref(kinds.DEPLOYMENT, "team", "web"))
    assert api.cache.knows(Ref(kinds.INK_SERVICE, "team", "web"))
    assert api.shared.tenancy.get("team", NOW) is None


async def test_only_namespaces_that_no_service_uses_are_queued(api: Api) -> None:
    api.put(kinds.INK_SERVICE, "acme.shop.web", OWN.tenants_namespace)
    api.put(kinds.NAMESPACE, "ink-t-acme--shop")
    api.put(kinds.NAMESPACE, "ink-t-acme--blog")
    await api.resync.sweep(0.0)
    queued = [key for key, _ in api.added if key.kind == "Namespace"]
    assert queued == [keys.namespace_key("ink-t-acme--blog")]


async def test_claims_that_a_service_holds_are_left_out(api: Api) -> None:
    api.put(kinds.INK_SERVICE, "web", "team")
    for name, owner in (("host-1", {"owner_uid": "uid-web"}), ("host-2", {"owner_uid": "uid-gone"}), ("host-3", {})):
        api.put(kinds.CONFIG_MAP, name, OWN.namespace, component="claim", **owner)
    await api.resync.sweep(0.0)
    queued = {key.name for key, _ in api.added if key.kind == "ConfigMap"}
    assert queued == {"host-2", "host-3"}


async def test_a_buildkitd_is_checked_or_removed_by_whether_its_tenant_has_services(api: Api) -> None:
    api.put(kinds.INK_SERVICE, "web", "team")
    for name in (USED, "buildkitd-left"):
        api.put(kinds.STATEFUL_SET, name, OWN.buildkit_namespace, component="buildkitd")
    await api.resync.sweep(0.0)
    queued = {key for key, _ in api.added if key.namespace == OWN.buildkit_namespace}
    assert queued == {
        keys.buildkitd_key(USED, OWN.buildkit_namespace),
        keys.orphaned_buildkitd_key("buildkitd-left", OWN.buildkit_namespace),
    }


async def test_a_list_that_fails_leaves_its_scope_unanswered(api: Api) -> None:
    api.failing = {kinds.INGRESS}
    with pytest.raises(Transient):
        await api.resync.sweep(0.0)
    assert not api.cache.knows(Ref(kinds.INGRESS, "team", "web"))
    assert not api.cache.knows(Ref(kinds.INK_SERVICE, "team", "web"))


async def test_it_begins_when_all_children_are_watched_and_again_soon_after_a_gap(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GAP_SECONDS", 0.0)
    api.put(kinds.INK_SERVICE, "web", "team")
    task = asyncio.create_task(api.resync.run())
    scopes = [watch.scope for watch in watches(OWN)]
    for scope in scopes[1:]:
        api.resync.on_watch_started(scope, restarted=False)
    await asyncio.sleep(0)
    assert not api.resync.all_watching.is_set()
    assert api.added == []
    api.resync.on_watch_started(scopes[0], restarted=False)
    assert api.resync.all_watching.is_set()
    assert await api.woken() == [keys.service_key("team", "web")]
    assert api.cache.knows(Ref(kinds.JOB, OWN.builds_namespace, "b"))
    jobs = next(scope for scope in scopes if scope.kind == kinds.JOB)
    api.resync.on_watch_started(jobs, restarted=True)
    assert not api.cache.knows(Ref(kinds.JOB, OWN.builds_namespace, "b"))
    assert await api.woken() == [keys.service_key("team", "web")]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert SERVICES in api.cache.scopes
