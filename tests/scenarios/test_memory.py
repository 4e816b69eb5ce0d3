"""What happened is kept in ControllerRevisions: without status, Job, Deployment or registry the same runs on."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from ink_operator.core.errors import Transient
from ink_operator.core.kinds import CONTROLLER_REVISION, DEPLOYMENT, JOB, POD
from ink_operator.core.objects import Manifest, Ref
from ink_operator.ports import Head
from scenarios.world import COMMIT, GOOD, World, digest_of

NEXT, THIRD = "b" * 40, "c" * 40
BAD = {"ok": False, "reason": "BuildFailed", "message": "No.", "log": ["line 1"], "infrastructure": False}


async def pushed(world: World, *commits: str) -> World:
    """Each commit, live."""
    for commit in commits:
        world.branch = Head(commit)
        await world.settle()
    return world


def history(world: World) -> list[tuple[int, str, str, bool]]:
    """(number, first letter of the commit, reason, active), newest first, as the status has it."""
    found = world.status.revisions or []
    return [(r.number, (r.commit or "-")[0], r.reason or "", r.active) for r in found]


def image(world: World) -> str:
    (deployment,) = world.of(DEPLOYMENT)
    return str(deployment["spec"]["template"]["spec"]["containers"][0]["image"])


def forget(world: World, kind: Any) -> None:
    """Somebody deletes all objects of the kind, and their pods with them."""
    for live in world.of(kind):
        meta = live["metadata"]
        world.cluster.discard(Ref(kind, meta["namespace"], meta["name"]))


async def test_each_revision_is_recorded_and_mirrored_newest_first() -> None:
    world = await pushed(World(), COMMIT, NEXT)
    assert history(world) == [(2, "b", "Deployed", True), (1, "a", "Deployed", False)]
    newest, oldest = world.status.revisions or []
    assert newest.image is not None
    assert newest.image.endswith(digest_of(NEXT))
    assert oldest.created is not None


async def test_scaling_makes_no_revision_and_a_variable_makes_one() -> None:
    world = await World().settle()
    world.change(replicas=3)
    await world.settle()
    assert len(world.of(CONTROLLER_REVISION)) == 1
    world.change(env=[{"name": "A", "value": "1"}])
    await world.settle()
    assert history(world) == [(2, "a", "Deployed", True), (1, "a", "Deployed", False)]


async def test_a_rollback_and_its_end_build_nothing() -> None:
    world = await pushed(World(), COMMIT, NEXT)
    jobs = list(world.jobs_made)
    world.change(source={"git": {"commit": COMMIT}})
    await world.settle()
    assert image(world).endswith(digest_of(COMMIT))
    assert history(world) == [(3, "a", "Deployed", True), (2, "b", "Deployed", False)]
    world.change(source={"git": {"commit": None}})
    await world.settle()
    assert image(world).endswith(digest_of(NEXT))
    assert history(world) == [(4, "b", "Deployed", True), (3, "a", "Deployed", False)]
    assert world.jobs_made == jobs


async def test_a_rollback_under_a_newer_planner_builds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    world = await pushed(World(), COMMIT, NEXT)
    jobs = list(world.jobs_made)
    monkeypatch.setattr("ink_operator.inkservice.facts.source.PLANNER_VERSION", "next")
    world.change(source={"git": {"commit": COMMIT}})
    await world.settle()
    assert image(world).endswith(digest_of(COMMIT))
    assert world.jobs_made == jobs


async def test_a_rollback_needs_neither_registry_nor_jobs() -> None:
    world = await pushed(World(), COMMIT, NEXT)
    forget(world, JOB)
    world.registry_answers = False
    world.change(source={"git": {"commit": COMMIT}})
    await world.settle()
    assert image(world).endswith(digest_of(COMMIT))
    assert world.condition("Ready") == ("True", "Ready")


async def test_an_image_that_is_gone_is_built_again() -> None:
    world = await pushed(World(), COMMIT, NEXT)
    forget(world, JOB)
    world.pushed.clear()
    jobs = len(world.jobs_made)
    world.change(source={"git": {"commit": COMMIT}})
    await world.run()
    assert len(world.of(JOB)) == 1
    await world.settle()
    assert image(world).endswith(digest_of(COMMIT))
    assert len(world.jobs_made) == jobs


@pytest.mark.parametrize("answers", [True, False])
async def test_a_deleted_deployment_comes_back_without_a_build(answers: bool) -> None:
    world = await pushed(World(), COMMIT, NEXT)
    jobs, before = list(world.jobs_made), world.children()
    forget(world, JOB)
    world.registry_answers = answers
    forget(world, DEPLOYMENT)
    await world.settle()
    assert image(world).endswith(digest_of(NEXT))
    assert world.jobs_made == jobs
    assert [c for c in before if '"Job"' not in c and '"Pod"' not in c and '"Secret"' not in c] == [
        c for c in world.children() if '"Pod"' not in c and '"Secret"' not in c
    ]


async def test_while_the_newest_build_fails_the_revision_deployed_last_comes_back() -> None:
    world = await pushed(World(), COMMIT, NEXT)
    world.change(source={"git": {"commit": COMMIT}})
    await world.settle()
    world.verdict = BAD
    world.branch = Head(THIRD)
    world.change(source={"git": {"commit": None}})
    await world.settle()
    forget(world, DEPLOYMENT)
    forget(world, JOB)
    await world.settle()
    assert image(world).endswith(digest_of(COMMIT))
    assert world.condition("Ready") == ("False", "BuildFailed")


async def test_what_was_deployed_comes_back_while_a_build_runs() -> None:
    world = await World().settle()
    world.branch, world.verdict = Head(NEXT), None
    await world.settle()
    forget(world, DEPLOYMENT)
    await world.settle()
    assert image(world).endswith(digest_of(COMMIT))
    assert world.condition("Built") == ("Unknown", "Building")


async def test_a_failed_build_is_remembered_without_its_job() -> None:
    world = await World().settle()
    world.branch, world.verdict = Head(NEXT), BAD
    await world.settle()
    told = [c.message for c in world.status.conditions]
    jobs = list(world.jobs_made)
    forget(world, JOB)
    world.verdict = GOOD
    await world.settle()
    assert world.jobs_made == jobs
    assert world.of(JOB) == []
    assert world.condition("Ready") == ("False", "BuildFailed")
    assert [c.message for c in world.status.conditions] == told
    assert history(world) == [(2, "b", "BuildFailed", False), (1, "a", "Deployed", True)]


@pytest.mark.parametrize("verdict", [GOOD, {**BAD, "reason": "ScanBlocked"}], ids=["built", "blocked"])
async def test_what_a_build_found_in_its_source_is_told_as_long_as_the_build_is(verdict: dict[str, Any]) -> None:
    world = World()
    worst = {"severity": "high", "package": "left-pad", "version": "1", "advisory": "CVE-1"}
    scan = {"vulnerabilities": {"high": 2}, "worst": [worst], "more": 1}
    world.verdict = {**verdict, "scan": scan}
    await world.settle()
    told = world.status.build
    assert told is not None
    assert told.scan is not None
    assert told.scan.to_wire() == scan
    forget(world, JOB)
    live = world.cr()
    del live["status"]
    world.cluster.put(live)
    await world.settle()
    assert world.status.build == told


async def test_a_new_try_at_a_failed_build_counts_on() -> None:
    world = World()
    world.verdict = {**BAD, "infrastructure": True, "reason": "BuildInfrastructure"}
    for _ in range(4):
        await world.run()
        world.controllers()
    forget(world, JOB)
    (record,) = world.of(CONTROLLER_REVISION)
    record["data"]["build"]["finished"] = "2020-01-01T00:00:00Z"
    world.verdict = GOOD
    await world.settle()
    assert world.jobs_made[-1].endswith("-2")


async def test_a_higher_limit_tries_again_what_ran_out_of_time() -> None:
    world = World()
    world.verdict = {**BAD, "reason": "BuildTimeout"}
    await world.settle()
    forget(world, JOB)
    world.change(build={"timeout": "10m"})
    await world.settle()
    assert world.condition("Ready") == ("False", "BuildTimeout")
    world.verdict = GOOD
    world.change(build={"timeout": "30m"})
    await world.settle()
    assert world.condition("Ready") == ("True", "Ready")
    assert world.jobs_made[-1].endswith("-2")


def report(world: World) -> Any:
    """The status but for the moments at which conditions changed."""
    wire = world.status.to_wire()
    for condition in wire["conditions"]:
        del condition["lastTransitionTime"]
    return wire


async def rolled_back(world: World) -> None:
    await pushed(world, COMMIT, NEXT)
    world.change(source={"git": {"commit": COMMIT}})
    await world.settle()


async def broken(world: World) -> None:
    await world.settle()
    world.verdict = BAD
    await pushed(world, NEXT)


async def not_released(world: World) -> None:
    await world.settle()
    world.release = {"exitCode": 1, "message": "no such table"}
    world.change(release={"command": ["migrate"]})
    await pushed(world, NEXT)


async def suspended(world: World) -> None:
    await world.settle()
    world.change(suspend=True)
    await world.settle()


@pytest.mark.parametrize("story", [rolled_back, broken, not_released, suspended], ids=lambda s: s.__name__)
async def test_a_lost_status_changes_nothing_but_the_next_report(story: Any) -> None:
    world = World()
    await story(world)
    forget(world, JOB)
    await world.settle()
    before, children, jobs, writes = report(world), world.children(), list(world.jobs_made), world.cluster.writes
    world.cr()["status"] = {}
    await world.settle()
    assert report(world) == before
    assert world.children() == children
    assert world.jobs_made == jobs
    assert world.cluster.writes == writes + 1


async def test_lost_records_are_made_again_from_what_runs() -> None:
    world = await pushed(World(), COMMIT, NEXT)
    forget(world, CONTROLLER_REVISION)
    await world.settle()
    assert history(world) == [(1, "b", "Deployed", True)]
    writes = world.cluster.writes
    await world.run()
    assert world.cluster.writes == writes


async def test_no_more_than_the_last_revisions_are_kept_and_never_without_the_one_that_runs() -> None:
    world = await pushed(World(), *(f"{n:x}" * 40 for n in range(1, 14)))
    assert [number for number, *_ in history(world)] == list(range(13, 3, -1))
    world.verdict = BAD
    await pushed(world, *(f"{n:02x}" * 20 for n in range(20, 28)))
    failed = [reason for *_, reason, _ in history(world) if reason == "BuildFailed"]
    assert len(failed) == 5
    assert (13, "d", "Deployed", True) in history(world)
    assert len(history(world)) == 15


async def test_a_record_that_somebody_else_made_is_never_taken_over() -> None:
    calm = await World().settle()
    (ours,) = calm.of(CONTROLLER_REVISION)
    foreign = {**ours, "metadata": {"name": ours["metadata"]["name"], "namespace": ours["metadata"]["namespace"]}}
    world = World()
    world.cluster.put({**foreign, "data": {"mine": True}})
    for _ in range(6):
        await world.run()
        world.controllers()
    assert world.condition("Ready") == ("False", "NameConflict")
    assert [r["data"] for r in world.of(CONTROLLER_REVISION)] == [{"mine": True}]


async def test_a_record_of_an_earlier_service_of_the_name_is_renewed() -> None:
    calm = await World().settle()
    (old,) = calm.of(CONTROLLER_REVISION)
    world = World()
    labels = {**old["metadata"]["labels"], "ml.ink/owner-uid": "cr-before"}
    world.cluster.put({**old, "metadata": {**old["metadata"], "labels": labels, "uid": "old"}, "revision": 7})
    for _ in range(3):
        with contextlib.suppress(Transient):
            await world.run()
        world.controllers()
    assert history(await world.settle()) == [(1, "a", "Deployed", True)]


async def test_two_records_never_keep_one_number() -> None:
    world = await pushed(World(), COMMIT, NEXT)
    for record in world.of(CONTROLLER_REVISION):
        record["revision"] = 5
    await world.settle()
    assert sorted(number for number, *_ in history(world)) == [5, 6]


@pytest.mark.parametrize(
    "change",
    [
        {"data": {"image": "registry.example.com/evil@sha256:1", "buildKey": "x"}},
        {"data": "x"},
        {"data": {"attempt": {"key": 1, "number": "x"}}},
        {"revision": -1},
        {"revision": 2**40},
    ],
)
async def test_a_forged_record_says_nothing(change: dict[str, Any]) -> None:
    world = await World().settle()
    (record,) = world.of(CONTROLLER_REVISION)
    forged: Manifest = {**record, **change, "metadata": {**record["metadata"], "name": "web-forged", "uid": "f"}}
    world.cluster.put(forged)
    before = history(world)
    await world.settle()
    assert history(world) == before


# builds that are overtaken -------------------------------------------------------------------------------------------


async def building(world: World, commit: str) -> None:
    """Pushed, and its build does not end."""
    world.branch, world.verdict = Head(commit), None
    for _ in range(3):
        await world.run()
        world.controllers()


def end_builds(world: World) -> None:
    """Builds that run come to a good end."""
    world.verdict = GOOD
    forget(world, POD)
    world.controllers()


async def test_a_build_that_a_newer_commit_ends_is_recorded_before_its_job_goes() -> None:
    world = await World().settle()
    await building(world, NEXT)
    await building(world, THIRD)
    assert history(world)[0] == (2, "b", "Superseded", False)
    world.verdict = GOOD
    await world.settle()
    assert history(world)[0] == (3, "c", "Deployed", True)


async def test_steady_pushing_does_not_starve_a_service() -> None:
    """The third build is let be and deployed, although a newer commit waits; then that one follows."""
    world = await World().settle()
    for commit in ("b", "c", "d", "e"):
        await building(world, commit * 40)
    running = [job["metadata"]["labels"]["ml.ink/commit"][0] for job in world.of(JOB)]
    assert "d" in running
    assert "e" not in running
    assert "Building commit dddd" in next(c.message for c in world.status.conditions if c.type == "Built")
    end_builds(world)
    await world.run()
    assert image(world).endswith(digest_of("d" * 40))
    await world.settle()
    assert image(world).endswith(digest_of("e" * 40))
    assert world.condition("Ready") == ("True", "Ready")


async def test_a_person_who_pins_or_changes_settings_waits_for_no_build() -> None:
    world = await World().settle()
    for commit in ("b", "c", "d"):
        await building(world, commit * 40)
    world.change(source={"git": {"commit": COMMIT}})
    world.verdict = GOOD
    await world.settle()
    assert image(world).endswith(digest_of(COMMIT))
    assert "d" not in [job["metadata"]["labels"]["ml.ink/commit"][0] for job in world.of(JOB)]
