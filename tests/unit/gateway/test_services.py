"""list, get, redeploy and delete."""

from copy import deepcopy
from typing import Any

import pytest
from ink_gateway.actions.services import ServiceActions
from ink_gateway.actions.spec import manifest
from ink_gateway.errors import GatewayError, InvalidArgument, NotFound, PartUnavailable
from ink_gateway.ports import Principal
from unit.gateway.world import BUILD_FAILED, BUILDING, CALLER, COMMIT, LIVE, NOW, World, condition

GIT: dict[str, Any] = {"url": "https://git.localhost:8443/acme/shop.git", "branch": "main", "auth": {"internal": {}}}
CR = "acme.default.web"


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def actions(world: World) -> ServiceActions:
    return ServiceActions(world.platform)


async def a_service(world: World, name: str = "web", status: dict[str, Any] | None = None, **spec: Any) -> None:
    workspace, project, short = f"acme.default.{name}".rsplit(".", 2) if "." not in name else name.split(".")
    body = manifest(workspace, project, short, "ink-tenants", {"source": {"git": deepcopy(GIT)}, **spec})
    await world.services.apply(body)
    if status is not None:
        await world.services.status(f"{workspace}.{project}.{short}", **status)
    world.services.writes.clear()


async def test_the_list_holds_the_callers_workspace_only(world: World, actions: ServiceActions) -> None:
    await a_service(world, "web", LIVE)
    await a_service(world, "other.default.web", LIVE)
    await a_service(world, "acme.staging.api", BUILDING)
    answer = await actions.list_all(CALLER)
    assert [(s.name, s.project, s.state) for s in answer.services] == [
        ("web", "default", "live"),
        ("api", "staging", "building"),
    ]
    assert answer.services[0].url == LIVE["url"]


async def test_names_of_other_workspaces_cannot_be_reached(world: World, actions: ServiceActions) -> None:
    await a_service(world, "other.default.web", LIVE)
    with pytest.raises(NotFound):
        await actions.get(CALLER, "web", "default")
    for name in ("other.default.web", "../other.default.web", "web%2f"):
        with pytest.raises(InvalidArgument):
            await actions.get(CALLER, name, "default")


async def test_values_of_variables_are_shown_only_on_request(world: World, actions: ServiceActions) -> None:
    await a_service(world, status=LIVE, env=[{"name": "TOKEN", "value": "hunter2"}])
    quiet = await actions.get(CALLER, "web", "default")
    assert quiet.env_names == ["TOKEN"]
    assert "hunter2" not in quiet.model_dump_json()
    assert (await actions.get(CALLER, "web", "default", include_env=True)).env == {"TOKEN": "hunter2"}


async def test_dollar_signs_of_plain_values_are_shown_as_a_pod_reads_them(
    world: World, actions: ServiceActions
) -> None:
    await a_service(world, env=[{"name": "A", "value": "pa$$$$word $$(PORT) $$"}])
    assert (await actions.get(CALLER, "web", "default", include_env=True)).env == {"A": "pa$$word $(PORT) $"}


async def test_a_failed_build_brings_its_log_along(world: World, actions: ServiceActions) -> None:
    await a_service(world, status=BUILD_FAILED)
    world.logs.build_lines = ["step 3", "\x1b[31mERROR\x1b[0m no such file \u202e"]
    answer = await actions.get(CALLER, "web", "default")
    assert answer.deploy_log == ["step 3", "ERROR no such file "]
    assert answer.runtime_log is None
    assert answer.remedy


async def test_a_crashing_application_brings_its_own_log_along(world: World, actions: ServiceActions) -> None:
    status = {
        "conditions": [condition("Built", "True", "Built"), condition("Ready", "False", "CrashLooping", "exit 1")]
    }
    await a_service(world, status=status)
    world.logs.runtime_lines = ["Traceback"]
    answer = await actions.get(CALLER, "web", "default")
    assert (answer.state, answer.reason, answer.runtime_log) == ("failed", "CrashLooping", ["Traceback"])


async def test_logs_of_a_live_service_come_on_request_and_bounded(world: World, actions: ServiceActions) -> None:
    await a_service(world, status=LIVE)
    world.logs.runtime_lines = [f"line {n}" + "x" * 600 for n in range(10)]
    assert (await actions.get(CALLER, "web", "default")).runtime_log is None
    answer = await actions.get(CALLER, "web", "default", runtime_log_lines=3)
    assert answer.runtime_log is not None
    assert [line[:6] for line in answer.runtime_log] == ["line 7", "line 8", "line 9"]
    assert max(map(len, answer.runtime_log)) == 500
    with pytest.raises(InvalidArgument, match="0 to 500"):
        await actions.get(CALLER, "web", "default", runtime_log_lines=501)


async def test_a_log_that_is_gone_is_said(world: World, actions: ServiceActions) -> None:
    await a_service(world, status=LIVE)
    answer = await actions.get(CALLER, "web", "default", deploy_log_lines=5)
    assert answer.deploy_log is not None
    assert "no log" in answer.deploy_log[0]


async def test_an_unknown_name_brings_close_ones(world: World, actions: ServiceActions) -> None:
    await a_service(world, "web", LIVE)
    with pytest.raises(NotFound, match=r"no service 'wbe'.*Similar names: web\..*list_services"):
        await actions.get(CALLER, "wbe", "default")
    with pytest.raises(NotFound, match=r"web \(project default\)"):
        await actions.get(CALLER, "web", "staging")


async def test_redeploy_of_a_moved_branch_hints_at_the_new_head(world: World, actions: ServiceActions) -> None:
    await a_service(world, status=LIVE)
    world.heads.answer = "d" * 40
    answer = await actions.redeploy(CALLER, "web", "default")
    assert answer.action == "new_commit"
    assert world.services.writes == [("hint", ("ink-tenants", CR, f"main@{'d' * 40}"))]


@pytest.mark.parametrize("reason", ["BuildFailed", "BuildInfrastructure"])
async def test_redeploy_after_a_failed_build_builds_again(world: World, actions: ServiceActions, reason: str) -> None:
    """Also where Ink would try again by itself, but later than somebody who asks wants it."""
    await a_service(world, status={**BUILD_FAILED, "conditions": [condition("Built", "False", reason, "no image")]})
    answer = await actions.redeploy(CALLER, "web", "default")
    assert (answer.action, answer.state) == ("rebuild", "building")
    assert world.services.objects["ink-tenants", CR]["spec"]["rebuildToken"]


async def test_redeploy_of_what_is_current_restarts_it(world: World, actions: ServiceActions) -> None:
    await a_service(world, status=LIVE, env=[{"name": "A", "value": "1"}])
    answer = await actions.redeploy(CALLER, "web", "default")
    assert answer.action == "restart"
    spec = world.services.objects["ink-tenants", CR]["spec"]
    assert spec["restartedAt"].startswith(NOW.isoformat()[:19])
    assert spec["env"] == [{"name": "A", "value": "1"}]
    assert spec["source"]["git"] == GIT


async def test_redeploy_works_while_heads_cannot_be_known(world: World, actions: ServiceActions) -> None:
    await a_service(world, status=LIVE)
    world.heads.answer = PartUnavailable("the resolver", "timeout")
    assert (await actions.redeploy(CALLER, "web", "default")).action == "restart"


async def test_redeploy_of_a_branch_that_is_gone_says_so(world: World, actions: ServiceActions) -> None:
    await a_service(world, status=LIVE)
    internal = world.platform.git_internal_url
    world.heads.answer = GatewayError("BranchNotFound", f"{internal}/acme/shop.git has no branch 'main'.", "Push it.")
    with pytest.raises(GatewayError, match=r"BranchNotFound: https://git.localhost:8443/acme/shop.git has"):
        await actions.redeploy(CALLER, "web", "default")
    assert world.services.writes == []


async def test_a_pinned_commit_is_restarted_not_moved(world: World, actions: ServiceActions) -> None:
    await a_service(world, status=LIVE, source={"git": {**GIT, "commit": COMMIT}})
    world.heads.answer = "d" * 40
    assert (await actions.redeploy(CALLER, "web", "default")).action == "restart"


async def test_deleting_twice_is_no_error(world: World, actions: ServiceActions) -> None:
    await a_service(world, "web", LIVE)
    await a_service(world, "weby", LIVE)
    assert (await actions.delete(CALLER, "web", "default")).state == "deleting"
    assert (await actions.delete(CALLER, "web", "default")).state == "deleting"
    await world.services.gone(CR)
    answer = await actions.delete(CALLER, "web", "default")
    assert answer.state == "deleted"
    assert "Similar names: weby" in answer.message


async def test_a_read_only_key_may_look_but_not_touch(world: World, actions: ServiceActions) -> None:
    await a_service(world, status=LIVE)
    reader = Principal("acme", "k", frozenset({"read"}))
    assert (await actions.get(reader, "web", "default")).state == "live"
    for refused in (actions.delete(reader, "web", "default"), actions.redeploy(reader, "web", "default")):
        with pytest.raises(GatewayError, match="ScopeMissing"):
            await refused
