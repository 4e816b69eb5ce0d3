"""The release command runs before traffic moves to a new revision, and a failure keeps the old one serving."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ink_operator.core.objects import CONTROLLER_REVISION, DEPLOYMENT, JOB, POD, Manifest
from ink_operator.ports import Head
from ink_operator.settings import Pool
from scenarios.test_memory import forget, history, image
from scenarios.world import COMMIT, World, digest_of, git_spec

NEXT = "b" * 40
COMMAND = ["python", "manage.py", "migrate"]


def jobs(world: World) -> list[Manifest]:
    """Release Jobs that are there."""
    return [job for job in world.of(JOB) if job["metadata"]["labels"]["ml.ink/component"] == "release"]


def runs(world: World) -> list[str]:
    """Names of all release Jobs there ever were."""
    return [name for name in world.jobs_made if not name.startswith("b-")]


def message(world: World) -> str:
    return next(c.message for c in world.status.conditions if c.type == "Released")


async def releasing(world: World, commit: str = NEXT) -> World:
    """A live service whose next commit is built, and whose release command runs and does not end."""
    await world.settle()
    world.release = None
    world.change(release={"command": COMMAND})
    world.branch = Head(commit)
    return await world.settle()


async def test_traffic_moves_after_the_command_has_succeeded() -> None:
    world = await releasing(World())
    assert image(world).endswith(digest_of(COMMIT))
    assert world.condition("Released") == ("Unknown", "Releasing")
    assert world.condition("Ready") == ("Unknown", "Releasing")
    assert world.condition("Available")[0] == "True"
    world.end_release(0)
    await world.settle()
    assert image(world).endswith(digest_of(NEXT))
    assert world.condition("Released") == ("True", "Released")
    assert world.condition("Ready") == ("True", "Ready")
    assert len(runs(world)) == 1


async def test_the_first_revision_is_released_before_anything_runs() -> None:
    world = World(git_spec(release={"command": COMMAND}))
    world.release = None
    await world.settle()
    assert world.of(DEPLOYMENT) == []
    assert len(jobs(world)) == 1
    world.end_release(0)
    await world.settle()
    assert world.condition("Ready") == ("True", "Ready")


async def test_a_failure_keeps_the_old_revision_and_says_the_last_lines() -> None:
    world = await releasing(World())
    world.end_release(3, "starting\nno such table: users")
    await world.settle()
    assert image(world).endswith(digest_of(COMMIT))
    assert world.condition("Ready") == ("False", "ReleaseFailed")
    assert world.condition("Stalled") == ("True", "ReleaseFailed")
    assert world.condition("Available")[0] == "True"
    assert "exit code 3" in message(world)
    assert "no such table: users" in message(world)
    assert history(world) == [(2, "b", "ReleaseFailed", True), (1, "a", "Deployed", False)]


async def test_a_failure_is_remembered_without_its_job_and_not_tried_again() -> None:
    world = await releasing(World())
    world.end_release(3, "no such table")
    await world.settle()
    told, before = message(world), list(world.jobs_made)
    forget(world, JOB)
    world.change(replicas=2)
    await world.settle()
    assert world.jobs_made == before
    assert message(world) == told
    (deployment,) = world.of(DEPLOYMENT)
    assert deployment["spec"]["replicas"] == 2


@pytest.mark.parametrize(
    "change",
    [
        {"release": {"command": ["true"]}},
        {"release": {"timeout": "1h"}},
        {"restartedAt": "now"},
        {"env": [{"name": "A", "value": "1"}]},
        {"rebuildToken": "again"},
    ],
    ids="-".join,
)
async def test_a_failed_command_is_tried_again_when_something_changed(change: dict[str, Any]) -> None:
    world = await releasing(World())
    world.end_release(3)
    await world.settle()
    world.release = {"exitCode": 0}
    world.change(**change)
    await world.settle()
    assert len(runs(world)) == 2
    assert image(world).endswith(digest_of(NEXT))
    assert world.condition("Ready") == ("True", "Ready")


async def test_what_has_succeeded_is_never_run_again() -> None:
    world = await releasing(World())
    world.end_release(0)
    await world.settle()
    forget(world, JOB)
    world.cr()["status"] = {}
    await world.settle()
    world.change(source={"git": {"commit": COMMIT}})
    await world.settle()
    assert image(world).endswith(digest_of(COMMIT))
    world.change(source={"git": {"commit": None}}, release={"command": ["other"]})
    await world.settle()
    assert image(world).endswith(digest_of(NEXT))
    forget(world, DEPLOYMENT)
    await world.settle()
    assert len(runs(world)) == 1
    assert world.condition("Ready") == ("True", "Ready")


async def test_what_comes_back_under_a_newer_operator_is_not_released_again() -> None:
    world = await releasing(World())
    world.end_release(0)
    await world.settle()
    world.release = None
    world.settings = replace(world.settings, run_pool=Pool({"disk": "fast"}))
    forget(world, DEPLOYMENT)
    await world.settle()
    assert image(world).endswith(digest_of(NEXT))
    assert len(runs(world)) == 1


async def test_a_service_that_gains_a_command_runs_it_with_its_next_revision() -> None:
    world = await World().settle()
    world.change(release={"command": COMMAND})
    await world.settle()
    assert runs(world) == []
    assert world.condition("Released") == ("True", "NotNeeded")
    assert world.condition("Ready") == ("True", "Ready")


async def test_a_suspended_service_is_released_when_it_is_wanted_again() -> None:
    world = await releasing(World(git_spec(suspend=True)))
    world.release = {"exitCode": 0}
    await world.settle()
    assert runs(world) == []
    world.change(suspend=False)
    await world.settle()
    assert len(runs(world)) == 1
    assert world.condition("Ready") == ("True", "Ready")


async def test_a_new_revision_waits_for_the_command_of_the_one_before() -> None:
    world = await releasing(World())
    world.branch = Head("c" * 40)
    await world.settle()
    assert len(jobs(world)) == 1
    assert "earlier revision" in message(world)
    world.end_release(0)
    await world.settle()
    assert len(runs(world)) == 2
    assert image(world).endswith(digest_of("c" * 40))
    released = [r for r in world.of(CONTROLLER_REVISION) if "ml.ink/release" in r["metadata"]["annotations"]]
    assert len(released) == 2


async def test_the_job_has_the_service_s_variables_and_limits_and_serves_nothing() -> None:
    world = World(git_spec(env=[{"name": "A", "value": "1"}], args=["x"]))
    await releasing(world)
    (job,) = jobs(world)
    (deployment,) = world.of(DEPLOYMENT)
    pod, app = job["spec"]["template"]["spec"], deployment["spec"]["template"]["spec"]
    (container,), (serving,) = pod["containers"], app["containers"]
    assert container["command"] == COMMAND
    for same in ("env", "resources", "securityContext", "terminationMessagePolicy"):
        assert container[same] == serving[same], same
    assert container["image"].endswith(digest_of(NEXT))
    assert not {"args", "ports", "readinessProbe", "startupProbe", "lifecycle"} & set(container)
    assert pod["securityContext"] == app["securityContext"]
    assert (pod["automountServiceAccountToken"], pod["restartPolicy"]) == (False, "Never")
    assert (job["spec"]["activeDeadlineSeconds"], job["spec"]["backoffLimit"]) == (600, 0)
    assert job["spec"]["template"]["metadata"]["labels"]["ml.ink/component"] != "app"


async def test_a_command_that_cannot_start_says_why() -> None:
    world = await releasing(World())
    (pod,) = [p for p in world.of(POD) if p["metadata"]["labels"].get("ml.ink/component") == "release"]
    waiting = {"waiting": {"reason": "ImagePullBackOff"}}
    pod["status"]["containerStatuses"] = [{"state": waiting}]
    await world.settle()
    assert world.condition("Released") == ("False", "ImagePullFailed")
    assert image(world).endswith(digest_of(COMMIT))
    world.end_release(0)
    await world.settle()
    assert world.condition("Ready") == ("True", "Ready")


async def test_a_service_without_the_command_again_keeps_no_job() -> None:
    world = await releasing(World())
    world.end_release(0)
    await world.settle()
    assert len(jobs(world)) == 1
    world.change(release=None)
    await world.settle()
    assert jobs(world) == []
    assert world.condition("Ready") == ("True", "Ready")
