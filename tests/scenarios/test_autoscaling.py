"""With autoscaling Ink gives the number of pods to begin with, and then lets go of it."""

from typing import Any

import pytest
from ink_operator.core.kinds import DEPLOYMENT, HORIZONTAL_POD_AUTOSCALER
from ink_operator.core.objects import Manifest, Ref
from scenarios.world import World, git_spec

SPACE = "ink-t-acme--shop"
SCALING = {"minReplicas": 2, "maxReplicas": 6}


async def scaled(replicas: int = 1, **more: Any) -> World:
    world = await World(git_spec(autoscaling={**SCALING, **more}) | {"replicas": replicas}).settle()
    assert world.condition("Ready") == ("True", "Ready")
    return world


def deployment(world: World) -> Manifest:
    return world.cluster.objects[Ref(DEPLOYMENT, SPACE, "web")]


def replicas(world: World) -> int:
    found: int = deployment(world)["spec"]["replicas"]
    return found


def others_scale(world: World, number: int) -> None:
    """What the autoscaler, or a person with kubectl scale, writes."""
    world.cluster.edit(Ref(DEPLOYMENT, SPACE, "web"), {"spec": {"replicas": number}})


def autoscaler(world: World) -> Manifest:
    return world.cluster.objects[Ref(HORIZONTAL_POD_AUTOSCALER, SPACE, "web")]


@pytest.mark.parametrize(("given", "begins"), [(1, 2), (4, 4), (9, 6)])
async def test_it_begins_with_the_number_of_the_spec_within_the_bounds(given: int, begins: int) -> None:
    assert replicas(await scaled(given)) == begins


async def test_the_bounds_the_targets_and_the_calm_times_are_the_specs() -> None:
    world = await scaled(
        targetCPUUtilizationPercentage=60,
        targetMemoryUtilizationPercentage=70,
        scaleUpCooldown="30s",
        scaleDownCooldown="10m",
    )
    spec = autoscaler(world)["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (2, 6)
    used = {m["resource"]["name"]: m["resource"]["target"]["averageUtilization"] for m in spec["metrics"]}
    assert used == {"cpu": 60, "memory": 70}
    calm = {way: rules["stabilizationWindowSeconds"] for way, rules in spec["behavior"].items()}
    assert calm == {"scaleUp": 30, "scaleDown": 600}
    assert spec["scaleTargetRef"]["name"] == "web"


async def test_without_a_target_it_looks_at_the_cpu() -> None:
    (metric,) = autoscaler(await scaled())["spec"]["metrics"]
    assert (metric["resource"]["name"], metric["resource"]["target"]["averageUtilization"]) == ("cpu", 80)


async def test_whoever_scales_is_not_fought() -> None:
    world = await scaled()
    others_scale(world, 5)
    await world.settle()
    assert replicas(world) == 5
    world.change(restartedAt="now")
    await world.settle()
    assert replicas(world) == 5
    assert world.condition("Ready") == ("True", "Ready")


async def test_pods_that_load_asks_for_and_that_find_no_room_do_not_make_it_unready() -> None:
    world = await scaled()
    others_scale(world, 5)
    live = deployment(world)
    counts = {"replicas": 5, "updatedReplicas": 5, "readyReplicas": 2, "availableReplicas": 2}
    status = {"observedGeneration": live["metadata"]["generation"], **counts}
    world.cluster.put({**live, "status": status})
    await world.run()
    assert world.condition("Ready") == ("True", "Ready")


async def test_a_service_that_is_given_an_autoscaler_keeps_its_pods() -> None:
    world = await World(git_spec() | {"replicas": 3}).settle()
    world.change(autoscaling=SCALING)
    await world.settle()
    assert replicas(world) == 3


async def test_without_the_autoscaler_the_spec_counts_again() -> None:
    world = await scaled()
    others_scale(world, 5)
    world.change(autoscaling=None, replicas=1)
    await world.settle()
    assert replicas(world) == 1
    assert world.of(HORIZONTAL_POD_AUTOSCALER) == []


@pytest.mark.parametrize("rest", [{"suspend": True}, {"replicas": 0}], ids=lambda rest: next(iter(rest)))
async def test_a_suspended_service_rests_and_comes_back_with_its_number(rest: dict[str, Any]) -> None:
    world = await scaled(3)
    others_scale(world, 5)
    world.change(**rest)
    await world.settle()
    assert replicas(world) == 0
    assert world.of(HORIZONTAL_POD_AUTOSCALER) == []
    assert world.condition("Ready") == ("True", "Suspended")
    world.change(suspend=False, replicas=3)
    await world.settle()
    assert replicas(world) == 3
    assert world.condition("Ready") == ("True", "Ready")
    writes = world.cluster.writes
    await world.run()
    assert world.cluster.writes == writes


async def test_a_deletion_leaves_no_autoscaler() -> None:
    world = await scaled()
    world.cr()["metadata"]["deletionTimestamp"] = "2099-01-01T00:00:00Z"
    await world.settle()
    assert world.of(HORIZONTAL_POD_AUTOSCALER) == []
