"""A gateway on the in-memory world that listens on loopback."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import uvicorn
from ink_gateway.__main__ import Server
from ink_gateway.app import assemble
from ink_gateway.settings import Settings, parse_settings
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from unit.gateway.world import KEY, World

TOKEN = "internal-token-of-the-test"


@dataclass
class Running:
    """A gateway that listens."""

    world: World
    public: str
    internal: str
    probes: dict[str, Any]

    @asynccontextmanager
    async def client(self, mode: str = "auto") -> AsyncIterator[Client]:
        headers = {"Authorization": f"Bearer {KEY}"}
        async with httpx2.AsyncClient(headers=headers, trust_env=False, timeout=30) as http:
            transport = streamable_http_client(f"{self.public}/mcp", http_client=http)
            async with Client(transport, mode=mode) as client:
                yield client


@asynccontextmanager
async def listening(app: Any) -> AsyncIterator[str]:
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, lifespan="off", log_level="warning", http="httptools", ws="none"
    )
    server = Server(config)
    task = asyncio.create_task(server.serve())
    async with asyncio.timeout(10):
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://localhost:{port}"
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def running() -> AsyncIterator[Running]:
    world = World()
    settings: Settings = parse_settings(
        {"INK_INTERNAL_TOKEN": TOKEN, "INK_GIT_ADMIN_TOKEN": "x", "INK_ENV_DIGEST_KEY": "d" * 32}
    )
    probes: dict[str, Any] = {"database": _fine, "kubernetes": _fine}
    async with (
        assemble(settings, world.platform, world.keys, probes) as apps,
        listening(apps.public) as public,
        listening(apps.internal) as internal,
    ):
        yield Running(world, public, internal, probes)


async def _fine() -> None:
    return None
