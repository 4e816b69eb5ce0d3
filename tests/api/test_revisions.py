"""Revisions and release commands against a real API server: what is recorded, kept, and never done twice."""

from __future__ import annotations

import random

import pytest
from api.operator_world import CRS, World, settled
from support.engine import SEED
from support.kube_api import Json, Refused, managed_namespace
from support.platform import condition
from support.recording_proxy import Moment
from support.waiting import eventually, stays

SAMPLED = 3
IMAGES = ["registry.example.com/shop@sha256:" + digit * 64 for digit in "123"]
RECORDS = "/apis/apps/v1/namespaces/{}/controllerrevisions"
JOBS = "/apis/batch/v1/namespaces/{}/jobs"


def one(namespace: str) -> str:
    return f"{CRS.format(namespace)}/shop"


def deploy(world: World, namespace: str, image: str, **spec: object) -> None:
    """The image, live."""
    world.api.merge(one(namespace), {"spec": {"source": {"image": {"ref": image}}, **spec}})
    world.wait_ready(namespace, "shop")


def history(world: World, namespace: str) -> list[tuple[int, str, str | None, bool]]:
    """(number, image, reason, active) as the status has them."""
    found = world.service(namespace, "shop") or {}
    revisions = found.get("status", {}).get("revisions", [])
    return [(r["number"], r.get("image", ""), r.get("reason"), r["active"]) for r in revisions]


def wait_history(world: World, namespace: str, *expected: tuple[int, str, str | None, bool]) -> None:
    eventually(
        lambda: history(world, namespace) == list(expected),
        within=30,
        what=f"the history {expected}",
        state=lambda: f"{history(world, namespace)}\n{world.operator.tail()}",
    )


def image(world: World, namespace: str) -> str:
    workload = world.api.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/shop")
    return str(workload["spec"]["template"]["spec"]["containers"][0]["image"])


def items(world: World, path: str, namespace: str) -> list[Json]:
    found: list[Json] = world.api.get(path.format(namespace))["items"]
    return found


def test_each_revision_is_recorded_and_what_is_rolled_back_to_becomes_the_newest(
    running: World, namespace: str
) -> None:
    first, second, _ = IMAGES
    running.create(namespace, "shop")
    running.wait_ready(namespace, "shop")
    deploy(running, namespace, second)
    wait_history(running, namespace, (2, second, "Deployed", True), (1, first, "Deployed", False))
    names = {record["metadata"]["name"] for record in items(running, RECORDS, namespace)}
    deploy(running, namespace, first)
    wait_history(running, namespace, (3, first, "Deployed", True), (2, second, "Deployed", False))
    assert {record["metadata"]["name"] for record in items(running, RECORDS, namespace)} == names
    eventually(lambda: settled(running), within=20, what="the last writes are over")
    running.proxy.forget()
    stays(lambda: running.proxy.writes == [], seconds=5, what="no write")


def test_a_record_belongs_to_the_service_and_its_data_never_changes(running: World, namespace: str) -> None:
    running.create(namespace, "shop")
    running.wait_ready(namespace, "shop")
    (record,) = items(running, RECORDS, namespace)
    service = running.service(namespace, "shop") or {}
    assert [owner["uid"] for owner in record["metadata"]["ownerReferences"]] == [service["metadata"]["uid"]]
    path = f"{RECORDS.format(namespace)}/{record['metadata']['name']}"
    with pytest.raises(Refused, match="immutable"):
        running.api.merge(path, {"data": {"image": "other"}})


def test_a_lost_status_changes_nothing_but_the_next_report(running: World, namespace: str) -> None:
    running.create(namespace, "shop")
    running.wait_ready(namespace, "shop")
    deploy(running, namespace, IMAGES[1])
    wait_history(running, namespace, (2, IMAGES[1], "Deployed", True), (1, IMAGES[0], "Deployed", False))
    eventually(lambda: settled(running), within=20, what="the last writes are over")
    before, told = running.children(namespace, "shop"), history(running, namespace)
    status = (running.service(namespace, "shop") or {})["status"]
    running.proxy.forget()
    running.api.merge(f"{one(namespace)}/status", {"status": dict.fromkeys(status)})
    running.wait_ready(namespace, "shop")
    eventually(lambda: settled(running), within=20, what="the last writes are over")
    assert running.children(namespace, "shop") == before
    assert history(running, namespace) == told


def test_the_release_command_comes_before_traffic_and_a_failure_keeps_it_where_it_was(
    running: World, namespace: str
) -> None:
    first, second, _ = IMAGES
    running.create(namespace, "shop", release={"command": ["exit", "0"]})
    running.wait_ready(namespace, "shop")
    (job,) = items(running, JOBS, namespace)
    service = running.service(namespace, "shop") or {}
    assert condition(service, "Released")["reason"] == "Released"
    spec = {"source": {"image": {"ref": second}}, "release": {"command": ["exit", "3", "no", "such", "table"]}}
    running.api.merge(one(namespace), {"spec": spec})

    def failed() -> bool:
        found = running.service(namespace, "shop") or {}
        return condition(found, "Ready").get("reason") == "ReleaseFailed"

    eventually(failed, within=60, what="the failure is told", state=running.operator.tail)
    found = running.service(namespace, "shop") or {}
    assert "exit code 3.\nno such table" in condition(found, "Released")["message"]
    assert condition(found, "Available")["status"] == "True"
    assert image(running, namespace) == first
    wait_history(running, namespace, (2, second, "ReleaseFailed", True), (1, first, "Deployed", False))
    (again,) = items(running, JOBS, namespace)
    assert again["metadata"]["uid"] != job["metadata"]["uid"]

    running.api.delete(f"{JOBS.format(namespace)}/{again['metadata']['name']}?propagationPolicy=Background")
    running.api.merge(one(namespace), {"spec": {"replicas": 2}})
    stays(lambda: items(running, JOBS, namespace) == [], seconds=4, what="no second run of what failed")

    running.api.merge(one(namespace), {"spec": {"release": {"command": ["exit", "0"]}}})
    running.wait_ready(namespace, "shop")
    assert image(running, namespace) == second
    wait_history(running, namespace, (2, second, "Deployed", True), (1, first, "Deployed", False))


def test_a_deletion_takes_records_and_release_jobs_along(running: World, namespace: str) -> None:
    running.create(namespace, "shop", release={"command": ["exit", "0"]})
    running.wait_ready(namespace, "shop")
    assert items(running, RECORDS, namespace)
    assert items(running, JOBS, namespace)
    running.api.delete(one(namespace))
    eventually(
        lambda: running.service(namespace, "shop") is None,
        within=60,
        what="the custom resource is gone",
        state=running.operator.tail,
    )
    assert items(running, RECORDS, namespace) == []
    assert items(running, JOBS, namespace) == []


def update(world: World, namespace: str) -> None:
    """The next image, with a release command of its own."""
    spec = {"source": {"image": {"ref": IMAGES[1]}}, "release": {"command": ["exit", "0", "again"]}}
    world.api.merge(one(namespace), {"spec": spec})


def end_of(world: World, namespace: str) -> tuple[list[str], list[tuple[int, str, str | None, bool]], int]:
    """What an update left: children, history, and how many release Jobs."""
    world.wait_ready(namespace, "shop")
    wait_history(world, namespace, (2, IMAGES[1], "Deployed", True), (1, IMAGES[0], "Deployed", False))
    return world.children(namespace, "shop"), history(world, namespace), len(items(world, JOBS, namespace))


def test_dying_at_a_write_of_an_update_releases_and_records_the_same(running: World, namespace: str) -> None:
    """A sample of the points; tests/faults takes them all, in memory."""
    command = {"release": {"command": ["exit", "0"]}}
    running.create(namespace, "shop", **command)
    running.wait_ready(namespace, "shop")
    eventually(lambda: settled(running), within=20, what="the last writes are over")
    running.proxy.forget()
    update(running, namespace)
    expected = end_of(running, namespace)
    count = len(running.proxy.writes)
    print(f"INK_TEST_SEED={SEED}, {count} writes")
    points = [(number, moment) for number in range(1, count - 1) for moment in Moment]
    for number, point in enumerate(random.Random(SEED).sample(points, SAMPLED)):
        fresh = f"{namespace}-{number}"
        managed_namespace(running.api, fresh)
        running.create(fresh, "shop", **command)
        running.wait_ready(fresh, "shop")
        eventually(lambda: settled(running), within=20, what="the last writes are over")
        running.proxy.at_write(*point, running.operator.kill)
        update(running, fresh)
        eventually(lambda: not running.operator.is_running, within=60, what=f"it dies at {point}")
        running.operator.start()
        assert end_of(running, fresh) == expected, f"killed at {point}"
