"""The operator against a real API server: it converges, rests, and survives its own death at any write."""

from __future__ import annotations

import difflib
import os
import random

import pytest
from api.operator_world import CHILDREN, CRS, World, settled
from support.control_plane import ControlPlane
from support.kube_api import managed_namespace
from support.recording_proxy import Moment
from support.waiting import eventually, stays

SEED = os.environ.get("INK_TEST_SEED") or str(random.SystemRandom().randrange(10**6))
SAMPLED = 3
WRITES_AT_MOST = 40
"""More writes than this for one small service would be a fault of its own."""


def test_a_service_converges_and_then_nothing_is_written(running: World, namespace: str) -> None:
    running.create(namespace, "shop")
    running.wait_ready(namespace, "shop")
    eventually(lambda: settled(running), within=20, what="the last writes are over")
    running.proxy.forget()
    stays(lambda: running.proxy.writes == [], seconds=8, what="no write")


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
    # How often the status is written depends on how fast the pods come: the last writes may not be reached.
    eventually(
        lambda: not world.operator.is_running or world.is_ready(namespace, "shop"),
        within=60,
        what=f"it dies at {point}",
        state=world.operator.tail,
    )
    world.proxy.disarm()
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
