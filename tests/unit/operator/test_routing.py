"""Which key an event wakes: the owner's, the buildkitd's, that of any service of a namespace, or none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import nullcontext
from typing import Any

import pytest
from ink_operator.core import kinds
from ink_operator.core.keys import buildkitd_key, service_key, tenancy_key
from ink_operator.core.kinds import Kind
from ink_operator.core.memo import Memo, Shared
from ink_operator.core.object_cache import ObjectCache, WatchScope
from ink_operator.core.objects import Key, Manifest, Ref
from ink_operator.runtime.informer import LATER_CHANGE
from ink_operator.triggers.routing import GATHER_SECONDS, Router
from ink_operator.triggers.watches import ChildWatch
from unit.operator.inkservice.making import NOW, SETTINGS

OWNED = {"labels": {"ml.ink/service": "web"}, "annotations": {"ml.ink/owner": "ink-tenants/acme.shop.web"}}
WEB = service_key("ink-tenants", "acme.shop.web")
DEPLOYMENTS = WatchScope(kinds.DEPLOYMENT, "", "ml.ink/service")
AUTOSCALERS = WatchScope(kinds.HORIZONTAL_POD_AUTOSCALER, "", "ml.ink/service")
QUOTAS = WatchScope(kinds.RESOURCE_QUOTA, "", "")


class Desk:
    """An API server, a queue and a router between them."""

    is_backlogged = False

    def __init__(self) -> None:
        self.added: list[tuple[Key, float]] = []
        self.own: set[str] = set()
        self.services: list[Manifest] = []
        self.asked: list[str] = []
        self.cache = ObjectCache([DEPLOYMENTS, AUTOSCALERS])
        self.shared = Shared(Memo(60), Memo(60), nullcontext())
        self.router = Router(self, self.cache, self, self.shared, SETTINGS)

    def add(self, key: Key, after_seconds: float = 0.0) -> None:
        self.added.append((key, after_seconds))

    def wrote(self, version: str) -> bool:
        return version in self.own

    async def pages(self, kind: Kind, namespace: str = "", labels: str = "") -> AsyncIterator[list[Manifest]]:
        self.asked.append(namespace)
        yield self.services

    def tell(self, watch: ChildWatch, event_type: str, live: Manifest) -> None:
        self.router.subscription(watch).on_event(event_type, live)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def live(version: int = 5, namespace: str = "ink-t-acme--shop", **more: Any) -> Manifest:
    meta = {"name": "web", "namespace": namespace, "resourceVersion": str(version), **OWNED, **more.pop("meta", {})}
    return {"metadata": meta, **more}


def test_an_event_of_a_child_wakes_its_owner_a_moment_later_and_is_cached(desk: Desk) -> None:
    desk.tell(ChildWatch(DEPLOYMENTS), "ADDED", live())
    assert desk.added == [(WEB, GATHER_SECONDS)]
    assert desk.cache.get(Ref(kinds.DEPLOYMENT, "ink-t-acme--shop", "web")) is not None


def test_an_event_of_a_kind_wakes_it_at_once(desk: Desk) -> None:
    desk.router.on_kind_event("MODIFIED", live(namespace="ink-tenants"), kinds.INK_DOMAIN)
    assert desk.added == [(Key("InkDomain", "ink-tenants", "web"), 0.0)]


def test_own_writes_wake_nobody_but_are_cached(desk: Desk) -> None:
    desk.own = {"5"}
    desk.tell(ChildWatch(DEPLOYMENTS), "MODIFIED", live(5))
    assert desk.added == []
    assert desk.cache.get(Ref(kinds.DEPLOYMENT, "ink-t-acme--shop", "web")) is not None


def test_a_watch_for_later_changes_is_not_woken_by_a_creation(desk: Desk) -> None:
    desk.tell(ChildWatch(DEPLOYMENTS, LATER_CHANGE), "ADDED", live())
    assert desk.added == []
    desk.tell(ChildWatch(DEPLOYMENTS, LATER_CHANGE), "DELETED", live(6))
    assert desk.added == [(WEB, GATHER_SECONDS)]
    assert desk.cache.get(Ref(kinds.DEPLOYMENT, "ink-t-acme--shop", "web")) is None


def test_where_the_status_does_not_matter_its_change_alone_wakes_nobody(desk: Desk) -> None:
    watch = ChildWatch(AUTOSCALERS, LATER_CHANGE, status_matters=False)
    desk.tell(watch, "ADDED", live(5, spec={"a": 1}, status={"x": 1}))
    desk.tell(watch, "MODIFIED", live(6, spec={"a": 1}, status={"x": 2}))
    assert desk.added == []
    desk.tell(watch, "MODIFIED", live(7, spec={"a": 2}, status={"x": 2}))
    assert desk.added == [(WEB, GATHER_SECONDS)]


def test_a_child_without_an_owner_wakes_nobody(desk: Desk) -> None:
    desk.tell(ChildWatch(DEPLOYMENTS), "ADDED", live(meta={"annotations": {}}))
    assert desk.added == []


def test_a_part_of_a_buildkitd_wakes_the_buildkitd(desk: Desk) -> None:
    labels = {"ml.ink/daemon": "buildkitd-1"}
    desk.tell(ChildWatch(DEPLOYMENTS), "DELETED", live(meta={"labels": labels}))
    assert desk.added == [(buildkitd_key("buildkitd-1", SETTINGS.buildkit_namespace), GATHER_SECONDS)]


def test_a_build_job_wakes_its_service_although_it_names_a_buildkitd(desk: Desk) -> None:
    labels = {"ml.ink/daemon": "buildkitd-1", "ml.ink/service": "web"}
    desk.tell(ChildWatch(DEPLOYMENTS), "MODIFIED", live(meta={"labels": labels}))
    assert desk.added == [(WEB, GATHER_SECONDS)]


@pytest.mark.parametrize("namespace", ["team", ""], ids=["in it", "itself"])
def test_what_a_namespace_shares_is_read_again_and_wakes_any_service(desk: Desk, namespace: str) -> None:
    name = namespace or "web"
    desk.shared.tenancy.put(name, ("uid", {}), NOW)
    desk.tell(ChildWatch(QUOTAS, shared=True, cached=False), "DELETED", live(namespace=namespace, meta={"labels": {}}))
    assert desk.added == [(tenancy_key(name), GATHER_SECONDS)]
    assert desk.shared.tenancy.get(name, NOW) is None


@pytest.mark.parametrize(
    ("space", "home", "names", "woken"),
    [
        ("ink-t-acme--shop", "ink-tenants", ["acme.blog.web", "acme.shop.api", "acme.shop.web"], "acme.shop.api"),
        ("team", "team", ["one", "two"], "one"),
        ("ink-t-acme--shop", "ink-tenants", ["acme.blog.web"], None),
    ],
)
async def test_any_one_service_of_the_namespace_is_woken(
    desk: Desk, space: str, home: str, names: list[str], woken: str | None
) -> None:
    desk.services = [{"metadata": {"name": name, "namespace": home}} for name in names]
    await desk.router.wake_any_service(tenancy_key(space))
    assert desk.asked == [home]
    assert [key for key, _ in desk.added] == ([service_key(home, woken)] if woken else [])


async def test_a_service_that_is_being_deleted_is_not_woken_for_the_others(desk: Desk) -> None:
    meta = {"name": "one", "namespace": "team", "deletionTimestamp": "2026-01-01T00:00:00Z"}
    desk.services = [{"metadata": meta}, {"metadata": {"name": "two", "namespace": "team"}}]
    await desk.router.wake_any_service(tenancy_key("team"))
    assert [key for key, _ in desk.added] == [service_key("team", "two")]
