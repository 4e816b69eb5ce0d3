"""The operator against a real API server: it converges, rests, and survives its own death at any write."""

from __future__ import annotations

import difflib
import json
import os
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.control_plane import ControlPlane
from support.kube_api import Json, KubeApi, managed_namespace
from support.operator_process import AnsweringApp, OperatorProcess, PlayedKubelet
from support.platform import condition
from support.recording_proxy import Moment, RecordingProxy
from support.waiting import eventually, stays

CRS = "/apis/ml.ink/v1alpha1/namespaces/{}/inkservices"
CHILDREN = (
    "/apis/apps/v1/namespaces/{}/deployments",
    "/api/v1/namespaces/{}/services",
    "/apis/networking.k8s.io/v1/namespaces/{}/ingresses",
    "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
    "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings",
    "/apis/apps/v1/namespaces/{}/controllerrevisions",
)
CLAIMS = "/api/v1/namespaces/dp-system/configmaps"
SEED = os.environ.get("INK_TEST_SEED") or str(random.SystemRandom().randrange(10**6))
SAMPLED = 3
CONVERGES_SECONDS = 60
WRITES_AT_MOST = 40
"""More writes than this for one small service would be a fault of its own."""


@dataclass
class World:
    """An API server with an operator of its own before it."""

    api: KubeApi
    proxy: RecordingProxy
    operator: OperatorProcess

    def create(self, namespace: str, name: str, **spec: object) -> None:
        image = {"ref": "registry.example.com/shop@sha256:" + "1" * 64}
        body = {"source": {"image": image}, "subdomain": namespace, **spec}
        meta = {"name": name, "namespace": namespace}
        manifest = {"apiVersion": "ml.ink/v1alpha1", "kind": "InkService", "metadata": meta, "spec": body}
        self.api.create(CRS.format(namespace), manifest)

    def service(self, namespace: str, name: str) -> Json | None:
        return self.api.find(f"{CRS.format(namespace)}/{name}")

    def wait_ready(self, namespace: str, name: str) -> None:
        def ready() -> bool:
            self.operator.ensure()
            found = self.service(namespace, name)
            assert found is not None
            stated, generation = condition(found, "Ready"), found["metadata"]["generation"]
            return stated.get("status") == "True" and stated.get("observedGeneration") == generation

        eventually(
            ready,
            within=CONVERGES_SECONDS,
            what=f"{namespace}/{name} is ready",
            state=lambda: f"{json.dumps(self.service(namespace, name), indent=1)}\n{self.operator.tail()}",
        )

    def children(self, namespace: str, name: str) -> list[str]:
        """What belongs to the service, without what differs from one life of a cluster to the next."""
        uid = str((self.service(namespace, name) or {"metadata": {}})["metadata"].get("uid", "none"))
        items = [item for path in CHILDREN for item in self.api.get(path.format(namespace))["items"]]
        ours = [item for item in items if "ml.ink/" in json.dumps(item["metadata"])]
        ours += [claim for claim in self.api.get(CLAIMS)["items"] if f"{namespace}/{name}" in json.dumps(claim)]
        return sorted(stable(item, namespace, name, uid) for item in ours)


def stable(item: Json, namespace: str, name: str, uid: str) -> str:
    """The object as text, with what names this one life taken out."""
    meta = dict(item["metadata"])
    for volatile in ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields"):
        meta.pop(volatile, None)
    annotations = dict(meta.get("annotations") or {})
    annotations.pop("deployment.kubernetes.io/revision", None)
    kept = {key: value for key, value in item.items() if key != "status"}
    text = json.dumps({**kept, "metadata": {**meta, "annotations": annotations}}, sort_keys=True)
    text = text.replace(uid, "UID").replace(namespace, "NAMESPACE").replace(name, "NAME")
    text = re.sub(r'"clusterIPs?": (\[[^\]]*\]|"[^"]*")', '"clusterIP": "IP"', text)
    text = re.sub(r"NAME-[0-9a-f]{10}", "NAME-HASH", text)
    text = re.sub(r'(run\\": \\")[0-9a-f]+', r"\1HASH", text)
    text = re.sub(r'("(?:ml.ink/applied|ml.ink/revision|template)": )"[0-9a-f]+"', r'\1"HASH"', text)
    return re.sub(r"host-[0-9a-f]{20}", "host-HASH", text)


@pytest.fixture(scope="module")
def world(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One operator for the tests of this module; each test has a namespace of its own."""
    scratch: Path = tmp_path_factory.mktemp("operator")
    for namespace in ("dp-system", "dp-builds", "ink-tenants", "ink-ingress"):
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        control_plane.api.apply(f"/api/v1/namespaces/{namespace}", body)
    proxy, app = RecordingProxy(control_plane.kubeconfig), AnsweringApp()
    kubelet = PlayedKubelet(control_plane.api)
    proxy.start()
    operator = OperatorProcess(
        proxy.kubeconfig(scratch / "kubeconfig"),
        scratch / "operator.log",
        INK_TRAEFIK_URL=app.url,
        INK_REGISTRY="127.0.0.1:9",
        INK_RESOLVER_URL="http://127.0.0.1:9",
    )
    operator.start()
    yield World(control_plane.api, proxy, operator)
    operator.kill()
    kubelet.stop()
    proxy.stop()
    app.shutdown()


@pytest.fixture
def running(world: World) -> World:
    """The world with its operator alive, whatever the test before did to it."""
    world.operator.ensure()
    return world


def test_a_service_converges_and_then_nothing_is_written(running: World, namespace: str) -> None:
    running.create(namespace, "shop")
    running.wait_ready(namespace, "shop")
    eventually(lambda: settled(running), within=20, what="the last writes are over")
    running.proxy.forget()
    stays(lambda: running.proxy.writes == [], seconds=8, what="no write")


def settled(world: World) -> bool:
    """Whether nothing was written for two seconds."""
    world.proxy.forget()
    stays(lambda: True, seconds=2, what="time passes")
    return world.proxy.writes == []


def test_a_restarted_operator_writes_nothing_either(running: World, namespace: str) -> None:
    running.create(namespace, "shop")
    running.wait_ready(namespace, "shop")
    eventually(lambda: settled(running), within=20, what="the last writes are over")
    running.operator.kill()
    running.proxy.forget()
    running.operator.start()
    eventually(lambda: "ink" in running.operator.tail(400), within=30, what="it speaks")
    stays(lambda: running.proxy.writes == [], seconds=8, what="no write at a start")


def test_what_somebody_deletes_comes_back(running: World, namespace: str) -> None:
    running.create(namespace, "shop")
    running.wait_ready(namespace, "shop")
    before = running.children(namespace, "shop")
    for path in CHILDREN[:3]:
        running.api.delete(f"{path.format(namespace)}/shop")
    eventually(
        lambda: running.children(namespace, "shop") == before,
        within=60,
        what="the same children again",
        state=running.operator.tail,
    )


def test_a_change_of_the_spec_reaches_the_children(running: World, namespace: str) -> None:
    running.create(namespace, "shop")
    running.wait_ready(namespace, "shop")
    one = f"{CRS.format(namespace)}/shop"
    running.api.merge(one, {"spec": {"replicas": 2, "env": [{"name": "A", "value": "1"}]}})
    running.wait_ready(namespace, "shop")
    workload = running.api.get(f"{CHILDREN[0].format(namespace)}/shop")
    assert workload["spec"]["replicas"] == 2
    variables = workload["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {"name": "A", "value": "1"} in variables


def test_deletion_leaves_nothing(running: World, namespace: str) -> None:
    running.create(namespace, "shop")
    running.wait_ready(namespace, "shop")
    service = running.service(namespace, "shop")
    assert service is not None
    running.api.delete(f"{CRS.format(namespace)}/shop")
    eventually(
        lambda: running.service(namespace, "shop") is None,
        within=60,
        what="the custom resource is gone",
        state=running.operator.tail,
    )
    eventually(
        lambda: not any('"name": "NAME"' in child for child in running.children(namespace, "shop")),
        within=60,
        what="its children are gone",
        state=lambda: "\n".join(running.children(namespace, "shop")),
    )


def points(count: int) -> list[tuple[int, Moment]]:
    """Every point at which the operator can die while it makes a service."""
    return [(number, moment) for number in range(1, count + 1) for moment in Moment]


@pytest.fixture(scope="module")
def calm(world: World, control_plane: ControlPlane) -> tuple[int, list[str]]:
    """How many writes an undisturbed service takes, and its children."""
    world.operator.ensure()
    namespace = f"calm-{random.SystemRandom().randrange(10**8)}"
    managed_namespace(control_plane.api, namespace)
    eventually(lambda: settled(world), within=30, what="the operator is at rest")
    world.proxy.forget()
    world.create(namespace, "shop")
    world.wait_ready(namespace, "shop")
    eventually(lambda: settled_count(world), within=20, what="the last writes are over")
    return len(world.proxy.writes), world.children(namespace, "shop")


def settled_count(world: World) -> bool:
    """Like `settled`, but what was written stays recorded."""
    before = world.proxy.writes
    stays(lambda: True, seconds=2, what="time passes")
    return world.proxy.writes == before


def die_and_converge(world: World, namespace: str, point: tuple[int, Moment], expected: list[str]) -> None:
    """Make a service, end the operator at the point, start it again, and compare what came of it."""
    world.proxy.at_write(*point, world.operator.kill)
    world.create(namespace, "shop")
    eventually(lambda: not world.operator.is_running, within=60, what=f"it dies at {point}", state=world.operator.tail)
    world.operator.start()
    world.wait_ready(namespace, "shop")
    found = world.children(namespace, "shop")
    differing = "\n".join(difflib.ndiff(expected, found)) if found != expected else ""
    assert not differing, f"killed at {point}:\n{differing}"


def test_dying_at_a_write_ends_in_the_same_cluster(running: World, namespace: str, calm: tuple[int, list[str]]) -> None:
    """A sample of the points; `make test-full` takes them all."""
    count, expected = calm
    assert 0 < count <= WRITES_AT_MOST
    print(f"INK_TEST_SEED={SEED}, {count} writes")
    for number, point in enumerate(random.Random(SEED).sample(points(count), SAMPLED)):
        fresh = namespace if number == 0 else f"{namespace}-{number}"
        managed_namespace(running.api, fresh)
        die_and_converge(running, fresh, point, expected)


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_dying_at_any_write_ends_in_the_same_cluster(
    running: World, namespace: str, calm: tuple[int, list[str]]
) -> None:
    count, expected = calm
    for index, point in enumerate(points(count)):
        fresh = f"{namespace}-{index}"
        managed_namespace(running.api, fresh)
        die_and_converge(running, fresh, point, expected)
