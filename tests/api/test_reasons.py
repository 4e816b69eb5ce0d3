"""Reasons as they come about: the operator, a real API server with its controllers, and a test that plays the node.

Every one is read by kstatus too. Builds have theirs in tests/contract and tests/e2e, with a real BuildKit.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator

import pytest
from ink_api.reasons import PROGRESS, Reason, remedy
from support.control_plane import ControlPlane
from support.kstatus import Kstatus
from support.kube_api import Json, KubeApi, managed_namespace
from support.platform import condition
from support.played_world import WITHIN_SECONDS, PlayedWorld, played_world
from support.reporting import report, running, terminated, waiting
from support.specs import git, path_of, variable
from support.waiting import eventually

DISK = {"name": "data", "mountPath": "/data", "size": "1Gi"}


@pytest.fixture(scope="module")
def world(
    control_plane: ControlPlane, kstatus: Kstatus, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PlayedWorld]:
    with played_world(control_plane, kstatus, tmp_path_factory.mktemp("operator")) as made:
        yield made


NO_PLACE = {
    Reason.UNSCHEDULABLE: ({}, "0/3 nodes are available: 3 Insufficient memory."),
    Reason.VOLUME_NOT_BOUND: ({"volumes": [DISK]}, "pod has unbound immediate PersistentVolumeClaims"),
}


@pytest.fixture(scope="module", autouse=True)
def without_place(world: PlayedWorld) -> dict[Reason, str]:
    """Namespaces of services whose pods no node takes, made first: it needs half a minute to be told."""
    spaces = {}
    for reason, (spec, because) in NO_PLACE.items():
        namespace = spaces[reason] = f"nowhere-{secrets.token_hex(4)}"
        managed_namespace(world.api, namespace)
        world.create(namespace, **spec)
        report(world.api, namespace, None, because=because)
    return spaces


def check(world: PlayedWorld, found: Json, reason: Reason, *, fine: bool = False) -> None:
    """Ready, the two roll-ups, the remedy and kstatus agree."""
    stated = {c["type"]: c for c in found["status"]["conditions"]}
    moving = reason in PROGRESS
    assert ("Reconciling" in stated, "Stalled" in stated) == (moving, not moving and not fine)
    assert remedy(reason) in stated["Ready"]["message"]
    assert world.kstatus.one(found) == ("Current" if fine else "InProgress" if moving else "Failed")
    assert all(c["observedGeneration"] == found["metadata"]["generation"] for c in stated.values())


Prepare = Callable[[KubeApi, str], None]


def foreign_deployment(api: KubeApi, namespace: str) -> None:
    labels = {"app": "other"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "a", "image": "a"}]}}
    spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "shop"}, "spec": spec}
    api.create(f"/apis/apps/v1/namespaces/{namespace}/deployments", body)


def quota_of_no_pod(api: KubeApi, namespace: str) -> None:
    spec = {"hard": {"pods": "0"}}
    body = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}, "spec": spec}
    api.create(f"/api/v1/namespaces/{namespace}/resourcequotas", body)


def slow_claim(api: KubeApi, namespace: str) -> None:
    """As a volume with deletionPolicy Retain leaves it."""
    labels = {"ml.ink/service": "shop", "ml.ink/tenant": namespace, "ml.ink/component": "volume"}
    meta = {"name": "shop-data", "labels": {**labels, "app.kubernetes.io/managed-by": "ink"}}
    storage = {"requests": {"storage": "1Gi"}}
    spec = {"accessModes": ["ReadWriteOnce"], "storageClassName": "slow", "resources": storage}
    body = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": spec}
    api.create(f"/api/v1/namespaces/{namespace}/persistentvolumeclaims", body)


def restricted(api: KubeApi, namespace: str) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    api.merge(f"/api/v1/namespaces/{namespace}", {"metadata": {"labels": labels}})


def not_managed(api: KubeApi, namespace: str) -> None:
    api.merge(f"/api/v1/namespaces/{namespace}", {"metadata": {"labels": {"ml.ink/managed": None}}})


def nothing(api: KubeApi, namespace: str) -> None:
    """As it is."""


BY_SPEC: list[tuple[Reason, str, Json, Prepare]] = [
    (Reason.INVALID_SPEC, "own git that is not", git(auth={"internal": {}}), nothing),
    (Reason.REFERENCE_DENIED, "another's repository", git(url="https://git.localhost:8443/other/shop.git"), nothing),
    (Reason.NOT_IMPLEMENTED, "on demand", {"mode": "OnDemand"}, nothing),
    (Reason.HOST_RESERVED, "the platform's host", {"subdomain": "www"}, nothing),
    (Reason.CONFIG_NOT_FOUND, "login that is not there", git(auth={"secretRef": {"name": "gone"}}), nothing),
    (Reason.SOURCE_UNREACHABLE, "no resolver", git(), nothing),
    (Reason.SEALED_VALUE_INVALID, "nobody's value", variable(sealed="eyJ.a.b.c.d"), nothing),
    (Reason.NAMESPACE_NOT_MANAGED, "namespace of others", {}, not_managed),
    (Reason.NAME_CONFLICT, "another's Deployment", {}, foreign_deployment),
    (Reason.QUOTA_EXCEEDED, "no room", {}, quota_of_no_pod),
    (Reason.CAPABILITY_REQUIRED, "stricter than Ink", {}, restricted),
    (Reason.VOLUME_EXISTS, "disk of another class", {"volumes": [{**DISK, "storageClassName": "fast"}]}, slow_claim),
    (Reason.RELEASING, "no node for the command", {"release": {"command": ["migrate"]}}, nothing),
    (Reason.DEPLOYING, "no node", {}, nothing),
]


@pytest.mark.parametrize(
    ("reason", "spec", "prepare"), [pytest.param(r, s, p, id=f"{r}: {name}") for r, name, s, p in BY_SPEC]
)
def test_a_spec_or_a_namespace_brings_a_reason(
    world: PlayedWorld, namespace: str, reason: Reason, spec: Json, prepare: Prepare
) -> None:
    prepare(world.api, namespace)
    world.create(namespace, **spec)
    check(world, world.wait_for(reason, namespace), reason)


BY_POD: list[tuple[Reason, Json, Json]] = [
    (Reason.IMAGE_PULL_FAILED, {}, waiting("ImagePullBackOff")),
    (Reason.CONFIG_NOT_FOUND, {}, waiting("CreateContainerConfigError", 'secret "gone" not found')),
    (Reason.CRASH_LOOPING, {}, waiting("CrashLoopBackOff", restarts=3, terminated=terminated(1))),
    (Reason.OUT_OF_MEMORY, {}, waiting("CrashLoopBackOff", restarts=3, terminated=terminated(137, "OOMKilled"))),
    (Reason.CAPABILITY_REQUIRED, {},
     waiting("CrashLoopBackOff", restarts=3, terminated=terminated(1, message="setgid: Operation not permitted"))),
    (Reason.PORT_NOT_LISTENING, {}, running(9000)),
    (Reason.HEALTH_CHECK_FAILED, {"health": {"path": "/healthz"}}, running(9000)),
]  # fmt: skip


@pytest.mark.parametrize(("reason", "spec", "container"), [pytest.param(*row, id=row[0]) for row in BY_POD])
def test_a_pod_brings_a_reason(world: PlayedWorld, namespace: str, reason: Reason, spec: Json, container: Json) -> None:
    world.create(namespace, **spec)
    report(world.api, namespace, container)
    check(world, world.wait_for(reason, namespace), reason)


def test_a_host_belongs_to_the_first(world: PlayedWorld, namespace: str) -> None:
    world.create(namespace, "first")
    world.wait_for(Reason.DEPLOYING, namespace, "first")
    world.create(namespace, "second")
    check(world, world.wait_for(Reason.HOST_TAKEN, namespace, "second"), Reason.HOST_TAKEN)


def test_a_namespace_that_is_going_takes_nothing_new(world: PlayedWorld, namespace: str) -> None:
    """The gateway's services live elsewhere than their CR, so this one outlives its namespace."""
    workspace = namespace.replace("acme-", "w")
    space = f"ink-t-{workspace}--shop"
    world.api.create("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}})
    meta = {"name": "holds", "finalizers": ["example.com/holds"]}
    held = f"/api/v1/namespaces/{space}/configmaps"
    world.api.create(held, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta})
    world.api.delete(f"/api/v1/namespaces/{space}")
    name = f"{workspace}.shop.web"
    world.create("ink-tenants", name, subdomain=namespace)
    check(world, world.wait_for(Reason.NAMESPACE_TERMINATING, "ink-tenants", name), Reason.NAMESPACE_TERMINATING)
    world.api.merge(f"{held}/holds", {"metadata": {"finalizers": None}})
    world.api.delete(f"{path_of('InkService', 'ink-tenants')}/{name}")


def test_a_life_from_asleep_to_live_to_broken_and_back(world: PlayedWorld, namespace: str) -> None:
    """Each step is read rightly, and told in an event once."""
    world.ingress.unrouted.add(f"{namespace}.apps.localhost")
    world.create(namespace, suspend=True)
    check(world, world.wait_for(Reason.SUSPENDED, namespace), Reason.SUSPENDED, fine=True)
    world.api.merge(f"{path_of('InkService', namespace)}/shop", {"spec": {"suspend": False}})
    check(world, world.wait_for(Reason.DEPLOYING, namespace), Reason.DEPLOYING)
    report(world.api, namespace, waiting("CrashLoopBackOff", restarts=3, terminated=terminated(1)))
    check(world, world.wait_for(Reason.CRASH_LOOPING, namespace), Reason.CRASH_LOOPING)
    report(world.api, namespace, running(10), ready_for=5)
    check(world, world.wait_for(Reason.ROUTING, namespace), Reason.ROUTING)
    report(world.api, namespace, running(900), ready_for=600)
    check(world, world.wait_for(Reason.NOT_ROUTED, namespace), Reason.NOT_ROUTED)
    world.ingress.unrouted.clear()
    nudge = {"metadata": {"labels": {"looked": "again"}}}  # it would look by itself too, in a quarter of a minute
    world.api.merge(f"{path_of('InkService', namespace)}/shop", nudge)
    found = world.wait_for(Reason.READY, namespace)
    check(world, found, Reason.READY, fine=True)
    reasons = {c["type"]: c["reason"] for c in found["status"]["conditions"]}
    assert reasons == {
        "SourceResolved": Reason.NOT_NEEDED,
        "Built": Reason.NOT_NEEDED,
        "Released": Reason.NOT_NEEDED,
        "Deployed": Reason.DEPLOYED,
        "Routed": Reason.ANSWERING,
        "Available": Reason.DEPLOYED,
        "Ready": Reason.READY,
    }
    events = eventually(
        lambda: told(world.api, namespace) if any(e[1] == Reason.READY for e in told(world.api, namespace)) else None,
        within=20,
        what="the events are there",
    )
    assert sorted(events) == sorted(
        [
            ("Normal", Reason.SUSPENDED),
            ("Warning", Reason.CRASH_LOOPING),
            ("Warning", Reason.NOT_ROUTED),
            ("Normal", Reason.READY),
        ]
    )


def told(api: KubeApi, namespace: str) -> list[tuple[str, str]]:
    """Type and reason of every event about a service, each as often as it was told."""
    items = api.get(f"/api/v1/namespaces/{namespace}/events?fieldSelector=involvedObject.kind=InkService")["items"]
    return [(item["type"], item["reason"]) for item in items for _ in range(item.get("count") or 1)]


def test_a_deletion_is_terminating_until_it_is_over(world: PlayedWorld, namespace: str) -> None:
    one = f"{path_of('InkService', namespace)}/shop"
    world.create(namespace)
    world.wait_for(Reason.DEPLOYING, namespace)
    world.api.merge(one, {"metadata": {"finalizers": ["ml.ink/cleanup", "example.com/holds"]}})
    world.api.delete(one)
    eventually(
        lambda: world.found(namespace)["metadata"]["finalizers"] == ["example.com/holds"],
        within=WITHIN_SECONDS,
        what="Ink has let go",
        state=world.operator.tail,
    )
    assert world.kstatus.one(world.found(namespace)) == "Terminating"
    world.api.merge(one, {"metadata": {"finalizers": None}})


@pytest.mark.full
def test_pods_of_which_nothing_is_heard(world: PlayedWorld, namespace: str) -> None:
    """The last resort, three minutes on: no node, no event and no status says why."""
    world.create(namespace, health={"type": "TCP", "startupGrace": "1s"})
    reason = Reason.PROGRESS_DEADLINE_EXCEEDED
    found = eventually(
        lambda: f if condition(f := world.found(namespace), "Ready").get("reason") == reason else None,
        within=400,
        what="the deadline is over",
        state=world.operator.tail,
    )
    check(world, found, reason)


@pytest.mark.parametrize("reason", NO_PLACE)
def test_a_pod_that_no_node_takes(world: PlayedWorld, without_place: dict[Reason, str], reason: Reason) -> None:
    """After half a minute: a node or a disk may be on its way until then."""
    check(world, world.wait_for(reason, without_place[reason]), reason)
