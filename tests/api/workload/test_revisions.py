"""Revisions and release commands against a real API server: what is recorded, kept, and never done twice."""

from __future__ import annotations

import random

import pytest
from ink_api.reasons import Reason
from support.cluster.kube_api import Json, Refused, managed_namespace
from support.operating.engine import CRS, SEED, Engine
from support.operating.recording_proxy import Moment
from support.outside.platform import condition
from support.waiting import eventually, stays

SAMPLED = 3
IMAGES = ["registry.example.com/shop@sha256:" + digit * 64 for digit in "123"]
RECORDS = "/apis/apps/v1/namespaces/{}/controllerrevisions"
JOBS = "/apis/batch/v1/namespaces/{}/jobs"


def one(namespace: str) -> str:
    return f"{CRS.format(namespace)}/shop"


def deploy(world: Engine, namespace: str, image: str, **spec: object) -> None:
    """The image, live."""
    world.api.merge(one(namespace), {"spec": {"source": {"image": {"ref": image}}, **spec}})
    world.wait_ready(namespace, "shop")


def history(world: Engine, namespace: str) -> list[tuple[int, str, str | None, bool]]:
    """(number, image, reason, active) as the status has them."""
    found = world.service(namespace, "shop") or {}
    revisions = found.get("status", {}).get("revisions", [])
    return [(r["number"], r.get("image", ""), r.get("reason"), r["active"]) for r in revisions]


def wait_history(world: Engine, namespace: str, *expected: tuple[int, str, str | None, bool]) -> None:
    eventually(
        lambda: history(world, namespace) == list(expected),
        within=30,
        what=f"the history {expected}",
        state=lambda: f"{history(world, namespace)}\n{world.operator.tail()}",
    )


def image(world: Engine, namespace: str) -> str:
    workload = world.api.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/shop")
    return str(workload["spec"]["template"]["spec"]["containers"][0]["image"])


def items(world: Engine, path: str, namespace: str) -> list[Json]:
    found: list[Json] = world.api.get(path.format(namespace))["items"]
    return found


def test_each_revision_is_recorded_and_what_is_rolled_back_to_becomes_the_newest(
    running: Engine, namespace: str
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
    running.rest()
    running.proxy.forget()
    stays(lambda: running.proxy.writes == [], seconds=5, what="no write")


def test_a_record_belongs_to_the_service_and_its_data_never_changes(running: Engine, namespace: str) -> None:
    running.create(namespace, "shop")
    running.wait_ready(namespace, "shop")
    (record,) = items(running, RECORDS, namespace)
    service = running.service(namespace, "shop") or {}
    assert [owner["uid"] for owner in record["metadata"]["ownerReferences"]] == [service["metadata"]["uid"]]
    path = f"{RECORDS.format(namespace)}/{record['metadata']['name']}"
    with pytest.raises(Refused, match="immutable"):
        running.api.merge(path, {"data": {"image": "other"}})


def test_a_lost_status_changes_nothing_but_the_next_report(running: Engine, namespace: str) -> None:
    running.create(namespace, "shop")
    running.wait_ready(namespace, "shop")
    deploy(running, namespace, IMAGES[1])
    wait_history(running, namespace, (2, IMAGES[1], "Deployed", True), (1, IMAGES[0], "Deployed", False))
    running.rest()
    before, told = running.children(namespace, "shop"), history(running, namespace)
    status = (running.service(namespace, "shop") or {})["status"]
    running.proxy.forget()
    running.api.merge(f"{one(namespace)}/status", {"status": dict.fromkeys(status)})
    running.wait_ready(namespace, "shop")
    running.rest()
    assert running.children(namespace, "shop") == before
    assert history(running, namespace) == told


def test_the_release_command_comes_before_traffic_and_a_failure_keeps_it_where_it_was(
    running: Engine, namespace: str
) -> None:
    first, second, _ = IMAGES
    running.create(namespace, "shop", release={"command": ["exit", "0"]})
    running.wait_ready(namespace, "shop")
    (job,) = items(running, JOBS, namespace)
    service = running.service(namespace, "shop") or {}
    assert condition(service, "Released")["reason"] == Reason.RELEASED
    spec = {"source": {"image": {"ref": second}}, "release": {"command": ["exit", "3", "no", "such", "table"]}}
    running.api.merge(one(namespace), {"spec": spec})

    def failed() -> bool:
        found = running.service(namespace, "shop") or {}
        return condition(found, "Ready").get("reason") == Reason.RELEASE_FAILED

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


def test_a_command_that_takes_too_long_has_failed(running: Engine, namespace: str) -> None:
    first, second, _ = IMAGES
    running.create(namespace, "shop")
    running.wait_ready(namespace, "shop")
    running.change(
        namespace, "shop", source={"image": {"ref": second}}, release={"command": ["sleep"], "timeout": "5s"}
    )

    def says(reason: Reason) -> bool:
        return condition(running.service(namespace, "shop") or {}, "Ready").get("reason") == reason

    eventually(lambda: says(Reason.RELEASING), within=30, what="it runs", state=running.operator.tail)
    assert image(running, namespace) == first
    eventually(lambda: says(Reason.RELEASE_FAILED), within=60, what="it has failed", state=running.operator.tail)
    assert "within 5 s" in condition(running.service(namespace, "shop") or {}, "Released")["message"]
    assert image(running, namespace) == first


def test_a_deletion_takes_records_and_release_jobs_along(running: Engine, namespace: str) -> None:
    running.create(namespace, "shop", release={"command": ["exit", "0"]})
    running.wait_ready(namespace, "shop")
    assert items(running, RECORDS, namespace)
    assert items(running, JOBS, namespace)
    running.api.delete(one(namespace))
    running.wait_gone(namespace, "shop")
    assert items(running, RECORDS, namespace) == []
    assert items(running, JOBS, namespace) == []


def update(world: Engine, namespace: str) -> None:
    """The next image, with a release command of its own."""
    spec = {"source": {"image": {"ref": IMAGES[1]}}, "release": {"command": ["exit", "0", "again"]}}
    world.api.merge(one(namespace), {"spec": spec})


def end_of(world: Engine, namespace: str) -> tuple[list[str], list[tuple[int, str, str | None, bool]], int]:
    """What an update left: children, history, and how many release Jobs."""
    world.wait_ready(namespace, "shop")
    wait_history(world, namespace, (2, IMAGES[1], "Deployed", True), (1, IMAGES[0], "Deployed", False))
    return world.children(namespace, "shop"), history(world, namespace), len(items(world, JOBS, namespace))


def test_dying_at_a_write_of_an_update_releases_and_records_the_same(running: Engine, namespace: str) -> None:
    """A sample of the points; tests/scenarios takes them all, in memory."""
    command = {"release": {"command": ["exit", "0"]}}
    running.create(namespace, "shop", **command)
    running.wait_ready(namespace, "shop")
    running.rest()
    running.proxy.forget()
    update(running, namespace)
    expected = end_of(running, namespace)
    count = len(running.proxy.writes)
    print(f"INK_TEST_SEED={SEED}, {count} writes")
    points = [(write, moment) for write in range(1, count + 1) for moment in Moment]
    for number, point in enumerate(random.Random(SEED).sample(points, SAMPLED)):
        fresh = f"{namespace}-{number}"
        managed_namespace(running.api, fresh)
        running.create(fresh, "shop", **command)
        running.wait_ready(fresh, "shop")
        running.rest()
        running.proxy.at_write(*point, running.operator.kill)
        update(running, fresh)
        assert end_of(running, fresh) == expected, f"killed at {point}"
