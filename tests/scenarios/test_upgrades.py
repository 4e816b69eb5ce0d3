"""A newer operator has other defaults: what runs stays as it is until something is asked of it."""

import copy

import pytest
from ink_api.inkservice.workload import DEFAULT_MEMORY
from ink_operator.core.canonical import parse_quantity
from ink_operator.core.kinds import DEPLOYMENT, JOB
from ink_operator.core.objects import Manifest
from ink_operator.inkservice.facts import effective, source
from ink_operator.ports import Head
from ink_operator.settings import Pool
from scenarios.world import GOOD, World, git_spec

IMAGE = {"source": {"image": {"ref": "registry.example.com/shop@sha256:" + "1" * 64}}}
LARGE = "x" * 4000
NEWER_MEMORY = f"{int(parse_quantity(DEFAULT_MEMORY) / 1024**2) + 256}Mi"


def deployment(world: World) -> Manifest:
    (found,) = world.of(DEPLOYMENT)
    return found


def template(world: World) -> Manifest:
    found: Manifest = copy.deepcopy(deployment(world)["spec"]["template"])
    return found


async def upgraded(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The next version: another default memory in the code, another pool in the settings, another planner."""
    monkeypatch.setattr(effective, "DEFAULT_MEMORY", NEWER_MEMORY)
    monkeypatch.setattr(source, "PLANNER_VERSION", "3")
    object.__setattr__(world.settings, "run_pool", Pool({"disk": "fast"}))
    return await world.settle()


@pytest.mark.parametrize("spec", [git_spec(), {**IMAGE, "replicas": 1}], ids=["git", "image"])
async def test_an_upgrade_restarts_nothing_and_builds_nothing(
    spec: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await World(spec).settle()
    before, jobs = template(world), list(world.jobs_made)
    await upgraded(world, monkeypatch)
    assert template(world) == before
    assert world.jobs_made == jobs
    assert world.condition("Ready") == ("True", "Ready")
    writes = world.cluster.writes
    await world.run()
    assert world.cluster.writes == writes


async def test_scaling_after_an_upgrade_restarts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    world = await World().settle()
    before = template(world)
    await upgraded(world, monkeypatch)
    world.change(replicas=3, subdomain="other")
    await world.settle()
    assert deployment(world)["spec"]["replicas"] == 3
    assert template(world) == before


@pytest.mark.parametrize(
    "asked",
    [{"env": [{"name": "A", "value": "1"}]}, {"restartedAt": "now"}, {"args": ["x"]}],
    ids=lambda a: next(iter(a)),
)
async def test_what_is_newly_asked_comes_with_the_new_defaults(
    asked: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await upgraded(await World().settle(), monkeypatch)
    world.change(**asked)
    await world.settle()
    pods = template(world)["spec"]
    assert pods["nodeSelector"] == {"disk": "fast"}
    assert pods["containers"][0]["resources"]["limits"]["memory"] == NEWER_MEMORY


async def test_a_new_commit_comes_with_the_new_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    world = await upgraded(await World().settle(), monkeypatch)
    world.branch, world.verdict = Head("b" * 40), {**GOOD, "digest": "sha256:" + "e" * 64}
    await world.settle()
    assert len(world.of(JOB)) == 2
    assert template(world)["spec"]["nodeSelector"] == {"disk": "fast"}


async def test_an_edit_by_hand_is_undone_to_what_ran_before_the_upgrade(monkeypatch: pytest.MonkeyPatch) -> None:
    world = await World().settle()
    before = template(world)
    await upgraded(world, monkeypatch)
    live = deployment(world)
    live["spec"]["template"]["spec"]["containers"][0]["image"] = "example.com/other"
    await world.settle()
    assert template(world) == before


async def test_a_broken_note_falls_back_to_the_defaults_of_today(monkeypatch: pytest.MonkeyPatch) -> None:
    world = await World().settle()
    deployment(world)["metadata"]["annotations"]["ml.ink/template"] = '{"spec": 1}'
    await upgraded(world, monkeypatch)
    assert template(world)["spec"]["nodeSelector"] == {"disk": "fast"}


async def test_a_template_too_large_for_a_note_still_runs() -> None:
    world = await World(git_spec(env=[{"name": f"V{n}", "value": LARGE} for n in range(60)])).settle()
    assert world.condition("Ready") == ("True", "Ready")
    assert "ml.ink/template" not in deployment(world)["metadata"]["annotations"]
