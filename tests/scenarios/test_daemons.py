"""A buildkitd for each tenant through deaths of the operator: it is there when a build starts, and all of it goes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from ink_operator.buildkitd.reconcile import buildkitds_in_use, reconcile_buildkitd, reconcile_orphaned_buildkitd
from ink_operator.core.keys import ORPHANED_BUILDKITD, buildkitd_key, orphaned_buildkitd_key
from ink_operator.core.kinds import INK_SERVICE, JOB, NETWORK_POLICY, SECRET, SERVICE, STATEFUL_SET, Kind
from ink_operator.core.objects import Key, Manifest, Ref
from ink_operator.ports import Head
from scenarios.deaths import Step, die_at_each_write
from scenarios.world import World, git_spec
from support.cluster.memory import now

POD: Manifest = {
    "metadata": {"labels": {"app.kubernetes.io/name": "buildkitd"}},
    "spec": {"containers": [{"name": "buildkitd", "image": "buildkitd"}], "volumes": []},
}
IDLE_SECONDS = 600.0


def fresh(**settings: object) -> World:
    """A world in which each tenant has a buildkitd."""
    return World(buildkit_pod=POD, buildkit_idle_seconds=IDLE_SECONDS, **settings)


def parts(world: World) -> dict[str, int]:
    """How many of each a daemon consists of."""
    space = world.settings.buildkit_namespace
    kinds = (STATEFUL_SET, SECRET, NETWORK_POLICY, SERVICE)
    return {kind.kind: sum(live["metadata"]["namespace"] == space for live in world.of(kind)) for kind in kinds}


def replicas(world: World) -> list[int]:
    return [live["spec"]["replicas"] for live in world.of(STATEFUL_SET)]


async def look(world: World, after: float = 0.0) -> None:
    """The full resync, so many seconds from now: each daemon idles, stops or goes."""
    used = buildkitds_in_use(world.of(INK_SERVICE), world.settings)
    at = datetime.now(UTC) + timedelta(seconds=after)
    for live in world.of(STATEFUL_SET):
        name = live["metadata"]["name"]
        if name in used:
            key = buildkitd_key(name, world.settings.buildkit_namespace)
            await reconcile_buildkitd(key, world.ports, world.shared, world.settings, at)
        else:
            key = orphaned_buildkitd_key(name, world.settings.buildkit_namespace)
            await reconcile_orphaned_buildkitd(key, world.ports, world.shared, world.settings)


def build(world: World) -> None:
    """The service is new."""


def push(world: World) -> None:
    world.branch = Head("b" * 40)


def remove(world: World) -> None:
    world.cr()["metadata"]["deletionTimestamp"] = "2099-01-01T00:00:00Z"


async def tell(world: World, story: tuple[Step, ...], told: list[Step]) -> None:
    """Each step, then the build, then a rest that is long enough to stop."""
    for number, step in enumerate(story):
        if number >= len(told):
            step(world)
            told.append(step)
        if number == len(told) - 1:
            if world.of(INK_SERVICE):
                await world.settle()
            for seconds in (0.0, IDLE_SECONDS + 5, 2 * IDLE_SECONDS + 10):
                await look(world, seconds)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    "story", [(build,), (build, push), (build, remove)], ids=lambda story: "-".join(step.__name__ for step in story)
)
async def test_dying_at_any_write_ends_in_the_same_cluster(story: tuple[Step, ...], after: bool) -> None:
    calm = fresh()
    await tell(calm, story, [])
    assert replicas(calm) == ([] if remove in story else [0])
    await die_at_each_write(calm, after, fresh, lambda world, told: tell(world, story, told))


async def test_a_daemon_at_rest_is_left_alone() -> None:
    world = await fresh().settle()
    await look(world)
    writes = world.cluster.writes
    for _ in range(3):
        await look(world)
        await world.run()
    assert world.cluster.writes == writes
    await look(world, IDLE_SECONDS + 5)
    stopped = world.cluster.writes
    for _ in range(3):
        await look(world, 5 * IDLE_SECONDS)
        await world.run()
    assert (world.cluster.writes, replicas(world)) == (stopped + 0, [0])


async def test_the_next_build_starts_it_again_with_the_certificate_that_it_has() -> None:
    world = await fresh().settle()
    (before,) = [s for s in world.of(SECRET) if s["metadata"]["namespace"] == "dp-buildkit"]
    await look(world)
    await look(world, IDLE_SECONDS + 5)
    assert replicas(world) == [0]
    push(world)
    await world.settle()
    assert replicas(world) == [1]
    (again,) = [s for s in world.of(SECRET) if s["metadata"]["namespace"] == "dp-buildkit"]
    assert again == before


async def test_a_daemon_that_builds_is_never_stopped() -> None:
    world = fresh()
    world.verdict = None
    for _ in range(3):
        await world.run()
        world.controllers()
    assert [bool(job["spec"]["suspend"]) for job in world.of(JOB)] == [False]
    for seconds in (0.0, 2 * IDLE_SECONDS, 4 * IDLE_SECONDS):
        await look(world, seconds)
    assert replicas(world) == [1]


async def test_two_tenants_have_two_daemons_and_each_goes_with_its_own_last_service() -> None:
    world = await fresh().settle()
    other = world.key._replace(name="other.shop.three")
    world.make(other, git_spec() | {"source": {"git": git_of("other")}})
    second = world.key._replace(name="acme.shop.two")
    world.make(second, git_spec())
    for key in (other, second):
        await world.settle(key)
    assert parts(world) == {"StatefulSet": 2, "Secret": 2, "NetworkPolicy": 2, "Service": 2}
    await delete(world, world.key)
    await look(world)
    assert parts(world)["StatefulSet"] == 2, "the tenant has another service"
    await delete(world, second)
    assert world.awake[-1].kind == ORPHANED_BUILDKITD
    await look(world)
    assert parts(world) == {"StatefulSet": 1, "Secret": 1, "NetworkPolicy": 1, "Service": 1}
    (left,) = world.of(STATEFUL_SET)
    assert left["metadata"]["labels"]["ml.ink/tenant"] == "other"


async def test_a_service_that_comes_back_in_time_keeps_the_daemon() -> None:
    world = await fresh().settle()
    name = world.of(STATEFUL_SET)[0]["metadata"]["name"]
    await delete(world, world.key)
    world.make(world.key, git_spec())
    key = orphaned_buildkitd_key(name, world.settings.buildkit_namespace)
    await reconcile_orphaned_buildkitd(key, world.ports, world.shared, world.settings)
    assert parts(world) == {"StatefulSet": 1, "Secret": 1, "NetworkPolicy": 1, "Service": 1}


async def test_what_somebody_took_away_comes_back() -> None:
    world = await fresh().settle()
    for kind in (SERVICE, NETWORK_POLICY, SECRET):
        take(world, kind)
        await look(world)
    assert parts(world) == {"StatefulSet": 1, "Secret": 1, "NetworkPolicy": 1, "Service": 1}


async def test_where_all_share_one_nothing_of_the_kind_is_made() -> None:
    world = await World().settle()
    assert parts(world) == {"StatefulSet": 0, "Secret": 0, "NetworkPolicy": 0, "Service": 0}


def git_of(workspace: str) -> Manifest:
    return {"url": f"https://git.localhost:8443/{workspace}/web.git", "branch": "main", "auth": {"internal": {}}}


async def delete(world: World, key: Key) -> None:
    world.cr(key)["metadata"]["deletionTimestamp"] = now()
    for _ in range(5):
        if Ref(INK_SERVICE, key.namespace, key.name) in world.cluster.objects:
            await world.run(key)


def take(world: World, kind: Kind) -> None:
    space = world.settings.buildkit_namespace
    (ref,) = [ref for ref in world.cluster.objects if ref.kind == kind and ref.namespace == space]
    del world.cluster.objects[ref]
