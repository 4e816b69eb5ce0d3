"""Which images the registry keeps of a service, whatever happens meanwhile."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from ink_operator.core.kinds import CONTROLLER_REVISION, JOB, POD
from ink_operator.ports import Head
from scenarios.deaths import dying
from scenarios.test_memory import pushed
from scenarios.world import COMMIT, World, digest_of
from support.cluster.memory import Died

A, B, C, D, E = COMMIT, *(letter * 40 for letter in "bcde")
BAD = {"ok": False, "reason": "BuildFailed", "message": "No.", "log": ["line 1"], "infrastructure": False}


def kept(world: World) -> set[str]:
    """First letters of the commits whose images the registry has."""
    return {image.digest.removeprefix("sha256:")[0] for image in world.pushed.values()}


def available(world: World) -> dict[str, bool | None]:
    """The same as the status has it."""
    return {(r.commit or "-")[0]: r.image_available for r in world.status.revisions or []}


async def test_the_live_revision_and_the_newest_others_keep_their_images() -> None:
    world = await pushed(World(), A, B, C)
    assert kept(world) == {"a", "b", "c"}
    assert world.pruned == []
    await pushed(world, D, E)
    assert kept(world) == {"c", "d", "e"}
    assert available(world) == {"a": False, "b": False, "c": True, "d": True, "e": True}


async def test_at_rest_the_registry_is_not_asked() -> None:
    world = await pushed(World(), A, B, C, D)
    asked, writes = len(world.pruned), world.cluster.writes
    for _ in range(3):
        await world.run()
    assert (len(world.pruned), world.cluster.writes) == (asked, writes)
    assert asked == 1


async def test_what_goes_back_to_a_deleted_image_builds_it_again() -> None:
    world = await pushed(World(), A, B, C, D)
    world.change(source={"git": {"commit": A}})
    await world.settle()
    assert world.condition("Ready") == ("True", "Ready")
    assert available(world) == {"a": True, "b": False, "c": True, "d": True}
    assert kept(world) == {"a", "c", "d"}
    assert [job["metadata"]["labels"]["ml.ink/commit"] for job in world.of(JOB)].count(A) == 1


async def test_one_image_of_many_revisions_counts_once() -> None:
    world = await pushed(World(), A, B, C)
    for value in "123":
        world.change(env=[{"name": "V", "value": value}])
        await world.settle()
    assert kept(world) == {"a", "b", "c"}
    assert world.pruned == []


async def test_the_number_is_the_platforms_choice() -> None:
    world = await pushed(World(registry_retention=0), A, B)
    assert kept(world) == {"b"}


async def test_what_a_pod_of_the_namespace_names_stays() -> None:
    world = await pushed(World(registry_retention=0), A)
    (app, *_) = [p for p in world.of(POD) if p["metadata"]["namespace"] == "ink-t-acme--shop"]
    image = f"{world.settings.registry}/acme/shop/web@{digest_of(A)}"
    for name, reference in (("by-digest", image), ("by-tag", image.partition("@")[0] + ":some-tag")):
        spec = {"initContainers": [{"image": reference}], "containers": [{"image": "x"}]}
        meta = {**app["metadata"], "name": name, "labels": {}, "ownerReferences": []}
        world.cluster.put({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})
    await pushed(world, B)
    assert kept(world) == {"a", "b"}
    assert "some-tag" in world.pruned[-1][1]


async def test_nothing_goes_while_a_build_is_under_way() -> None:
    world = await pushed(World(registry_retention=0), A)
    world.settings = _with(world, registry_retention=5)
    await pushed(world, B)
    world.settings, world.verdict = _with(world, registry_retention=0), None
    world.branch = Head(C)
    await world.settle()
    assert kept(world) == {"a", "b"}
    assert world.pruned == []


def _with(world: World, **changes: Any) -> Any:
    return dataclasses.replace(world.settings, **changes)


async def test_a_row_of_bad_pushes_does_not_take_what_was_deployed_last() -> None:
    world = await pushed(World(registry_retention=1), A)
    world.pods_become_ready = False
    for commit in (B, C, D):
        world.branch = Head(commit)
        await world.settle()
    assert {"a", "d"} <= kept(world)


async def test_logs_of_failed_builds_go_with_their_records() -> None:
    world = World()
    world.verdict = BAD
    for number in range(7):
        world.branch = Head(f"{number}" * 40)
        await world.settle()
    assert world.pruned
    _, tags = world.pruned[-1]
    records = {r["metadata"]["name"].removeprefix("web-") for r in world.of(CONTROLLER_REVISION)}
    jobs = {j["metadata"]["name"] for j in world.of(JOB)}
    assert tags == {f"log-{name}" for name in records | jobs}
    assert len(records) == 5


async def test_a_registry_that_is_away_fails_no_pass() -> None:
    world = await pushed(World(), A, B, C)
    world.branch = Head(D)
    while world.status.commit != D or world.condition("Ready") != ("True", "Ready"):
        await world.run()
        world.controllers()
    world.registry_answers = False
    awake = len(world.awake)
    await world.run()
    await world.run()
    assert world.condition("Ready") == ("True", "Ready")
    assert len(world.awake) > awake
    world.registry_answers = True
    await world.settle()
    assert available(world)["a"] is False
    assert kept(world) == {"b", "c", "d"}


@pytest.mark.parametrize("after", [False, True])
async def test_death_in_the_middle_loses_and_repeats_nothing(after: bool) -> None:
    """After the images went but before that was noted; and at every write that notes it."""
    world = await pushed(World(), A, B, C)
    world.die_at_prune = True
    with pytest.raises(Died):
        await pushed(world, D)
    world.die_at_prune = False
    await world.settle()
    assert available(world) == {"a": False, "b": True, "c": True, "d": True}
    for write in range(1, 12):
        world = await pushed(World(), A, B, C)
        world.branch = Head(D)
        for _ in range(20):
            with dying(world, write, after):
                await world.run()
            world.controllers()
        await world.settle()
        assert available(world) == {"a": False, "b": True, "c": True, "d": True}
        assert kept(world) == {"b", "c", "d"}
