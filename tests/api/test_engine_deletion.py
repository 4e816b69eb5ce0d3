"""A deletion never waits for ever, whatever is gone; docs/operations.md tells what stays behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from support.engine import BINDINGS, BUILD_JOBS, CRS, DEPLOYMENTS, Engine, Surroundings, source_of
from support.kube_api import Json
from support.waiting import eventually

TENANT = "ink-t-acme--{}"


@contextmanager
def without(engine: Engine, path: str) -> Iterator[None]:
    """An object is gone, and comes back at the end."""
    live = engine.api.get(path)
    engine.api.delete(path)
    try:
        yield
    finally:
        for volatile in ("uid", "resourceVersion", "creationTimestamp", "managedFields"):
            live["metadata"].pop(volatile, None)
        engine.api.create(path.rpartition("/")[0], live)


@pytest.fixture
def shop(engine: Engine, namespace: str) -> str:
    """A service built from a repository; its namespace."""
    engine.create(namespace, "shop", source=source_of("https://example.com/shop.git"))
    engine.wait_ready(namespace, "shop")
    return namespace


def test_a_registry_that_is_gone_holds_no_deletion_for_ever(alone: Surroundings, namespace: str) -> None:
    with alone.engine(INK_REGISTRY="127.0.0.1:9") as engine:
        engine.create(namespace, "shop")
        engine.wait_ready(namespace, "shop")
        engine.delete(namespace, "shop")
        engine.wait_gone(namespace, "shop")
        assert "stays behind" in engine.operator.tail(400)
        eventually(lambda: engine.children(namespace, "shop") == [], within=30, what="all else is cleaned up")


def test_rights_lost_in_the_builds_namespace_hold_no_deletion_for_ever(engine: Engine, shop: str) -> None:
    with without(engine, f"{BINDINGS.format('dp-builds')}/ink-operator"):
        engine.delete(shop, "shop")
        engine.wait_gone(shop, "shop")
    left = [job for job in engine.api.get(BUILD_JOBS)["items"] if owner(job) == f"{shop}/shop"]
    assert len(left) == 1, "what stays behind is found by its owner"
    for job in left:
        engine.api.delete(f"{BUILD_JOBS}/{job['metadata']['name']}?propagationPolicy=Background")


def owner(item: Json) -> str:
    return str(item["metadata"]["annotations"].get("ml.ink/owner"))


@pytest.mark.full
def test_a_namespace_with_services_in_it_can_be_deleted(engine: Engine, shop: str) -> None:
    engine.create(shop, "other", subdomain=f"{shop}-other")
    engine.api.delete(f"/api/v1/namespaces/{shop}")
    namespace_is_gone(engine, shop)


def test_a_namespace_where_nothing_is_granted_any_more_can_be_deleted(engine: Engine, shop: str) -> None:
    """Its label is gone, and so is the operator's RoleBinding, which nobody makes again."""
    engine.api.merge(f"/api/v1/namespaces/{shop}", {"metadata": {"labels": {"ml.ink/managed": None}}})
    engine.api.delete(f"{BINDINGS.format(shop)}/ink-operator")
    engine.api.delete(f"/api/v1/namespaces/{shop}")
    namespace_is_gone(engine, shop)


@pytest.mark.full
def test_a_role_without_a_verb_in_it_holds_no_deletion_for_ever(engine: Engine, shop: str) -> None:
    """The RoleBinding is there, but grants nothing: its ClusterRole has gone."""
    with without(engine, "/apis/rbac.authorization.k8s.io/v1/clusterroles/ink-operator-namespace"):
        engine.api.delete(f"/api/v1/namespaces/{shop}")
        namespace_is_gone(engine, shop)


def namespace_is_gone(engine: Engine, name: str) -> None:
    eventually(
        lambda: engine.api.find(f"/api/v1/namespaces/{name}") is None,
        within=90,
        what=f"the namespace {name} is gone",
        state=lambda: f"{engine.api.get(CRS.format(name))['items']}\n{engine.operator.tail()}",
    )


def test_a_project_namespace_deleted_by_hand_does_not_hold_the_services_of_it(engine: Engine) -> None:
    project = engine.namespace("p").removeprefix("p-")
    name = f"acme.p{project}.web"
    engine.create("ink-tenants", name, subdomain=f"p{project}")
    engine.wait_ready("ink-tenants", name)
    space = TENANT.format(f"p{project}")
    assert engine.api.find(f"{DEPLOYMENTS.format(space)}/web")
    engine.api.delete(f"/api/v1/namespaces/{space}")
    engine.delete("ink-tenants", name)
    engine.wait_gone("ink-tenants", name)
    namespace_is_gone(engine, space)
