"""create_service: checked before written, idempotent, honest about waiting."""

import asyncio
from typing import Any

import pytest
from ink_gateway.actions.create import CreateService, parse
from ink_gateway.errors import Denied, GatewayError, InvalidArgument, NotFound
from ink_gateway.ports import Principal
from ink_gateway.views import ServiceView
from unit.gateway.world import BUILD_FAILED, BUILDING, CALLER, LIVE, World, condition

CR = "acme.default.web"


class Caller:
    """Calls create_service as the tool does."""

    def __init__(self, world: World, principal: Principal = CALLER) -> None:
        self.world, self.principal = world, principal
        self.create = CreateService(world.platform)
        self.told: list[str] = []

    async def __call__(self, *, wait: int = 0, **arguments: Any) -> ServiceView:
        given: dict[str, Any] = {
            "repo": "shop", "host": "ml.ink", "branch": "main", "name": "web", "project": "default",
            "build_pack": "railpack", "port": None, "env_vars": None, "memory": None, "cpu": None,
            "install_command": None, "build_command": None, "start_command": None,
        }  # fmt: skip
        wanted = parse(self.world.platform, self.principal, **(given | arguments))
        return await self.create(self.principal, wanted, wait, self._progress)

    async def _progress(self, progress: float, total: float, message: str) -> None:
        self.told.append(message)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def create(world: World) -> Caller:
    return Caller(world)


def spec(world: World, name: str = CR) -> dict[str, Any]:
    return dict(world.services.objects["ink-tenants", name]["spec"])


async def test_a_new_service_is_written_whole_and_answers_with_the_next_step(world: World, create: Caller) -> None:
    answer = await create(
        port=3000, env_vars={"A": "1"}, memory="256Mi", cpu="250m", start_command="run", build_pack="auto"
    )
    assert answer.state == "building"
    assert answer.next_step is not None
    assert "get_service(name='web')" in answer.next_step
    written = spec(world)
    assert written["source"]["git"] == {
        "url": "https://git.localhost:8443/acme/shop.git", "branch": "main", "auth": {"internal": {}},
    }  # fmt: skip
    assert written["build"] == {"pack": "Auto"}
    assert written["ports"] == [{"name": "http", "port": 3000, "protocol": "HTTP", "visibility": "Public"}]
    assert [entry["name"] for entry in written["env"]] == ["A"]
    assert written["resources"] == {"limits": {"cpu": "250m", "memory": "256Mi"}}
    assert written["command"] == ["/bin/sh", "-c", "run"]
    assert "subdomain" not in written


async def test_the_same_call_again_changes_nothing(world: World, create: Caller) -> None:
    await create(env_vars={"A": "1"})
    before = dict(world.services.objects["ink-tenants", CR]["metadata"])
    await create(env_vars={"A": "1"})
    after = world.services.objects["ink-tenants", CR]["metadata"]
    assert (after["uid"], after["generation"]) == (before["uid"], before["generation"])


async def test_settings_that_are_not_given_again_stay(world: World, create: Caller) -> None:
    await create(env_vars={"A": "1"}, memory="256Mi", port=3000)
    env = spec(world)["env"]
    await create(cpu="1")
    written = spec(world)
    assert written["env"] == env
    assert written["resources"] == {"limits": {"cpu": "1", "memory": "256Mi"}}
    assert written["ports"][0]["port"] == 3000


async def test_a_name_that_deploys_another_repository_is_taken(world: World, create: Caller) -> None:
    await create()
    world.repositories.add("acme", "blog")
    with pytest.raises(GatewayError, match=r"NameTaken.*shop.git.*another name"):
        await create(repo="blog")
    assert spec(world)["source"]["git"]["url"].endswith("/shop.git")


async def test_a_repository_that_is_not_there_is_said_and_nothing_is_written(world: World, create: Caller) -> None:
    with pytest.raises(NotFound, match=r"RepositoryNotFound.*create_repo"):
        await create(repo="nowhere")
    assert world.services.writes == []


async def test_an_empty_repository_is_accepted_with_the_way_to_push(world: World, create: Caller) -> None:
    world.repositories.add("acme", "new", empty=True)
    answer = await create(repo="new", wait=60)
    assert answer.next_step is not None
    assert "get_git_token('new')" in answer.next_step


@pytest.mark.parametrize("repo", ["acme/shop", "shop.git", "https://git.localhost:8443/acme/shop.git"])
async def test_a_repository_may_be_written_in_several_ways(world: World, create: Caller, repo: str) -> None:
    await create(repo=repo)
    assert spec(world)["source"]["git"]["url"] == "https://git.localhost:8443/acme/shop.git"


async def test_another_workspaces_repository_is_denied(world: World, create: Caller) -> None:
    world.repositories.add("evil", "shop")
    with pytest.raises(Denied, match="ReferenceDenied"):
        await create(repo="evil/shop")
    assert world.services.writes == []


async def test_a_github_repository_needs_no_repository_here(world: World, create: Caller) -> None:
    await create(repo="octo/Hello-World", host="github.com")
    assert spec(world)["source"]["git"] == {"url": "https://github.com/octo/Hello-World.git", "branch": "main"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"name": "My App"}, "name: 'My App' is not a DNS label.*such as 'my-app'"),
        ({"name": "1web"}, "not a DNS label.*such as 'web'"),
        ({"name": "a" * 53}, "at most 52"),
        ({"name": ""}, "not a DNS label"),
        ({"project": "a--b"}, "project"),
        ({"host": "gitlab.com"}, "host: 'gitlab.com' is not a supported host.*github.com"),
        ({"branch": "a..b"}, "branch"),
        ({"build_pack": "nix"}, "build_pack: 'nix' is not a build pack.*railpack"),
        ({"port": 0}, "port: 0"),
        ({"port": 65536}, "from 1 to 65535"),
        ({"memory": "512MB"}, "memory: '512MB'.*512Mi"),
        ({"memory": "512"}, "memory: '512' is 512 bytes.*for example '512Mi'"),
        ({"memory": "1Ki"}, "memory: '1Ki'.*at least 16Mi"),
        ({"cpu": "0"}, "cpu: '0'"),
        ({"env_vars": {"1A": "x"}}, "'1A' is not a valid variable name"),
        ({"env_vars": {"A": ["x"]}}, "value of A is not text"),
        ({"start_command": ""}, "start_command"),
        ({"repo": "../../x"}, "repo"),
        ({"repo": "owner", "host": "github.com"}, "owner/name"),
    ],
)
async def test_bad_arguments_are_named_with_a_remedy_and_nothing_is_written(
    world: World, create: Caller, arguments: dict[str, Any], words: str
) -> None:
    with pytest.raises((InvalidArgument, Denied), match=words):
        await create(**arguments)
    assert world.services.writes == []


async def test_values_of_variables_stay_out_of_errors(create: Caller) -> None:
    with pytest.raises(InvalidArgument) as refused:
        await create(env_vars={"A": "hunter2" + "x" * 40_000})
    assert "hunter2" not in str(refused.value)


async def test_a_host_that_another_workspace_has_gets_a_suffix_that_stays(world: World, create: Caller) -> None:
    world.repositories.add("other", "shop")
    await Caller(world, Principal("other", "k", CALLER.scopes))()
    await create()
    first = spec(world)["subdomain"]
    assert first.startswith("web-")
    assert len(first) == len("web-") + 4
    del world.services.objects["ink-tenants", "other.default.web"]
    await create(port=1234)
    assert spec(world)["subdomain"] == first


@pytest.mark.parametrize("reason", ["HostTaken", "HostReserved"])
async def test_a_host_that_only_the_operator_knows_to_be_taken_gets_a_suffix_too(
    world: World, create: Caller, reason: str
) -> None:
    """Kept for the tenant who had it yesterday, say."""
    call = asyncio.create_task(create(wait=30))
    await until(lambda: ("ink-tenants", CR) in world.services.objects)
    refused = [condition(kind, "False", reason) for kind in ("Routed", "Ready")]
    await world.services.status(CR, conditions=[*refused, condition("Stalled", "True", reason)])
    await until(lambda: "subdomain" in spec(world))
    await world.services.status(CR, **LIVE)
    assert (await call).state == "live"
    assert spec(world)["subdomain"].startswith("web-")


async def test_without_waiting_the_same_call_again_takes_another_host(world: World, create: Caller) -> None:
    await create()
    taken = [condition("Ready", "False", "HostTaken"), condition("Stalled", "True", "HostTaken")]
    await world.services.status(CR, conditions=taken)
    answer = await create()
    assert spec(world)["subdomain"].startswith("web-")
    await world.services.status(CR, conditions=taken)
    again = await create()
    assert (again.state, spec(world)["subdomain"]) == ("failed", spec(world)["subdomain"])
    assert answer.next_step != again.next_step


async def test_a_key_without_the_scope_writes_nothing(world: World) -> None:
    with pytest.raises(Denied, match=r"ScopeMissing.*write"):
        await Caller(world, Principal("acme", "k", frozenset({"read"})))()
    assert world.services.writes == []


async def test_waiting_ends_when_the_service_is_live_and_tells_the_way(world: World, create: Caller) -> None:
    call = asyncio.create_task(create(wait=30))
    await until(lambda: ("ink-tenants", CR) in world.services.objects)
    await world.services.status(CR, **BUILDING)
    await until(lambda: len(create.told) >= 2)
    await world.services.status(CR, **LIVE)
    answer = await asyncio.wait_for(call, 5)
    assert (answer.state, answer.url, answer.next_step) == ("live", LIVE["url"], None)
    assert create.told == ["building", "building", "live"]


async def test_waiting_ends_when_the_build_has_failed(world: World, create: Caller) -> None:
    call = asyncio.create_task(create(wait=30))
    await until(lambda: ("ink-tenants", CR) in world.services.objects)
    await world.services.status(CR, **BUILD_FAILED)
    answer = await asyncio.wait_for(call, 5)
    assert (answer.state, answer.reason, answer.message) == ("failed", "BuildFailed", "step 3 failed")
    assert answer.remedy


async def test_waiting_has_an_end(create: Caller) -> None:
    answer = await asyncio.wait_for(create(wait=1), 5)
    assert answer.state == "building"


async def test_a_service_that_is_deleted_while_waiting_is_said(world: World, create: Caller) -> None:
    call = asyncio.create_task(create(wait=30))
    await until(lambda: ("ink-tenants", CR) in world.services.objects)
    await world.services.gone(CR)
    with pytest.raises(NotFound, match="deleted while"):
        await asyncio.wait_for(call, 5)


async def test_a_service_on_its_way_out_is_not_taken_over(world: World, create: Caller) -> None:
    await create()
    await world.services.delete(CR)
    with pytest.raises(GatewayError, match="BeingDeleted"):
        await create()


async def until(condition: Any) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0)
