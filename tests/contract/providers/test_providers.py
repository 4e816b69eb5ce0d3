"""The suites, on the fakes and on every provider of the registries whose server there is."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, TypeVar, cast

import aiohttp
import pytest
from contract.providers.database_contract import DATABASE_CHECKS, DatabaseWorld
from contract.providers.dns_contract import DNS_CHECKS, DnsWorld
from contract.providers.faults_contract import Unable, World
from contract.providers.worlds import (
    DATABASE_WORLDS,
    DNS_WORLDS,
    FakeDatabases,
    FakeZones,
    PlainDatabases,
    PlainZones,
)
from ink_api.inkresource import PROVIDERS
from ink_operator.ports import KubernetesApi
from ink_operator.ports.databases import DatabaseProvider
from ink_operator.ports.dns import DnsProvider
from ink_operator.providers import Outside, Registry
from ink_operator.providers.databases import DATABASES
from ink_operator.providers.dns import DNS
from support.fakes.faults import PLATFORM_KEY, Guard

W = TypeVar("W", bound=World)
P = TypeVar("P")
FAKE_DATABASES: Registry[DatabaseProvider] = Registry(DATABASES.setting, {"SQLite/Fake": "support.fakes.databases"})
FAKE_DNS: Registry[DnsProvider] = Registry("INK_DNS_PROVIDERS", {"Fake": "support.fakes.dns"})
FAKE_ENVIRON = {"INK_FAKE_KEY": PLATFORM_KEY}


def named(check: Callable[..., Any]) -> str:
    return check.__name__


async def run(check: Callable[[W], Awaitable[None]], world: W) -> None:
    try:
        await check(world)
    except Unable:
        pytest.skip("this cannot be done to that server")


async def ended(check: Callable[[W], Awaitable[None]], world: W) -> bool:
    """Whether the check could be made."""
    world.pause_seconds = 0.0
    try:
        await check(world)
    except Unable:
        return False
    return True


@pytest.fixture
async def outside() -> AsyncIterator[Outside]:
    """For providers whose server is reached over the network."""
    async with aiohttp.ClientSession() as session:
        yield Outside(session, cast("KubernetesApi", None), Guard())


def made(registry: Registry[P], name: str, outside: Outside, environ: Mapping[str, str]) -> P:
    try:
        return registry.make(name, outside, environ)
    except ValueError as missing:
        pytest.skip(f"{name} has no server here: {missing}")


@pytest.mark.parametrize("check", DATABASE_CHECKS, ids=named)
async def test_databases_in_memory(check: Callable[[DatabaseWorld], Awaitable[None]]) -> None:
    await run(check, FakeDatabases())


@pytest.mark.parametrize("place", DATABASE_WORLDS)
@pytest.mark.parametrize("check", DATABASE_CHECKS, ids=named)
async def test_databases_of_a_server_started_here(
    check: Callable[[DatabaseWorld], Awaitable[None]], place: str, outside: Outside
) -> None:
    async with DATABASE_WORLDS[place](outside) as world:
        await run(check, world)


@pytest.mark.parametrize("place", DATABASES.modules)
@pytest.mark.parametrize("check", DATABASE_CHECKS, ids=named)
async def test_databases_of_the_server_that_the_environment_names(
    check: Callable[[DatabaseWorld], Awaitable[None]], place: str, outside: Outside
) -> None:
    await run(check, PlainDatabases(made(DATABASES, place, outside, os.environ)))


@pytest.mark.parametrize("check", DNS_CHECKS, ids=named)
async def test_zones_in_memory(check: Callable[[DnsWorld], Awaitable[None]]) -> None:
    await run(check, FakeZones())


@pytest.mark.parametrize("place", DNS_WORLDS)
@pytest.mark.parametrize("check", DNS_CHECKS, ids=named)
async def test_zones_of_a_server_started_here(
    check: Callable[[DnsWorld], Awaitable[None]], place: str, outside: Outside
) -> None:
    async with DNS_WORLDS[place](outside) as world:
        await run(check, world)


@pytest.mark.parametrize("place", DNS.modules)
@pytest.mark.parametrize("check", DNS_CHECKS, ids=named)
async def test_zones_of_the_server_that_the_environment_names(
    check: Callable[[DnsWorld], Awaitable[None]], place: str, outside: Outside
) -> None:
    await run(check, PlainZones(made(DNS, place, outside, os.environ)))


async def test_a_registered_provider_needs_no_world_of_its_own(outside: Outside) -> None:
    """It is run with what its port alone allows; a part of the checks needs more and says so."""
    ran = []
    for database_check in DATABASE_CHECKS:
        provider = made(FAKE_DATABASES, "SQLite/Fake", outside, FAKE_ENVIRON)
        ran.append(await ended(database_check, PlainDatabases(provider)))
    for zone_check in DNS_CHECKS:
        ran.append(await ended(zone_check, PlainZones(made(FAKE_DNS, "Fake", outside, FAKE_ENVIRON))))
    assert sum(ran) >= 25


async def test_the_setting_chooses_in_its_order(outside: Outside) -> None:
    two: Registry[DatabaseProvider] = Registry(
        FAKE_DATABASES.setting, dict.fromkeys(("SQLite/A", "SQLite/B", "Redis/C"), "support.fakes.databases")
    )
    assert two.chosen(outside, FAKE_ENVIRON) == {}
    chosen = two.chosen(outside, {**FAKE_ENVIRON, two.setting: " SQLite/B, SQLite/A "})
    assert list(chosen) == ["SQLite/B", "SQLite/A"]


async def test_a_setting_that_is_wrong_is_named(outside: Outside) -> None:
    with pytest.raises(ValueError, match=r"INK_DATABASE_PROVIDERS names 'SQLite/Nobody', .* it has SQLite/Fake"):
        FAKE_DATABASES.chosen(outside, {FAKE_DATABASES.setting: "SQLite/Nobody"})
    with pytest.raises(ValueError, match="INK_FAKE_KEY is missing"):
        FAKE_DATABASES.chosen(outside, {FAKE_DATABASES.setting: "SQLite/Fake"})


def test_registered_databases_are_among_those_that_a_spec_may_name() -> None:
    known = {f"{kind}/{name}" for kind, names in PROVIDERS.items() for name in names}
    assert set(DATABASES.modules) <= known


def test_every_world_is_that_of_a_registered_provider() -> None:
    assert set(DATABASE_WORLDS) <= set(DATABASES.modules)
    assert set(DNS_WORLDS) <= set(DNS.modules)
