"""The operator may end at any write, before or after its effect; the next one ends in the same cluster."""

from typing import Any

import pytest
from ink_operator.core.errors import Forbidden, NotRenewed, Rejected, Transient
from ink_operator.core.kinds import INK_SERVICE, JOB
from ink_operator.core.objects import Manifest, Ref
from ink_operator.inkservice.act.clean_up import MAX_FAILED_PASSES
from ink_operator.ports import Head
from scenarios.deaths import Step, die_at_each_write
from scenarios.world import COMMIT, GOOD, World, git_spec
from support.cluster.memory import now

MOST_WRITES = 40
NEXT = "b" * 40


def nothing(world: World) -> None:
    """The service is new."""


def push(world: World) -> None:
    world.branch = Head(NEXT)


def become_worker(world: World) -> None:
    world.change(ports=[])


def move(world: World) -> None:
    world.change(subdomain="other")


def become_cron(world: World) -> None:
    world.change(cron={"schedule": "@daily"})


def serve_again(world: World) -> None:
    world.change(cron=None)


def get_disk(world: World) -> None:
    world.change(volumes=[{"name": "data", "mountPath": "/data", "size": "1Gi", "deletionPolicy": "Delete"}])


def lose_disk(world: World) -> None:
    world.change(volumes=[])


def scale_itself(world: World) -> None:
    world.change(autoscaling={"minReplicas": 2, "maxReplicas": 4})


def pin(world: World) -> None:
    """A rollback."""
    world.change(source={"git": {"commit": COMMIT}})


def break_it(world: World) -> None:
    world.branch, world.verdict = Head("c" * 40), {"ok": False, "reason": "BuildFailed", "message": "No.", "log": ["x"]}


def release(world: World) -> None:
    world.change(release={"command": ["migrate"]})
    push(world)


def fail_to_release(world: World) -> None:
    world.release = {"exitCode": 3, "message": "no such table"}
    release(world)


def release_after_all(world: World) -> None:
    world.release = {"exitCode": 0}
    world.change(release={"command": ["migrate", "--force"]})


def expire(world: World) -> None:
    world.cr()["metadata"]["creationTimestamp"] = "2020-01-01T00:00:00Z"
    world.change(ttl="1h")


def remove(world: World) -> None:
    world.cr()["metadata"]["deletionTimestamp"] = "2099-01-01T00:00:00Z"


async def tell(world: World, story: tuple[Step, ...], told: list[Step]) -> None:
    """Each step, then rest. `told` remembers across a death what the user has done already."""
    for number, step in enumerate(story):
        if number >= len(told):
            step(world)
            told.append(step)
        if number == len(told) - 1:
            await world.settle()


STORIES = (
    (nothing,),
    (nothing, push),
    (nothing, become_worker),
    (nothing, move),
    (nothing, become_cron),
    (nothing, become_cron, serve_again),
    (nothing, get_disk, lose_disk),
    (nothing, get_disk, remove),
    (nothing, scale_itself, become_cron),
    (nothing, push, pin),
    (nothing, push, break_it),
    (nothing, release),
    (nothing, fail_to_release),
    (nothing, fail_to_release, release_after_all),
    (release, remove),
    (nothing, get_disk, expire),
    (nothing, remove),
)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("story", STORIES, ids=lambda story: "-".join(step.__name__ for step in story))
async def test_dying_at_any_write_ends_in_the_same_cluster(story: tuple[Step, ...], after: bool) -> None:
    calm = World()
    await tell(calm, story, [])
    assert calm.cluster.writes <= MOST_WRITES * 2
    await die_at_each_write(calm, after, World, lambda world, told: tell(world, story, told))


async def test_a_settled_service_is_left_alone() -> None:
    world = await World().settle()
    writes = world.cluster.writes
    for _ in range(3):
        await world.run()
    assert world.cluster.writes == writes
    assert world.condition("Ready") == ("True", "Ready")


async def test_a_lost_status_is_made_again_from_the_objects() -> None:
    world = await World().settle()
    before, children = world.status, world.children()
    world.cr()["status"] = {}
    await world.settle()
    assert world.children() == children
    assert world.jobs_made == world.jobs_made[:1]
    assert (world.status.commit, world.status.image) == (before.commit, before.image)


async def test_the_same_head_again_makes_no_second_build() -> None:
    world = await World().settle()
    for _ in range(3):
        world.cr()["metadata"].setdefault("annotations", {})["ml.ink/head"] = f"main@{'a' * 40}"
        await world.settle()
    assert len(world.of(JOB)) == 1
    assert len(world.jobs_made) == 1


async def test_a_failed_build_is_not_repeated_and_the_old_revision_serves() -> None:
    world = await World().settle()
    world.branch, world.verdict = Head(NEXT), {"ok": False, "reason": "BuildFailed", "message": "No.", "log": ["x"]}
    await world.settle()
    assert world.condition("Ready") == ("False", "BuildFailed")
    assert world.condition("Stalled") == ("True", "BuildFailed")
    assert world.condition("Available")[0] == "True"
    assert len(world.jobs_made) == 2
    world.verdict = GOOD
    await world.settle()
    assert len(world.jobs_made) == 2


async def test_a_newer_commit_replaces_a_running_build() -> None:
    world = World()
    world.verdict = None
    for _ in range(3):
        await world.run()
        world.controllers()
    world.branch, world.verdict = Head(NEXT), GOOD
    await world.settle()
    assert [job["metadata"]["labels"]["ml.ink/commit"] for job in world.of(JOB)] == [NEXT]
    assert world.status.commit == NEXT
    assert world.condition("Ready")[0] == "True"


async def test_only_as_many_builds_run_as_there_are_places_and_the_rest_follow() -> None:
    world = World(build_concurrency=1)
    other = world.key._replace(name="acme.shop.two")
    world.make(other, git_spec())
    world.verdict = None
    for key in (world.key, other):
        await world.run(key)
        world.controllers()
    assert sorted(bool(job["spec"]["suspend"]) for job in world.of(JOB)) == [False, True]
    world.verdict = GOOD
    world.controllers()
    await world.settle()
    assert other in world.awake
    await world.settle(other)
    assert all(not job["spec"]["suspend"] for job in world.of(JOB))


async def test_deletion_takes_images_claims_and_builds_along() -> None:
    world = World()
    await tell(world, (nothing, remove), [])
    assert world.deleted_repositories == ["acme/shop/web"]
    assert [name for name in world.children() if '"Job"' in name or '"Secret"' in name] == []
    assert world.hosts() == []
    assert world.awake[-1].kind == "Namespace"


async def test_a_provider_that_is_gone_for_good_does_not_hold_a_deletion_for_ever() -> None:
    """The registry, the builds namespace and the claims cannot be reached: the deletion goes on without them."""
    world = await World().settle()

    async def gone(*_: object, **__: object) -> None:
        raise Forbidden("the operator may not look there any more")

    world.delete_repository = gone  # type: ignore[method-assign]
    world.cluster.list = gone  # type: ignore[method-assign, assignment]
    world.cr()["metadata"] |= {"deletionTimestamp": now(), "finalizers": ["ml.ink/cleanup"]}
    await world.run()
    assert world.condition("Ready") == ("Unknown", "Deleting")
    assert world.condition("Reconciling") == ("True", "Deleting")
    with pytest.raises(Forbidden):
        await world.run()
    world.cr()["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    await world.run(failures=MAX_FAILED_PASSES)
    assert world.of(INK_SERVICE) == []


async def test_an_overdue_deletion_survives_a_hiccup_and_leaves_nothing_behind() -> None:
    """An operator that was away for long finds it overdue: the first failure is no reason to give up."""
    world = await World().settle()
    world.cr()["metadata"] |= {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["ml.ink/cleanup"]}
    there = world.delete_repository

    async def silent(*_: object) -> None:
        raise Transient("the registry does not answer")

    world.delete_repository = silent  # type: ignore[method-assign]
    await world.run()
    assert world.condition("Ready") == ("Unknown", "Deleting")
    for failures in range(MAX_FAILED_PASSES):
        with pytest.raises(Transient):
            await world.run(failures=failures)
    world.delete_repository = there  # type: ignore[method-assign]
    await world.run(failures=MAX_FAILED_PASSES)
    assert world.of(INK_SERVICE) == []
    assert world.deleted_repositories == ["acme/shop/web"]


async def test_a_lease_that_is_not_renewed_leaves_nothing_behind_however_late_it_is() -> None:
    world = await World().settle()
    world.cr()["metadata"] |= {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["ml.ink/cleanup"]}

    async def fenced(*_: object, **__: object) -> None:
        raise NotRenewed("the lease is not renewed yet")

    world.cluster.delete = fenced  # type: ignore[method-assign]
    with pytest.raises(NotRenewed):
        await world.run(failures=100)


async def test_a_status_that_cannot_be_written_holds_no_deletion_up() -> None:
    world = await World().settle()
    remove(world)
    write = world.cluster.merge_patch

    async def refused(ref: Ref, patch: dict[str, Any], *, subresource: str = "") -> Manifest | None:
        if subresource:
            raise Rejected("a webhook refuses it")
        return await write(ref, patch)

    world.cluster.merge_patch = refused  # type: ignore[method-assign]
    with pytest.raises(Rejected):
        await world.run()
    for _ in range(5):
        if world.of(INK_SERVICE):
            await world.run(failures=1)
    assert world.of(INK_SERVICE) == []


async def test_deleting_what_has_become_unreadable_still_cleans_up() -> None:
    world = await World().settle()
    world.cr()["spec"]["replicas"] = "many"
    await world.run()
    assert world.condition("Ready") == ("False", "InvalidSpec")
    remove(world)
    for _ in range(5):
        if world.of(INK_SERVICE):
            await world.run()
    assert world.deleted_repositories == ["acme/shop/web"]
    assert [name for name in world.children() if '"Deployment"' in name] == []
    assert world.hosts() == []
