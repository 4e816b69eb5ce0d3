"""The loopback forwarder and the stand-in's server, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from ink_local.network import forwarder


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


KEEP_ALIVE_TIMER = "02"


def timers_towards(port: int) -> list[str]:
    """The kernel's timers (proc(5)) of this machine's open connections to a local port."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return [row[5].partition(":")[0] for row in rows if row[3] == "01" and int(row[2].partition(":")[2], 16) == port]


@contextlib.asynccontextmanager
async def forwarded(port: int) -> AsyncIterator[int]:
    """A forwarder to `port`; yields its own port."""
    local = free_port()
    task = asyncio.create_task(forwarder.main(local, "127.0.0.1", port))
    deadline = asyncio.get_running_loop().time() + 5
    while True:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", local)
            writer.close()
            break
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.01)
    try:
        yield local
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.fixture
async def echo() -> AsyncIterator[int]:
    """A server that sends everything back once the client has finished sending."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def exchange(port: int, data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    await writer.drain()
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    return answer


async def test_a_half_closed_connection_still_gets_its_whole_answer(echo: int) -> None:
    async with forwarded(echo) as port:
        big = bytes(range(256)) * 40_000
        assert await exchange(port, big) == big


async def test_many_connections_are_served_side_by_side(echo: int) -> None:
    async with forwarded(echo) as port:
        wanted = [f"connection {n}".encode() for n in range(300)]
        assert await asyncio.gather(*(exchange(port, data) for data in wanted)) == wanted


async def test_a_silent_far_side_is_asked_whether_it_lives(echo: int) -> None:
    async with forwarded(echo) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        deadline = asyncio.get_running_loop().time() + 5
        while KEEP_ALIVE_TIMER not in timers_towards(echo):
            assert asyncio.get_running_loop().time() < deadline, timers_towards(echo)
            await asyncio.sleep(0.01)
        writer.close()


async def test_a_dead_far_side_closes_the_connection() -> None:
    async with forwarded(free_port()) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with contextlib.suppress(ConnectionResetError):
            assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
