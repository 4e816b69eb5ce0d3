"""Reasons of cron jobs: the CronJob's own controller starts the runs, and the test plays the node."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from ink_api.reasons import Reason
from support.control_plane import ControlPlane
from support.kstatus import Kstatus
from support.kube_api import Json, KubeApi, managed_namespace
from support.platform import condition
from support.played_world import WITHIN_SECONDS, PlayedWorld, played_world
from support.reporting import terminated, waiting
from support.specs import path_of
from support.waiting import eventually

EVERY_MINUTE = {"schedule": "* * * * *", "retries": 0}
STARTS_SECONDS = 150
"""The next full minute, and a machine that is busy."""


@pytest.fixture(scope="module")
def world(
    control_plane: ControlPlane, kstatus: Kstatus, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PlayedWorld]:
    with played_world(control_plane, kstatus, tmp_path_factory.mktemp("operator")) as made:
        yield made


@pytest.fixture(scope="module", autouse=True)
def spaces(world: PlayedWorld) -> dict[Reason, str]:
    """A service each in a namespace of its own, made first: the minute is waited for once."""
    names = {}
    for reason in (Reason.RUN_SUCCEEDED, Reason.RUN_FAILED, Reason.IMAGE_PULL_FAILED):
        names[reason] = f"cron-{secrets.token_hex(4)}"
        managed_namespace(world.api, names[reason])
        world.create(names[reason], cron=EVERY_MINUTE)
    return names


def run_of(api: KubeApi, namespace: str) -> Json:
    """A pod of a run, once the schedule has started one."""

    def there() -> Json | None:
        pods = api.get(f"/api/v1/namespaces/{namespace}/pods?labelSelector=ml.ink/component=cron")["items"]
        return next((p for p in pods if p["status"].get("phase") == "Pending"), None)

    return eventually(there, within=STARTS_SECONDS, what="a run is started")


def says(api: KubeApi, pod: Json, phase: str, container: Json) -> None:
    """What the kubelet would."""
    fixed = {"name": "app", "image": pod["spec"]["containers"][0]["image"], "imageID": "", "ready": False}
    path = "/api/v1/namespaces/{namespace}/pods/{name}/status".format(**pod["metadata"])
    api.merge(path, {"status": {"phase": phase, "containerStatuses": [{**fixed, **container}]}})


@pytest.mark.parametrize(
    ("reason", "phase", "code"), [(Reason.RUN_SUCCEEDED, "Succeeded", 0), (Reason.RUN_FAILED, "Failed", 3)]
)
def test_the_last_run_is_told_and_the_schedule_stays_ready(
    world: PlayedWorld, spaces: dict[Reason, str], reason: Reason, phase: str, code: int
) -> None:
    namespace = spaces[reason]
    ended = {"state": {"terminated": terminated(code)}, "restartCount": 0}
    says(world.api, run_of(world.api, namespace), phase, ended)
    eventually(
        lambda: condition(world.found(namespace), "LastRunSucceeded").get("reason") == reason,
        within=WITHIN_SECONDS,
        what=f"the last run is {reason}",
        state=world.operator.tail,
    )
    found = world.wait_for(Reason.READY, namespace)
    assert condition(found, "LastRunSucceeded")["status"] == ("False" if code else "True")
    assert world.kstatus.one(found) == "Current"


def test_a_run_that_waits_for_its_image_is_told_at_once_and_a_mended_one_does_not_wait_for_it(
    world: PlayedWorld, spaces: dict[Reason, str]
) -> None:
    """By the policy Forbid it would keep every later run from starting until its time is over, an hour."""
    namespace = spaces[Reason.IMAGE_PULL_FAILED]
    pod = run_of(world.api, namespace)
    says(world.api, pod, "Pending", waiting("ImagePullBackOff"))
    found = world.wait_for(Reason.IMAGE_PULL_FAILED, namespace)
    assert "no other run starts" in condition(found, "Ready")["message"]
    assert world.kstatus.one(found) == "Failed"
    (run,) = pod["metadata"]["ownerReferences"]
    jobs = f"/apis/batch/v1/namespaces/{namespace}/jobs"
    assert world.api.find(f"{jobs}/{run['name']}"), "its image may still come"
    mended = {"spec": {"source": {"image": {"ref": "registry.example.com/shop:2"}}}}
    world.api.merge(f"{path_of('InkService', namespace)}/shop", mended)
    world.wait_for(Reason.READY, namespace)
    eventually(
        lambda: world.api.find(f"{jobs}/{run['name']}") is None, within=WITHIN_SECONDS, what="the stuck run goes"
    )
    newer = run_of(world.api, namespace)
    assert newer["spec"]["containers"][0]["image"] == "registry.example.com/shop:2"
