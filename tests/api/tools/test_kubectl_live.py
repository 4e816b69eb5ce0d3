"""kubectl beside a running operator: wait, scale, describe, and every example answered."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from ink_api.reasons import Reason, remedy
from support.cluster.control_plane import ROOT, ControlPlane
from support.cluster.kube_api import Json, managed_namespace
from support.cluster.kubectl import Kubectl
from support.gitops.kstatus import Kstatus
from support.outside.platform import condition
from support.played.node import report, running
from support.played.world import PlayedWorld, played_world
from support.resources.specs import path_of
from support.waiting import eventually

EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))


@pytest.fixture(scope="module")
def world(
    control_plane: ControlPlane, kstatus: Kstatus, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PlayedWorld]:
    with played_world(control_plane, kstatus, tmp_path_factory.mktemp("operator")) as made:
        yield made


@pytest.fixture
def kubectl(control_plane: ControlPlane) -> Kubectl:
    return control_plane.kubectl


def live(world: PlayedWorld, namespace: str) -> None:
    """Say of all pods that they are ready, and wait until the newest spec is live."""

    def ready() -> bool:
        report(world.api, namespace, running(60), ready_for=30)
        found = world.found(namespace)
        stated = condition(found, "Ready")
        return stated.get("reason") == Reason.READY and stated["observedGeneration"] == found["metadata"]["generation"]

    eventually(ready, within=60, what=f"{namespace} is live", state=world.operator.tail)


def test_wait_ends_when_the_newest_spec_is_live(world: PlayedWorld, kubectl: Kubectl, namespace: str) -> None:
    wait = ("wait", "inksvc/shop", "-n", namespace, "--for=condition=Ready")
    world.create(namespace)
    waiting = subprocess.Popen(kubectl.argv(*wait, "--timeout=60s"), stdout=subprocess.PIPE, text=True)
    live(world, namespace)
    said, _ = waiting.communicate(timeout=60)
    assert (waiting.returncode, said) == (0, "inkservice.ml.ink/shop condition met\n")
    world.api.merge(f"{path_of('InkService', namespace)}/shop", {"spec": {"args": ["--other"]}})
    assert kubectl.attempt(*wait, "--timeout=2s").returncode == 1, "Ready of the spec before does not count"


def test_scale_reaches_the_pods_and_is_told_back(world: PlayedWorld, kubectl: Kubectl, namespace: str) -> None:
    world.create(namespace)
    live(world, namespace)
    kubectl.run("scale", "inksvc/shop", "-n", namespace, "--replicas=3", "--current-replicas=1")
    live(world, namespace)
    deployment = world.api.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/shop")
    scale = world.api.get(f"{path_of('InkService', namespace)}/shop/scale")
    assert (deployment["spec"]["replicas"], scale["status"]["replicas"]) == (3, 3)
    chosen = world.api.get(f"/api/v1/namespaces/{namespace}/pods?labelSelector={scale['status']['selector']}")
    assert len(chosen["items"]) == 3
    kubectl.run("scale", "inksvc/shop", "-n", namespace, "--replicas=0")
    found = world.wait_for(Reason.SUSPENDED, namespace)
    assert (condition(found, "Ready")["status"], condition(found, "Available")["status"]) == ("True", "False")


def test_describe_tells_what_to_do(world: PlayedWorld, kubectl: Kubectl, namespace: str) -> None:
    world.create(namespace, mode="OnDemand")
    world.wait_for(Reason.NOT_IMPLEMENTED, namespace)
    said = eventually(
        lambda: (
            text if "Events:  <none>" not in (text := kubectl.run("describe", "inksvc/shop", "-n", namespace)) else ""
        ),
        within=20,
        what="the event is there",
    )
    assert remedy(Reason.NOT_IMPLEMENTED) in said
    assert "Warning" in said.split("Events:")[1]
    assert "NotImplemented" in said.split("Events:")[1]


def test_delete_waits_until_everything_is_gone(world: PlayedWorld, kubectl: Kubectl, namespace: str) -> None:
    world.create(namespace)
    world.wait_for(Reason.DEPLOYING, namespace)
    kubectl.run("delete", "inksvc/shop", "-n", namespace, "--timeout=60s")
    assert world.api.get(f"{path_of('InkService', namespace)}")["items"] == []


@pytest.fixture(scope="module")
def answered(world: PlayedWorld) -> dict[str, str]:
    """Every example at once, each in a namespace and, since many are called `shop`, under a host of its own."""
    spaces, run = {}, secrets.token_hex(3)
    for path in EXAMPLES:
        namespace = spaces[path.name] = f"{path.stem}-{run}"
        example = yaml.safe_load(path.read_text())
        if example["kind"] == "InkService":
            example["spec"]["subdomain"] = namespace
        managed_namespace(world.api, namespace)
        world.api.create(path_of(example["kind"], namespace), example)
    return spaces


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_answered(world: PlayedWorld, answered: dict[str, str], path: Path) -> None:
    """Whatever comes of it here, without images and nodes: the status speaks of it, and kstatus is never misled."""
    example = yaml.safe_load(path.read_text())
    kind, one = example["kind"], f"{path_of(example['kind'], answered[path.name])}/{example['metadata']['name']}"

    def seen() -> Json | None:
        found = world.api.get(one)
        return found if found["status"]["observedGeneration"] == found["metadata"]["generation"] else None

    found = eventually(seen, within=60, what=f"{path.name} is seen", state=world.operator.tail)
    ready = condition(found, "Ready")
    spec = example["spec"]
    asleep, scheduled = spec.get("suspend", False), "cron" in spec
    # A schedule is ready when it is in place, which may be the case by now; nothing else runs here.
    assert (ready["status"] == "True") == asleep or scheduled, ready
    done, stalled = ready["status"] == "True", bool(condition(found, "Stalled"))
    assert world.kstatus.one(found) == ("Current" if done else "Failed" if stalled else "InProgress")
    if kind != "InkService":
        assert ready["reason"] == Reason.NOT_IMPLEMENTED
