"""A proxy before the API server that records every write, and can call back at exactly one of them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import aiohttp
import yaml
from aiohttp import web

from support.kube_api import credentials

HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "host", "authorization", "keep-alive"}
UNCOUNTED = ("/leases",)
"""Resources whose writes are a heartbeat on purpose."""


class Moment(Enum):
    """When, around a write, something happens."""

    BEFORE = "before it is sent"
    AFTER = "after it is done, before the answer"


@dataclass(frozen=True)
class RecordedWrite:
    """One write: method and path without the query."""

    method: str
    path: str


class RecordingProxy:
    """Runs in a thread of its own; speaks plain HTTP on loopback, as an administrator towards the API server."""

    def __init__(self, kubeconfig: Path) -> None:
        self._target = credentials(kubeconfig)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._writes: list[RecordedWrite] = []
        self._lock = threading.Lock()
        self._trap: tuple[int, Moment, Callable[[], None]] | None = None
        self.url = ""

    def start(self) -> None:
        self._thread.start()
        self.url = asyncio.run_coroutine_threadsafe(self._serve(), self._loop).result(timeout=10)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(timeout=10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)

    def kubeconfig(self, path: Path) -> Path:
        """Write a kubeconfig that leads here."""
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "proxy",
            "clusters": [{"name": "proxy", "cluster": {"server": self.url}}],
            "users": [{"name": "proxy", "user": {"token": "unused"}}],
            "contexts": [{"name": "proxy", "context": {"cluster": "proxy", "user": "proxy"}}],
        }
        path.write_text(yaml.safe_dump(config))
        return path

    @property
    def writes(self) -> list[RecordedWrite]:
        """Every write so far, or since `forget`."""
        with self._lock:
            return list(self._writes)

    def forget(self) -> None:
        with self._lock:
            self._writes.clear()

    def at_write(self, number: int, moment: Moment, action: Callable[[], None]) -> None:
        """Call `action` at the `number`th write (from 1) counted from now; that write gets no answer."""
        with self._lock:
            self._writes.clear()
            self._trap = (number, moment, action)

    def disarm(self) -> None:
        """Call nobody at any write."""
        with self._lock:
            self._trap = None

    async def _serve(self) -> str:
        connector = aiohttp.TCPConnector(ssl=self._target.context, limit=0)
        timeout = aiohttp.ClientTimeout(total=None)
        self._session = aiohttp.ClientSession(connector=connector, auto_decompress=False, timeout=timeout)
        app = web.Application(client_max_size=16 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}"

    async def _close(self) -> None:
        await self._runner.cleanup()
        await self._session.close()

    def _record(self, request: web.Request) -> tuple[Moment, Callable[[], None]] | None:
        """Note a write; the trap, if this write is its."""
        if request.method in {"GET", "HEAD"} or any(part in request.path for part in UNCOUNTED):
            return None
        with self._lock:
            self._writes.append(RecordedWrite(request.method, request.path))
            if self._trap is None or self._trap[0] != len(self._writes):
                return None
            _, moment, action = self._trap
            self._trap = None
            return moment, action

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        trap = self._record(request)
        if trap and trap[0] is Moment.BEFORE:
            trap[1]()
            return web.Response(status=503)
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        url = f"{self._target.server}{request.raw_path}"
        async with self._session.request(request.method, url, data=body or None, headers=headers) as answer:
            if trap:
                await answer.read()
                trap[1]()
                return web.Response(status=503)
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP}
            out = web.StreamResponse(status=answer.status, headers=kept)
            try:
                await out.prepare(request)
                async for chunk in answer.content.iter_any():
                    await out.write(chunk)
                await out.write_eof()
            except (ConnectionResetError, aiohttp.ClientPayloadError):
                pass  # the operator has gone; its connections go with it
            return out
