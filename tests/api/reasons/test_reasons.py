"""Reasons as they come about: the operator, a real API server with its controllers, and a test that plays the node.

Every one is read by kstatus too. Builds have theirs in tests/contract and tests/e2e, with a real BuildKit.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from api.reasons.causes import BY_POD, BY_SPEC, DISK, Prepare
from api.workload.cron_runs import CronRuns, cron_runs
from ink_api.reasons import PROGRESS, Reason, remedy
from support.cluster.control_plane import ControlPlane
from support.cluster.kube_api import Json, KubeApi, managed_namespace
from support.gitops.kstatus import Kstatus
from support.outside.platform import condition
from support.played.node import report, running, terminated, waiting
from support.played.world import WITHIN_SECONDS, PlayedWorld, played_world
from support.resources.specs import path_of
from support.waiting import eventually


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


@pytest.fixture(scope="module", autouse=True)
def runs(world: PlayedWorld) -> Iterator[CronRuns]:
    """Begun first, for minutes pass; they are awaited last."""
    with cron_runs(world) as begun:
        yield begun


def check(world: PlayedWorld, found: Json, reason: Reason, *, fine: bool = False) -> None:
    """Ready, the two roll-ups, the remedy and kstatus agree."""
    stated = {c["type"]: c for c in found["status"]["conditions"]}
    moving = reason in PROGRESS
    assert ("Reconciling" in stated, "Stalled" in stated) == (moving, not moving and not fine)
    assert remedy(reason) in stated["Ready"]["message"]
    assert world.kstatus.one(found) == ("Current" if fine else "InProgress" if moving else "Failed")
    assert all(c["observedGeneration"] == found["metadata"]["generation"] for c in stated.values())


@pytest.mark.parametrize(
    ("reason", "spec", "prepare"), [pytest.param(r, s, p, id=f"{r}: {name}") for r, name, s, p in BY_SPEC]
)
def test_a_spec_or_a_namespace_brings_a_reason(
    world: PlayedWorld, namespace: str, reason: Reason, spec: Json, prepare: Prepare
) -> None:
    prepare(world.api, namespace)
    world.create(namespace, **spec)
    check(world, world.wait_for(reason, namespace), reason)


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


@pytest.mark.parametrize("reason", [Reason.RUN_SUCCEEDED, Reason.RUN_FAILED])
def test_the_last_run_is_told_and_the_schedule_stays_ready(runs: CronRuns, reason: Reason) -> None:
    runs.stories[reason].result()


def test_a_run_that_waits_for_its_image_is_told_at_once_and_a_mended_one_does_not_wait_for_it(runs: CronRuns) -> None:
    runs.stories[Reason.IMAGE_PULL_FAILED].result()
