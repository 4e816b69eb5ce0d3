"""The daemon that is not there, comes late, or is somebody else."""

from __future__ import annotations

import asyncio
import time

import pytest
from ink_builder.buildkit.control import BuildKit
from ink_builder.errors import BuildError
from ink_builder.settings import Daemon
from support.building import daemons as build_daemons

from .conftest import Stack


def _ours(stack: Stack, address: str | None = None, certificates: build_daemons.Certificates | None = None) -> Daemon:
    known = certificates or stack.daemon.certificates
    return Daemon(address or stack.daemon.address, known.ca, known.client.cert, known.client.key)


async def _connect(daemon: Daemon, seconds: float) -> str:
    buildkit = BuildKit(daemon)
    try:
        return await buildkit.connect(seconds)
    finally:
        await buildkit.close()


async def test_the_daemon_says_its_version(stack: Stack) -> None:
    assert (await _connect(_ours(stack), 5)).startswith("v0.")


async def test_a_daemon_that_is_not_there_is_no_fault_of_the_user(stack: Stack) -> None:
    nowhere = f"127.0.0.1:{build_daemons.free_port()}"
    with pytest.raises(BuildError, match="does not answer") as caught:
        await _connect(_ours(stack, nowhere), 1)
    assert caught.value.infrastructure


async def test_certificates_of_another_authority_are_refused(stack: Stack) -> None:
    with pytest.raises(BuildError, match="does not answer"):
        await _connect(_ours(stack, certificates=build_daemons.mutual_tls()), 1)


async def test_a_daemon_that_starts_late_is_waited_for(stack: Stack) -> None:
    """The port opens a second after the first try, as when the daemon's pod is replaced."""
    port = build_daemons.free_port()
    waiting = asyncio.ensure_future(_connect(_ours(stack, f"127.0.0.1:{port}"), 15))
    done, _ = await asyncio.wait([waiting], timeout=1)
    assert not done
    host, real = stack.daemon.address.split(":")

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back_reader, back_writer = await asyncio.open_connection(host, int(real))
        await asyncio.gather(_pump(reader, back_writer), _pump(back_reader, writer))

    server = await asyncio.start_server(relay, "127.0.0.1", port)
    begun = time.monotonic()
    assert (await waiting).startswith("v0.")
    assert time.monotonic() - begun < 5
    server.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()
