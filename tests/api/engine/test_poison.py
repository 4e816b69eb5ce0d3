"""One custom resource that cannot be worked on never delays the others."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from support.cluster.kube_api import Json, KubeApi, Refused
from support.operating.engine import CRS, IMAGE, Engine, source_of
from support.operating.process import SILENT
from support.outside.platform import condition
from support.waiting import eventually

CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/inkservices.ml.ink"
HEALTHY = 5
HANGING = 48
"""Six times the workers: in turns, each until its call's deadline, they would take far longer than is waited."""
WITHIN_SECONDS = 60


@contextmanager
def without_schema(api: KubeApi, namespace: str) -> Iterator[None]:
    """The API server takes anything as an InkService for a while, as an older version of the schema might have."""
    versions = api.get(CRD)["spec"]["versions"]
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    loose = copy.deepcopy(versions)
    loose[0]["schema"]["openAPIV3Schema"] = {
        "type": "object",
        "properties": {"spec": anything, "status": anything},
    }
    try:
        api.merge(CRD, {"spec": {"versions": loose}})
        eventually(lambda: accepts_anything(api, namespace), within=30, what="the schema is off")
        yield
    finally:
        api.merge(CRD, {"spec": {"versions": versions}})
        eventually(lambda: not accepts_anything(api, namespace), within=30, what="the schema is on again")


def accepts_anything(api: KubeApi, namespace: str) -> bool:
    try:
        api.create(CRS.format(namespace), unreadable("probe", namespace, {"env": 7}), dry_run=True)
    except Refused:
        return False
    return True


UNREADABLE: dict[str, Json] = {
    "values that no model knows": {"health": {"type": "Telepathy"}, "command": 7},
    "even its status is refused": {"ports": "all", "env": 7, "health": ["yes"]},
}


def unreadable(name: str, namespace: str, spec: Json) -> Json:
    """No model of ours can read this."""
    return {
        "apiVersion": "ml.ink/v1alpha1",
        "kind": "InkService",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"source": {"image": {"ref": IMAGE}}, **spec},
    }


def others_converge(engine: Engine, namespace: str) -> None:
    for number in range(HEALTHY):
        engine.create(namespace, f"well-{number}", subdomain=f"{namespace}-{number}")
    for number in range(HEALTHY):
        engine.wait_ready(namespace, f"well-{number}", within=WITHIN_SECONDS, alive=False)


@pytest.mark.parametrize("what", UNREADABLE)
def test_a_resource_that_cannot_be_read_is_told_so_and_goes_when_deleted(
    engine: Engine, namespace: str, what: str
) -> None:
    with without_schema(engine.api, namespace):
        engine.api.create(CRS.format(namespace), unreadable("poison", namespace, UNREADABLE[what]))
    engine.operator.stop()
    engine.operator.start()
    others_converge(engine, namespace)
    if what != "even its status is refused":
        eventually(
            lambda: reason(engine, namespace) == "InvalidSpec",
            within=30,
            what="its status says what is wrong",
            state=engine.operator.tail,
        )
    engine.delete(namespace, "poison")
    engine.wait_gone(namespace, "poison")


def reason(engine: Engine, namespace: str) -> str | None:
    found = engine.service(namespace, "poison")
    return None if found is None else condition(found, "Ready").get("reason")


@pytest.mark.parametrize("status", [409, 500, 403, 422])
def test_a_child_that_is_refused_for_ever_holds_up_nobody_else(engine: Engine, namespace: str, status: int) -> None:
    engine.proxy.refuse(f"/namespaces/{namespace}/deployments/poison", status)
    engine.create(namespace, "poison")
    others_converge(engine, namespace)
    found = engine.service(namespace, "poison")
    assert found is not None
    assert condition(found, "Ready").get("status") != "True"
    engine.proxy.refuse_nothing()
    engine.wait_ready(namespace, "poison", within=90)


def silent_resolver(engine: Engine, namespace: str, name: str) -> None:
    source = source_of(f"https://example.com/{SILENT}/{name}.git")
    engine.create(namespace, name, subdomain=f"{namespace}-{name}", source=source)


def silent_registry(engine: Engine, namespace: str, name: str) -> None:
    """The image of a build is looked for under the service's name."""
    source = source_of(f"https://example.com/{name}.git")
    engine.create(namespace, f"{name}-{SILENT}", subdomain=f"{namespace}-{name}", source=source)


def silent_webhook(engine: Engine, namespace: str, name: str) -> None:
    """As an admission webhook for Deployments does that never answers."""
    engine.proxy.hang(f"/namespaces/{namespace}/deployments/poison-")
    engine.create(namespace, name, subdomain=f"{namespace}-{name}")


@pytest.mark.parametrize(
    "make", [silent_resolver, pytest.param(silent_registry, marks=pytest.mark.full), silent_webhook]
)
def test_more_hanging_services_than_workers_hold_up_nobody_else(
    engine: Engine, namespace: str, make: Callable[[Engine, str, str], None]
) -> None:
    for number in range(HANGING):
        make(engine, namespace, f"poison-{number}")
    others_converge(engine, namespace)
    found = engine.api.get(CRS.format(namespace))["items"]
    poisoned = [item for item in found if item["metadata"]["name"].startswith("poison-")]
    assert [item for item in poisoned if condition(item, "Ready").get("status") == "True"] == []
    engine.proxy.refuse_nothing()
    for item in poisoned:
        engine.delete(namespace, item["metadata"]["name"])
