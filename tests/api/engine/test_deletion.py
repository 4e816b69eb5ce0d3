"""A deletion never waits for ever, whatever is gone; docs/operations.md tells what stays behind."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from support.cluster.kube_api import Json
from support.operating.engine import (
    BINDINGS,
    BUILD_JOBS,
    CLAIMS,
    CRS,
    DEPLOYMENTS,
    RELEASED,
    SEED,
    Engine,
    Surroundings,
    source_of,
)
from support.operating.process import PLAYED_ELSEWHERE
from support.operating.recording_proxy import Moment
from support.waiting import eventually

TENANT = "ink-t-acme--{}"
BUILD_PODS, BUILD_SECRETS = (f"/api/v1/namespaces/dp-builds/{kind}" for kind in ("pods", "secrets"))


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
        assert "is left behind" in engine.operator.tail(400)
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


def test_a_project_namespace_deleted_by_hand_comes_back_with_all_services_of_it(engine: Engine) -> None:
    project = engine.namespace("p").removeprefix("p-")
    names = [f"acme.p{project}.{name}" for name in ("web", "api")]
    for number, name in enumerate(names):
        engine.create("ink-tenants", name, subdomain=f"p{project}-{number}")
    for name in names:
        engine.wait_ready("ink-tenants", name)
    space = f"/api/v1/namespaces/{TENANT.format(f'p{project}')}"
    before = engine.api.get(space)["metadata"]["uid"]
    engine.api.delete(space)
    eventually(
        lambda: (engine.api.find(space) or {"metadata": {"uid": before}})["metadata"]["uid"] != before,
        within=60,
        what="the namespace is made anew",
        state=engine.operator.tail,
    )
    for name in names:
        eventually(
            lambda name=name: engine.deployment(TENANT.format(f"p{project}"), name.rpartition(".")[2]),
            within=30,
            what=f"the workload of {name} is there again",
            state=engine.operator.tail,
        )
        engine.wait_ready("ink-tenants", name)


@pytest.fixture
def builder(alone: Surroundings) -> Iterator[Engine]:
    """An operator whose builds run on and on, and whose lease outlasts a busy machine."""
    with alone.engine(INK_BUILDER_IMAGE=PLAYED_ELSEWHERE, INK_LEASE_SECONDS="10") as engine:
        yield engine


def deleted_while_built(engine: Engine, dies: tuple[int, Moment] | None = None) -> int:
    """Delete a namespace whose only service is being built. Returns how many writes of the operator that took.

    `dies`: the operator is killed at this write of those, and started again.
    """
    engine.operator.ensure()
    space = engine.namespace("built")
    engine.create(space, "shop", source=source_of("https://example.com/shop.git"))
    eventually(
        lambda: left_of(engine, space, BUILD_PODS, "Job"),
        within=60,
        what="it is being built",
        state=engine.operator.tail,
    )
    engine.rest(quiet=0.5)
    engine.proxy.forget()
    if dies is not None:
        engine.proxy.at_write(*dies, engine.operator.kill)
    engine.api.delete(f"/api/v1/namespaces/{space}")

    def gone() -> bool:
        engine.operator.ensure()
        return engine.service(space, "shop") is None

    eventually(gone, within=60, what=f"the service is gone after death at {dies}", state=engine.operator.tail)
    count = len(engine.proxy.writes)
    engine.proxy.disarm()
    eventually(
        lambda: everything_left(engine, space) == [],
        within=60,
        what=f"nothing is left after death at {dies}",
        state=lambda: f"{everything_left(engine, space)}\n{engine.operator.tail()}",
    )
    return count


def left_of(engine: Engine, space: str, collection: str, what: str) -> list[str]:
    """Objects of the service outside its namespace. Pods carry the name of their Job alone."""
    items = [item["metadata"] for item in engine.api.get(collection)["items"] if space in str(item["metadata"])]
    # The claim of a host that was given up keeps it for the tenant, on purpose.
    return [f"{what} {meta['name']}" for meta in items if RELEASED not in (meta.get("annotations") or {})]


def everything_left(engine: Engine, space: str) -> list[str]:
    kinds = {"Job": BUILD_JOBS, "Pod": BUILD_PODS, "Secret": BUILD_SECRETS, "ConfigMap": CLAIMS}
    return [name for kind, path in kinds.items() for name in left_of(engine, space, path, kind)]


def test_a_namespace_deleted_while_its_service_is_built_leaves_nothing(builder: Engine) -> None:
    """Also when the operator dies at one of the writes that it takes; `make test-full` takes them all."""
    writes = deleted_while_built(builder)
    dies = random.Random(SEED).choice([(n, moment) for n in range(1, writes + 1) for moment in Moment])
    print(f"INK_TEST_SEED={SEED}: {dies} of {writes} writes")
    deleted_while_built(builder, dies)


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_death_at_any_write_of_such_a_deletion_leaves_nothing(builder: Engine) -> None:
    writes = deleted_while_built(builder)
    for dies in [(n, moment) for n in range(1, writes + 1) for moment in Moment]:
        deleted_while_built(builder, dies)
    print(f"{writes} writes")
