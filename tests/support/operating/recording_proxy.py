"""A proxy before the API server: records every write, can call back at exactly one of them, can be a bad network.

It may also speak as somebody else than the administrator, so that the operator meets its real rights.
"""

from __future__ import annotations

import asyncio
import random
import re
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import aiohttp
import yaml
from aiohttp import web
from support.cluster.kube_api import credentials

HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "host", "authorization", "keep-alive"}
HEARTBEAT = "/leases"
"""Resources whose writes are a heartbeat on purpose."""


class Moment(Enum):
    """When, around a write, something happens."""

    BEFORE = "before it is sent"
    AFTER = "after it is done, before the answer"


@dataclass(frozen=True)
class RecordedWrite:
    """One write: method and path without the query, and when it came (time.monotonic)."""

    method: str
    path: str
    at: float = 0.0


@dataclass
class BadWatches:
    """What happens to the events of watches: shares that are lost, that come twice, that come again much later."""

    lost: float
    twice: float
    stale: float
    chance: random.Random

    def of(self, line: bytes, earlier: list[bytes]) -> list[bytes]:
        """The lines that go on in the place of this one."""
        out = [] if self.chance.random() < self.lost else [line]
        out += [line] if self.chance.random() < self.twice else []
        if earlier and self.chance.random() < self.stale:
            out.append(self.chance.choice(earlier))
        earlier.append(line)
        return out


class RecordingProxy:
    """Runs in a thread of its own; speaks plain HTTP on loopback."""

    def __init__(self, kubeconfig: Path, user: str = "") -> None:
        self._target = credentials(kubeconfig)
        self._user = user
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._writes: list[RecordedWrite] = []
        self._heartbeats: list[RecordedWrite] = []
        self._lock = threading.Lock()
        self._trap: tuple[int, Moment, Callable[[], None]] | None = None
        self._refused: list[tuple[re.Pattern[str], int]] = []
        self._silent: list[re.Pattern[str]] = []
        self._waiting = 0
        self._open: dict[int, web.Request] = {}
        self.is_cut = False
        self.bad_watches: BadWatches | None = None
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
        """Every write so far, or since `forget`; those of the lease are apart."""
        with self._lock:
            return list(self._writes)

    @property
    def heartbeats(self) -> list[RecordedWrite]:
        """Every write of the lease so far, or since `forget`."""
        with self._lock:
            return list(self._heartbeats)

    def forget(self) -> None:
        with self._lock:
            self._writes.clear()
            self._heartbeats.clear()

    def at_write(self, number: int, moment: Moment, action: Callable[[], None]) -> None:
        """Call `action` at the `number`th write (from 1) counted from now; that write gets no answer."""
        with self._lock:
            self._writes.clear()
            self._trap = (number, moment, action)

    def cut(self) -> None:
        """The API server cannot be reached from now on; what is on its way breaks off."""
        self.is_cut = True
        self._loop.call_soon_threadsafe(self._break_off)

    def mend(self) -> None:
        self.is_cut = False

    def refuse(self, path: str, status: int) -> None:
        """Answer every write whose path matches with this status, instead of the API server."""
        with self._lock:
            self._refused.append((re.compile(path), status))

    def refuse_nothing(self) -> None:
        with self._lock:
            self._refused.clear()
            self._silent.clear()

    def hang(self, path: str) -> None:
        """Never answer a write whose path matches, as behind a webhook that hangs."""
        with self._lock:
            self._silent.append(re.compile(path))

    @property
    def hanging(self) -> int:
        """How many writes wait for an answer that does not come."""
        with self._lock:
            return self._waiting

    def _break_off(self) -> None:
        for request in list(self._open.values()):
            if request.transport is not None:
                request.transport.abort()

    def disarm(self) -> None:
        """Call nobody at any write."""
        with self._lock:
            self._trap = None

    async def _serve(self) -> str:
        connector = aiohttp.TCPConnector(ssl=self._target.context, limit=0)
        timeout = aiohttp.ClientTimeout(total=None)
        self._session = aiohttp.ClientSession(
            connector=connector, auto_decompress=False, timeout=timeout, read_bufsize=2**21
        )
        app = web.Application(client_max_size=16 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}"

    async def _close(self) -> None:
        self._break_off()
        await self._runner.cleanup()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        await self._session.close()

    def _record(self, request: web.Request) -> tuple[Moment, Callable[[], None]] | None:
        """Note a write; the trap, if this write is its."""
        if request.method in {"GET", "HEAD"}:
            return None
        write = RecordedWrite(request.method, request.path, time.monotonic())
        with self._lock:
            if HEARTBEAT in request.path:
                self._heartbeats.append(write)
                return None
            self._writes.append(write)
            if self._trap is None or self._trap[0] != len(self._writes):
                return None
            _, moment, action = self._trap
            self._trap = None
            return moment, action

    def _refusal(self, request: web.Request) -> int | None:
        if request.method in {"GET", "HEAD"}:
            return None
        with self._lock:
            return next((status for path, status in self._refused if path.search(request.path)), None)

    async def _silence(self, request: web.Request) -> None:
        """Wait for ever where the write is one that hangs; it ends when the other side gives up."""
        if request.method in {"GET", "HEAD"}:
            return
        with self._lock:
            if not any(path.search(request.path) for path in self._silent):
                return
            self._waiting += 1
        try:
            await asyncio.Event().wait()
        finally:
            with self._lock:
                self._waiting -= 1

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self._open[id(request)] = request
        try:
            return await self._pass_on(request)
        finally:
            del self._open[id(request)]

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if self.is_cut:
            self._break_off()
            return web.Response(status=503)
        trap = self._record(request)
        if trap and trap[0] is Moment.BEFORE:
            trap[1]()
            return web.Response(status=503)
        refusal = self._refusal(request)
        if refusal is not None:
            return web.json_response({"kind": "Status", "message": "refused by the test"}, status=refusal)
        await self._silence(request)
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        if self._user:
            headers["Impersonate-User"] = self._user
        url = f"{self._target.server}{request.raw_path}"
        try:
            async with self._session.request(request.method, url, data=body or None, headers=headers) as answer:
                if trap:
                    await answer.read()
                    trap[1]()
                    return web.Response(status=503)
                return await self._answer(request, answer)
        except aiohttp.ClientError:
            return web.Response(status=503)

    async def _answer(self, request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP}
        out = web.StreamResponse(status=answer.status, headers=kept)
        try:
            await out.prepare(request)
            async for chunk in self._chunks(request, answer):
                await out.write(chunk)
            await out.write_eof()
        except (ConnectionResetError, aiohttp.ClientError):
            pass  # one side has gone; its connections go with it
        return out

    async def _chunks(self, request: web.Request, answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        if "watch=true" not in request.query_string:
            async for chunk in answer.content.iter_any():
                yield chunk
            return
        earlier: list[bytes] = []
        async for line in answer.content:
            for sent in self.bad_watches.of(line, earlier) if self.bad_watches else [line]:
                yield sent
