"""The certificates that the operator makes, between the real daemon and the real client."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from ink_builder.buildkit.control import BuildKit
from ink_builder.errors import BuildError
from ink_builder.settings import Daemon
from ink_operator.clients.certificates import Issuer
from support.building import daemons as build_daemons
from support.building.daemons import Certificates, Pair

ISSUER = Issuer("s" * 64, 3600)
MINE, THEIRS = "ink-tenants/acme", "ink-tenants/other"


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """Another tenant's daemon, with what its own builds show it."""
    server, client = ISSUER.server(THEIRS, ("localhost",)), ISSUER.client(THEIRS)
    known = Certificates(server.ca, Pair(server.cert, server.key), Pair(client.cert, client.key))
    with build_daemons.buildkitd(tmp_path_factory.mktemp("tenant"), [], certificates=known) as running:
        yield Daemon(f"localhost:{running.port}", client.ca, client.cert, client.key)


async def answer(daemon: Daemon, seconds: float) -> str:
    buildkit = BuildKit(daemon)
    try:
        return await buildkit.connect(seconds)
    finally:
        await buildkit.close()


async def test_a_tenants_daemon_lets_its_builds_in(theirs: Daemon) -> None:
    assert (await answer(theirs, 15)).startswith("v0.")


async def test_a_tenants_daemon_refuses_the_builds_of_another(theirs: Daemon) -> None:
    mine = ISSUER.client(MINE)
    with pytest.raises(BuildError, match="does not answer") as caught:
        await answer(replace(theirs, cert=mine.cert, key=mine.key), 2)
    assert caught.value.infrastructure


async def test_a_build_refuses_the_daemon_of_another_tenant(theirs: Daemon) -> None:
    with pytest.raises(BuildError, match="does not answer"):
        await answer(replace(theirs, ca=ISSUER.client(MINE).ca), 2)
