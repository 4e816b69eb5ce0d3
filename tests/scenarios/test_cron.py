"""A service that runs at given times: its schedule, its runs, and the way there and back."""

from typing import Any

import pytest
from ink_operator.core.errors import Rejected
from ink_operator.core.kinds import CONTROLLER_REVISION, CRON_JOB, DEPLOYMENT, INGRESS, JOB, POD, SERVICE
from ink_operator.core.objects import Manifest, Ref
from scenarios.world import World, git_spec
from support.cluster.memory import now

CRON = {"schedule": "*/5 * * * *"}
SPACE = "ink-t-acme--shop"
STARTED, ENDED = "2026-11-21T12:00:00Z", "2026-11-21T12:01:00Z"


async def cron(**more: Any) -> World:
    world = await World(git_spec(cron={**CRON, **more})).settle()
    assert world.condition("Ready") == ("True", "Ready")
    return world


def live(world: World) -> Manifest:
    return world.cluster.objects[Ref(CRON_JOB, SPACE, "web")]


def tells(world: World, **status: Any) -> None:
    """What the CronJob's controller writes."""
    world.cluster.put({**live(world), "status": status})


def run(world: World, phase: str, **container: Any) -> None:
    """A run: its Job and its pod."""
    template = live(world)["spec"]["jobTemplate"]["spec"]["template"]
    labels = {"labels": template["metadata"]["labels"], "creationTimestamp": now()}
    job = {"name": "web-run", "namespace": SPACE, "uid": "run-1", **labels}
    world.cluster.put({"apiVersion": "batch/v1", "kind": "Job", "metadata": job, "spec": {"suspend": True}})
    owner = {"kind": "Job", "name": "web-run", "uid": "run-1", "controller": True}
    meta = {"name": "web-1", "namespace": SPACE, "ownerReferences": [owner], **labels}
    status = {"phase": phase, "containerStatuses": [container]}
    spec = {"containers": [{"image": "x"}]}
    world.cluster.put({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec, "status": status})


def message(world: World, kind: str) -> str:
    return next(c.message for c in world.status.conditions if c.type == kind)


async def test_a_cron_job_is_ready_when_its_schedule_is_in_place() -> None:
    world = await cron()
    assert [world.of(kind) for kind in (DEPLOYMENT, SERVICE, INGRESS)] == [[], [], []]
    assert world.status.url is None
    assert world.condition("Available") == ("True", "Deployed")
    assert world.condition("LastRunSucceeded") == ("", "")
    assert "*/5 * * * * (Etc/UTC)" in message(world, "Deployed")
    assert world.hosts() == []


async def test_the_settings_of_a_run_are_the_specs() -> None:
    spec = live(await cron(timeZone="Europe/Berlin", concurrencyPolicy="Replace", timeout="10m", retries=2))["spec"]
    assert (spec["timeZone"], spec["concurrencyPolicy"]) == ("Europe/Berlin", "Replace")
    job = spec["jobTemplate"]["spec"]
    assert (job["activeDeadlineSeconds"], job["backoffLimit"]) == (600, 2)


async def test_a_run_is_confined_like_a_server() -> None:
    served = (await World(git_spec()).settle()).of(DEPLOYMENT)[0]["spec"]["template"]["spec"]
    pod = live(await cron())["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert pod["containers"][0]["securityContext"] == served["containers"][0]["securityContext"]
    assert pod["securityContext"] == served["securityContext"]
    assert pod["automountServiceAccountToken"] is False


@pytest.mark.parametrize("there", [True, False], ids=["to a cron job", "to a server"])
async def test_one_kind_replaces_the_other_without_a_build(there: bool) -> None:
    calm = await World(git_spec(cron=CRON) if there else git_spec()).settle()
    world = await World(git_spec() if there else git_spec(cron=CRON)).settle()
    world.change(cron=CRON if there else None)
    await world.settle()
    world.change(cron=CRON if there else None)
    await world.settle()
    history = (f'"{CONTROLLER_REVISION.kind}"', '"ml.ink/released-at"')
    now, wanted = ([c for c in w.children() if not any(word in c for word in history)] for w in (world, calm))
    assert now == wanted
    assert len(world.jobs_made) == 1
    assert len(world.of(JOB)) == 1


async def test_a_suspended_cron_job_keeps_its_schedule_and_starts_nothing() -> None:
    world = await cron()
    world.change(suspend=True)
    await world.settle()
    assert live(world)["spec"]["suspend"] is True
    assert world.condition("Ready") == ("True", "Suspended")
    assert world.condition("Available") == ("False", "Suspended")
    world.change(suspend=False)
    await world.settle()
    assert live(world)["spec"]["suspend"] is False
    assert world.condition("Ready") == ("True", "Ready")


async def test_a_host_that_is_not_wanted_any_more_is_given_up_although_nothing_runs() -> None:
    world = await World(git_spec(suspend=True)).settle()
    assert world.hosts() == ["web.apps.localhost"]
    world.change(subdomain="other")
    await world.settle()
    assert world.hosts() == ["other.apps.localhost"]


async def test_a_failed_run_is_told_and_the_service_stays_ready() -> None:
    world = await cron()
    tells(world, lastScheduleTime=STARTED, lastSuccessfulTime=ENDED)
    await world.settle()
    assert world.condition("LastRunSucceeded") == ("True", "RunSucceeded")
    tells(world, lastScheduleTime="2026-11-21T12:05:00Z", lastSuccessfulTime=ENDED, active=[{"name": "web-1"}])
    await world.settle()
    assert world.condition("LastRunSucceeded") == ("True", "RunSucceeded")
    run(world, "Failed", state={"terminated": {"exitCode": 3}})
    tells(world, lastScheduleTime="2026-11-21T12:05:00Z", lastSuccessfulTime=ENDED)
    await world.settle()
    assert world.condition("LastRunSucceeded") == ("False", "RunFailed")
    assert "The run of 2026-11-21T12:05:00Z failed: exit code 3." in message(world, "LastRunSucceeded")
    assert world.condition("Ready") == ("True", "Ready")
    assert world.condition("Stalled") == ("", "")


async def test_a_run_whose_image_cannot_be_pulled_makes_it_not_ready() -> None:
    world = await cron()
    run(world, "Pending", state={"waiting": {"reason": "ImagePullBackOff"}})
    await world.settle()
    assert world.condition("Ready") == ("False", "ImagePullFailed")
    del world.cluster.objects[Ref(POD, SPACE, "web-1")]
    await world.settle()
    assert world.condition("Ready") == ("True", "Ready")


async def test_a_stuck_run_of_an_earlier_revision_goes_so_that_later_ones_can_start() -> None:
    world = await cron()
    run(world, "Pending", state={"waiting": {"reason": "ImagePullBackOff"}})
    await world.settle()
    assert "No other run starts until then." in message(world, "Ready")
    assert Ref(JOB, SPACE, "web-run") in world.cluster.objects, "the image may still come"
    world.change(command=["mended"])
    await world.settle()
    assert Ref(JOB, SPACE, "web-run") not in world.cluster.objects
    assert Ref(POD, SPACE, "web-1") not in world.cluster.objects
    assert world.condition("Ready") == ("True", "Ready")


@pytest.mark.parametrize(
    "container",
    [
        {"state": {"running": {"startedAt": STARTED}}},
        {"state": {"waiting": {"reason": "ContainerCreating"}}},
        {"state": {"terminated": {"exitCode": 0}}},
    ],
    ids=["runs", "starts", "has ended"],
)
async def test_a_run_of_an_earlier_revision_that_is_at_work_goes_on(container: dict[str, Any]) -> None:
    world = await cron()
    run(world, "Succeeded" if "terminated" in container["state"] else "Running", **container)
    world.change(command=["newer"])
    await world.settle()
    assert Ref(JOB, SPACE, "web-run") in world.cluster.objects


async def test_a_schedule_that_the_api_server_refuses_is_said_and_not_tried_again_and_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(git_spec())
    await world.settle()
    words = 'CronJob.batch "web" is invalid: spec.schedule: Invalid value: "61 * * * *"'
    apply = world.cluster.apply

    async def refusing(manifest: Manifest) -> Manifest:
        if manifest["kind"] == "CronJob":
            raise Rejected(words)
        return await apply(manifest)

    monkeypatch.setattr(world.cluster, "apply", refusing)
    world.change(cron={"schedule": "61 * * * *"})
    await world.settle()
    assert world.condition("Ready") == ("False", "InvalidSpec")
    assert world.condition("Stalled") == ("True", "InvalidSpec")
    assert words in message(world, "Ready")
    assert world.due is not None
    assert world.due >= 60
    assert len(world.of(DEPLOYMENT)) == 1, "what served before goes only when there is a schedule"
