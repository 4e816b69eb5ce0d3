"""A verdict is known before the kubelet has seen the pod end: the image runs at once, and nothing is told twice."""

from __future__ import annotations

import pytest
from ink_operator.core.objects import JOB, POD
from ink_operator.ports import Head
from scenarios.deaths import Step, die_at_each_write
from scenarios.world import COMMIT, FINISHED, World

NEXT = "b" * 40


def early(never_seen: bool = False) -> World:
    world = World()
    world.beside.before_the_end = 2 if never_seen else 1
    return world


async def until_deployed(world: World) -> None:
    """Passes alone after the builder began to run: Kubernetes moves no step."""
    await world.run()
    world.controllers()
    for _ in range(4):
        await world.run()


async def test_the_image_runs_before_the_builder_is_seen_to_end() -> None:
    world = early()
    await until_deployed(world)
    (pod,) = [pod for pod in world.of(POD) if pod["metadata"]["name"].startswith("b-")]
    assert "running" in pod["status"]["containerStatuses"][0]["state"]
    assert world.condition("Built") == ("True", "Built")
    assert world.status.image is not None
    assert world.status.build is not None
    assert world.status.build.finished == FINISHED
    await world.settle()
    assert world.condition("Ready") == ("True", "Ready")


async def test_the_end_that_is_seen_at_last_changes_nothing() -> None:
    world = await early(never_seen=True).settle()
    told, writes = world.status.to_wire(), world.cluster.writes
    world.beside.before_the_end = 1
    world.controllers()
    (pod,) = [pod for pod in world.of(POD) if pod["metadata"]["name"].startswith("b-")]
    assert "terminated" in pod["status"]["containerStatuses"][0]["state"]
    for _ in range(3):
        await world.run()
    assert world.cluster.writes == writes
    assert world.status.to_wire() == told


async def test_an_end_that_is_seen_first_tells_the_same() -> None:
    world, other = await early().settle(), early()
    await other.run()
    other.controllers()
    other.controllers()
    other.beside.texts.clear()
    await other.settle()
    assert other.children() == world.children()
    assert other.status.build is not None
    assert other.status.build.finished == FINISHED


async def test_its_place_is_free_as_soon_as_its_verdict_is_recorded() -> None:
    world = early(never_seen=True)
    await until_deployed(world)
    world.branch = Head(NEXT)
    await world.settle()
    assert len([job for job in world.of(JOB) if not job["spec"].get("suspend")]) >= 1
    assert world.status.commit == NEXT


async def test_old_builds_go_after_the_rollout_and_not_during_it() -> None:
    world = await World(build_history=1).settle()
    (old,) = [job["metadata"]["name"] for job in world.of(JOB)]
    world.branch, world.pods_become_ready = Head(NEXT), False
    await world.settle()
    assert world.condition("Deployed")[1] == "Deploying"
    assert old in [job["metadata"]["name"] for job in world.of(JOB)]
    world.pods_become_ready = True
    for ref in [ref for ref in world.cluster.objects if ref.kind == POD and ref.name.startswith("web-")]:
        del world.cluster.objects[ref]
    await world.settle()
    assert world.condition("Ready") == ("True", "Ready")
    assert old not in [job["metadata"]["name"] for job in world.of(JOB)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "noise",
        '{"ok": false, "reason": "BuildFailed"}',
        '{"ok": true}',
        '{"ok": true, "digest": "sha256:1"}',
        '{"ok": true, "digest": ["x"], "finished": {}}',
    ],
)
async def test_what_is_no_good_news_is_left_to_the_pod(text: str) -> None:
    world = early(never_seen=True)
    await world.run()
    world.controllers()
    world.beside.texts = dict.fromkeys(world.beside.texts, text)
    for _ in range(3):
        await world.run()
    assert world.condition("Built") == ("Unknown", "Building")
    world.beside.before_the_end = 1
    await world.settle()
    assert world.condition("Ready") == ("True", "Ready")
    assert world.status.commit == COMMIT


def push(world: World) -> None:
    world.branch = Head(NEXT)


async def tell(world: World, story: tuple[Step, ...], told: list[Step]) -> None:
    await world.settle()
    for step in story:
        if step not in told:
            told.append(step)
            step(world)
        await world.settle()


@pytest.mark.parametrize("never_seen", [False, True], ids=["seen", "unseen"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_dying_at_any_write_ends_in_the_same_cluster(after: bool, never_seen: bool) -> None:
    calm = early(never_seen)
    await tell(calm, (push,), [])
    await die_at_each_write(calm, after, lambda: early(never_seen), lambda world, told: tell(world, (push,), told))
