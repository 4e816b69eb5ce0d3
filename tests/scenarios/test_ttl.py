"""A service with a lifetime: what it runs goes at its end, and comes back when the lifetime is raised."""

from datetime import UTC, datetime, timedelta
from typing import Any

from ink_operator.core.objects import INK_SERVICE, PERSISTENT_VOLUME_CLAIM, Ref
from scenarios.world import World, git_spec

IMAGE = {"source": {"image": {"ref": "registry.example.com/web@sha256:" + "1" * 64}}, "replicas": 1}
KINDS_THAT_STAY = {
    *("Namespace", "NetworkPolicy", "RoleBinding", "ResourceQuota", "LimitRange", "InkService"),
    # The memory of what ran: a longer lifetime brings it back.
    "ControllerRevision",
}


def born(world: World, minutes_ago: float) -> None:
    at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    world.cr()["metadata"]["creationTimestamp"] = at.strftime("%Y-%m-%dT%H:%M:%SZ")


def kinds(world: World) -> set[str]:
    return {live["kind"] for ref, live in world.cluster.objects.items() if ref.namespace != "dp-system"}


async def aged(**spec: Any) -> World:
    """A service of an owner's that is live, and whose hour is over now."""
    world = await World({**IMAGE, "ttl": "1h", **spec}, owner="team").settle()
    assert world.condition("Ready")[0] == "True"
    born(world, 61)
    return await world.settle()


async def test_it_is_looked_at_again_the_moment_its_time_is_over() -> None:
    world = await World({**IMAGE, "ttl": "1h"}, owner="team").settle()
    born(world, 59)
    await world.run()
    assert world.condition("Ready") == ("True", "Ready")
    assert world.due is not None
    assert 0 < world.due <= 61


async def test_at_the_end_everything_goes_but_the_resource() -> None:
    world = await aged()
    assert kinds(world) <= KINDS_THAT_STAY
    assert world.hosts() == []
    assert world.condition("Ready") == ("False", "Expired")
    assert world.condition("Stalled") == ("True", "Expired")
    assert world.status.url is None
    writes = world.cluster.writes
    await world.run()
    assert world.cluster.writes == writes


async def test_a_higher_lifetime_brings_it_back() -> None:
    world = await aged()
    world.change(ttl="2h")
    await world.settle()
    assert world.condition("Ready") == ("True", "Ready")
    world.change(ttl=None)
    await world.settle()
    assert world.condition("Ready") == ("True", "Ready")


async def test_volumes_follow_their_policies() -> None:
    volumes = [
        {"name": "kept", "mountPath": "/kept", "size": "1Gi"},
        {"name": "cache", "mountPath": "/cache", "size": "1Gi", "deletionPolicy": "Delete"},
    ]
    world = await aged(volumes=volumes)
    assert [claim["metadata"]["name"] for claim in world.of(PERSISTENT_VOLUME_CLAIM)] == ["web-kept"]


async def test_suspended_jobs_and_scaled_services_end_as_well() -> None:
    for spec in (
        {"suspend": True},
        {"cron": {"schedule": "@daily"}},
        {"autoscaling": {"minReplicas": 2, "maxReplicas": 3}},
    ):
        world = await aged(**spec)
        assert world.condition("Ready") == ("False", "Expired"), spec
        assert kinds(world) <= KINDS_THAT_STAY, spec


async def test_the_gateways_resource_goes_too() -> None:
    world = await World(git_spec(ttl="1h")).settle()
    assert world.condition("Ready") == ("True", "Ready")
    born(world, 61)
    await world.settle()
    assert Ref(INK_SERVICE, world.key.namespace, world.key.name) not in world.cluster.objects
    assert world.deleted_repositories == ["acme/shop/web"]


async def test_a_paused_service_is_left_alone() -> None:
    world = await World({**IMAGE, "ttl": "1h"}, owner="team").settle()
    born(world, 61)
    world.cr()["metadata"]["annotations"] = {"ml.ink/paused": "true"}
    writes = world.cluster.writes
    await world.run()
    assert world.cluster.writes == writes
