"""What ink.yaml of a commit says of how it runs: applied where the spec says nothing, and kept with the revision."""

from __future__ import annotations

from typing import Any

import pytest
from ink_api.inkservice import EffectiveSettings
from ink_api.inkservice.workload import DEFAULT_MEMORY
from ink_operator.core.kinds import CONFIG_MAP, CONTROLLER_REVISION, DEPLOYMENT, INGRESS, JOB, SERVICE
from ink_operator.ports import Head
from scenarios.deaths import die_at_each_write
from scenarios.test_deaths import pin, tell
from scenarios.test_memory import forget, image
from scenarios.world import COMMIT, GOOD, World, digest_of

NEXT = "b" * 40
HEALTH = {"type": "HTTP", "path": "/healthz"}
SMALL, LARGE = {"limits": {"memory": "64Mi"}}, {"limits": {"memory": "1Gi"}}
ONE = {"args": ["--one"], "health": HEALTH, "resources": SMALL}
TWO = {"args": ["--two"], "resources": LARGE}
WORKER: dict[str, Any] = {"ports": []}


async def push(world: World, commit: str, config: dict[str, Any] | None) -> World:
    """A commit with that ink.yaml, live."""
    world.branch, world.verdict = Head(commit), {**GOOD, **({"config": config} if config is not None else {})}
    return await world.settle()


def container(world: World) -> Any:
    (deployment,) = world.of(DEPLOYMENT)
    return deployment["spec"]["template"]["spec"]["containers"][0]


def effective(world: World) -> EffectiveSettings:
    found = world.status.effective
    assert found is not None
    return found


def runs(world: World) -> tuple[list[str] | None, str, Any]:
    """Arguments, memory, and how it is asked."""
    now = container(world)
    return now.get("args"), now["resources"]["limits"]["memory"], now["readinessProbe"].get("httpGet")


RUNS_ONE = (["--one"], "64Mi", {"path": "/healthz", "port": 3000, "scheme": "HTTP"})
RUNS_TWO = (["--two"], "1Gi", None)


async def test_it_counts_where_the_spec_says_nothing_and_is_shown() -> None:
    world = await push(World(), COMMIT, ONE)
    assert runs(world) == RUNS_ONE
    told = effective(world)
    assert (told.args, told.health.path if told.health else "") == (["--one"], "/healthz")
    assert told.resources is not None
    assert told.resources.limits is not None
    assert told.resources.limits.memory == "64Mi"


async def test_the_spec_wins_field_by_field() -> None:
    world = World()
    world.change(args=["--spec"], resources={"limits": {"cpu": "1"}})
    await push(world, COMMIT, ONE)
    args, memory, health = runs(world)
    assert (args, memory, health) == (["--spec"], DEFAULT_MEMORY, RUNS_ONE[2])
    world.change(args=None, resources=None)
    await world.settle()
    assert runs(world) == RUNS_ONE
    assert len(world.jobs_made) == 1


async def test_arguments_for_another_command_are_not_given_to_the_specs() -> None:
    world = World()
    world.change(command=["/run"])
    await push(world, COMMIT, {"command": "serve --fast", **ONE})
    assert (container(world)["command"], container(world).get("args")) == (["/run"], None)
    world.change(command=None)
    await push(world, NEXT, {"command": "serve --fast"})
    assert container(world)["command"] == ["/bin/sh", "-c", "serve --fast"]


@pytest.mark.parametrize("lost", ["nothing", "jobs", "status", "registry", "workload"])
async def test_a_rollback_brings_the_settings_of_then_back(lost: str) -> None:
    world = await push(await push(World(), COMMIT, ONE), NEXT, TWO)
    assert runs(world) == RUNS_TWO
    jobs = list(world.jobs_made)
    if lost in {"jobs", "registry", "workload"}:
        forget(world, JOB)
    if lost == "status":
        world.cr()["status"] = {}
    if lost == "workload":
        forget(world, DEPLOYMENT)
        await world.settle()
        assert runs(world) == RUNS_TWO
    world.registry_answers = lost != "registry"
    world.change(source={"git": {"commit": COMMIT}})
    await world.settle()
    assert image(world).endswith(digest_of(COMMIT))
    assert runs(world) == RUNS_ONE
    world.change(source={"git": {"commit": None}})
    await world.settle()
    assert runs(world) == RUNS_TWO
    assert world.jobs_made == jobs


async def test_an_image_that_was_built_before_tells_it_itself() -> None:
    world = await push(World(), COMMIT, ONE)
    forget(world, JOB)
    forget(world, CONTROLLER_REVISION)
    forget(world, DEPLOYMENT)
    await world.settle()
    assert runs(world) == RUNS_ONE
    assert len(world.jobs_made) == 1


async def test_the_revision_keeps_it_and_the_next_one_without_has_the_defaults() -> None:
    world = await push(World(), COMMIT, ONE)
    (record,) = world.of(CONTROLLER_REVISION)
    assert record["data"]["inkfile"] == ONE
    await push(world, NEXT, None)
    assert runs(world) == (None, DEFAULT_MEMORY, None)
    (deployment,) = world.of(DEPLOYMENT)
    assert "ml.ink/inkfile" not in deployment["metadata"]["annotations"]


async def test_a_worker_has_no_host_and_gets_one_with_the_commit_that_serves() -> None:
    world = await push(World(), COMMIT, WORKER)
    assert (world.of(INGRESS), world.of(SERVICE), world.hosts()) == ([], [], [])
    assert world.condition("Routed") == ("True", "NotNeeded")
    assert world.status.url is None
    await push(world, NEXT, {"ports": [{"name": "http", "port": 9000}]})
    assert world.hosts() == ["web.apps.localhost"]
    assert container(world)["ports"][0]["containerPort"] == 9000
    assert world.condition("Ready") == ("True", "Ready")
    await push(world, "c" * 40, WORKER)
    assert (world.of(INGRESS), world.of(SERVICE), world.hosts()) == ([], [], [])


async def test_an_expired_worker_keeps_no_host() -> None:
    world = await push(World(), COMMIT, WORKER)
    world.cr()["metadata"]["creationTimestamp"] = "2020-01-01T00:00:00Z"
    world.change(ttl="1h")
    await world.settle(passes=60)
    assert world.hosts() == []


async def test_a_worker_that_wants_a_host_which_is_another_tenants_by_now_goes_on_as_it_is() -> None:
    world = await push(World(), COMMIT, WORKER)
    (claim,) = [c for c in world.of(CONFIG_MAP) if c["metadata"]["name"].startswith("host-")]
    claim["metadata"]["labels"] |= {"ml.ink/owner-uid": "other", "ml.ink/tenant": "evil"}
    claim["metadata"]["annotations"] = {"ml.ink/owner": "ink-tenants/evil.shop.web"}
    world.cluster.put(claim)
    await push(world, NEXT, {"ports": [{"name": "http", "port": 9000}]})
    assert world.condition("Ready") == ("False", "HostTaken")
    assert world.of(INGRESS) == []
    assert image(world).endswith(digest_of(COMMIT))
    assert len(world.jobs_made) == 2
    await push(world, "c" * 40, WORKER)
    assert world.condition("Ready") == ("True", "Ready")


@pytest.mark.parametrize(
    ("config", "spec", "reason", "says"),
    [
        ({"health": {"type": "MCP"}}, {}, "NotImplemented", "ink.yaml: health.type MCP: not supported yet."),
        (
            {"ports": [{"name": "db", "port": 5432, "protocol": "TCP"}]},
            {},
            "NotImplemented",
            "ink.yaml: ports with protocol TCP and visibility Public",
        ),
        (WORKER, {"health": {"path": "/"}}, "InvalidSpec", "ink.yaml leaves the service no port to check"),
    ],
)
async def test_what_cannot_be_is_said_and_what_runs_goes_on(
    config: dict[str, Any], spec: dict[str, Any], reason: str, says: str
) -> None:
    world = World()
    world.change(**spec)
    await push(world, COMMIT, None)
    await push(world, NEXT, config)
    assert world.condition("Built")[0] == "True"
    assert world.condition("Deployed") == ("False", reason)
    assert world.condition("Available")[0] == "True"
    assert says in next(c.message for c in world.status.conditions if c.type == "Ready")
    assert image(world).endswith(digest_of(COMMIT))
    await push(world, "c" * 40, None)
    assert world.condition("Ready") == ("True", "Ready")


@pytest.mark.parametrize(
    "config", [3, [], {"ports": "x"}, {"health": {"path": 1}}, {"env": [1]}, {"args": ["x"] * 400}]
)
async def test_what_is_no_ink_file_counts_as_none(config: Any) -> None:
    world = await push(World(), COMMIT, config)
    assert runs(world) == (None, DEFAULT_MEMORY, None)


async def test_a_cron_job_takes_arguments_and_resources_alone() -> None:
    world = World()
    world.change(cron={"schedule": "@daily"})
    await push(world, COMMIT, {**ONE, "health": {**HEALTH, "port": 1}, "ports": [{"name": "http", "port": 1}]})
    (run,) = [live for ref, live in world.cluster.objects.items() if ref.kind.kind == "CronJob"]
    (found,) = run["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert found["args"] == ["--one"]
    assert "readinessProbe" not in found
    assert world.condition("Ready") == ("True", "Ready")


def begin(world: World) -> None:
    world.verdict = {**GOOD, "config": ONE}


def become_worker(world: World) -> None:
    world.branch, world.verdict = Head(NEXT), {**GOOD, "config": WORKER}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_dying_at_any_write_ends_in_the_same_cluster(after: bool) -> None:
    story = (begin, become_worker, pin)
    calm = World()
    await tell(calm, story, [])
    assert runs(calm) == RUNS_ONE
    await die_at_each_write(calm, after, World, lambda world, told: tell(world, story, told))
