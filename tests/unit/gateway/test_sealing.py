"""What create_service makes of variables, and what get_service shows of them."""

import json
from typing import Any

import pytest
from ink_api.sealing import Binding, SealedValueError, value_of
from ink_gateway.actions.create import CreateService
from ink_gateway.actions.services import ServiceActions
from ink_gateway.actions.spec import ServiceRequest
from ink_gateway.addresses import address
from ink_gateway.errors import PartUnavailable
from joserfc import jwe
from joserfc.jwk import ECKey
from unit.gateway.world import CALLER, GIT, LIVE, World

CR = "acme.default.web"
SECRET = "hunter2-in-the-open $$ $(PORT)"


@pytest.fixture
def world() -> World:
    return World()


async def create(world: World, **env: str) -> list[dict[str, Any]]:
    """spec.env after create_service with these variables."""
    source = address("shop", "ml.ink", "acme", GIT)
    wanted = ServiceRequest("acme", "default", "web", source, "main", "Auto", env_vars=env)
    await CreateService(world.platform)(CALLER, wanted)
    entries: list[dict[str, Any]] = world.services.objects["ink-tenants", CR]["spec"]["env"]
    return entries


def opened(world: World, sealed: str, binding: Binding) -> str:
    plaintext = jwe.decrypt_compact(sealed, world.sealing.key, algorithms=["ECDH-ES+A256KW", "A256GCM"]).plaintext
    assert plaintext is not None
    return value_of(binding, plaintext)


async def test_values_are_sealed_for_the_one_variable_of_the_one_service(world: World) -> None:
    (entry,) = await create(world, TOKEN=SECRET)
    sealed = entry["valueFrom"]["sealed"]
    assert opened(world, sealed, Binding("acme", "default", "web", "TOKEN")) == SECRET
    for other in (
        Binding("other", "default", "web", "TOKEN"),
        Binding("acme", "", "web", "TOKEN"),
        Binding("acme", "default", "other", "TOKEN"),
        Binding("acme", "default", "web", "OTHER"),
    ):
        with pytest.raises(SealedValueError, match="another"):
            opened(world, sealed, other)


async def test_the_resource_holds_no_value(world: World) -> None:
    await create(world, TOKEN=SECRET)
    assert SECRET not in json.dumps([world.services.objects["ink-tenants", CR], str(world.services.writes)])


async def test_only_a_changed_value_is_sealed_anew(world: World) -> None:
    before = {e["name"]: e for e in await create(world, A="1", B="2")}
    again = {e["name"]: e for e in await create(world, B="2", A="1")}
    assert again == before
    changed = {e["name"]: e for e in await create(world, A="1", B="3")}
    assert changed["A"] == before["A"]
    assert changed["B"]["valueFrom"]["sealedDigest"] != before["B"]["valueFrom"]["sealedDigest"]


async def test_equal_values_of_two_variables_do_not_look_equal(world: World) -> None:
    digests = {entry["valueFrom"]["sealedDigest"] for entry in await create(world, A="1", B="1")}
    assert len(digests) == 2


async def test_a_value_sealed_to_a_lost_key_is_sealed_anew(world: World) -> None:
    before = await create(world, A="1")
    world.sealing.key = ECKey.generate_key("P-256")
    (after,) = await create(world, A="1")
    assert after["valueFrom"]["sealed"] != before[0]["valueFrom"]["sealed"]
    assert opened(world, after["valueFrom"]["sealed"], Binding("acme", "default", "web", "A")) == "1"


async def test_without_a_key_nothing_is_written(world: World) -> None:
    world.sealing.published = False
    with pytest.raises(PartUnavailable, match="sealing keys"):
        await create(world, A=SECRET)
    assert not world.services.objects


async def test_no_variables_at_all_need_no_key(world: World) -> None:
    world.sealing.published = False
    assert await create(world) == []


async def test_what_is_not_deployed_yet_is_not_shown(world: World) -> None:
    await create(world, A="1", B="2")
    await world.services.status(CR, **LIVE)
    world.environments.known = {"A": "1"}
    actions = ServiceActions(world.platform)
    answer = await actions.get(CALLER, "web", "default", include_env=True)
    assert answer.env == {"A": "1", "B": "(sealed; shown after the deployment)"}
    assert (await actions.get(CALLER, "web", "default")).env is None
