"""The API server's client, against a small HTTP server: what leaves, and what is remembered of it."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from ink_operator.clients.kube import Kube, configure
from ink_operator.core.errors import InkError, LeaseLost
from ink_operator.core.objects import CONFIG_MAP, INK_SERVICE, Manifest, Ref
from ink_operator.runtime.informer import Watched, inform
from ink_operator.runtime.metrics import Metrics
from kubernetes.aio.client.configuration import Configuration

MANY = 200
CLAIM: Manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "n"}}


class Switch:
    """A guard that lets so many questions pass, and then none."""

    def __init__(self, passes: int = 1000) -> None:
        self.passes = passes

    def check(self) -> None:
        self.passes -= 1
        if self.passes < 0:
            raise LeaseLost("another operator holds the lease")


class Server:
    """Counts the writes that arrive whole; every object has the resourceVersion of its arrival."""

    def __init__(self) -> None:
        self.writes: list[str] = []
        self.status = 200
        self.watching, self.all_watch = 0, asyncio.Event()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.query.get("watch"):
            return await self._watch(request)
        body = await request.json()
        self.writes.append(request.method)
        meta = {**body.get("metadata", {}), "resourceVersion": str(len(self.writes))}
        return web.json_response({**body, "metadata": meta}, status=self.status)

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        """Answer, and say nothing more until the other side goes."""
        answer = web.StreamResponse()
        await answer.prepare(request)
        self.watching += 1
        if self.watching == MANY:
            self.all_watch.set()
        await asyncio.Event().wait()
        return answer


@pytest.fixture
async def server() -> AsyncIterator[tuple[Server, str]]:
    made, app = Server(), web.Application()
    app.router.add_route("*", "/{path:.*}", made.handle)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield made, "http://{}:{}".format(*runner.addresses[0][:2])
    await runner.cleanup()


@contextlib.asynccontextmanager
async def client(url: str, guard: Switch) -> AsyncIterator[Kube]:
    configuration = Configuration()
    configuration.host = url
    kube = Kube(configuration, guard, Metrics())
    yield kube
    await kube.close()


async def test_a_write_whose_lease_is_lost_while_it_waits_does_not_leave(server: tuple[Server, str]) -> None:
    """It was allowed when it was asked for; by the time that there is a connection it is not."""
    seen, url = server
    async with client(url, Switch(1)) as kube:
        with pytest.raises(InkError):
            await kube.apply(CLAIM)
        with pytest.raises(LeaseLost):
            await kube.apply(CLAIM)
    assert seen.writes == []


async def test_only_what_was_surely_ours_is_remembered(server: tuple[Server, str]) -> None:
    """An apply that changed nothing answers with the version of somebody else's write."""
    seen, url = server
    async with client(url, Switch()) as kube:
        await kube.apply(CLAIM)
        assert not kube.wrote("1")
        seen.status = 201
        await kube.apply(CLAIM)
        assert kube.wrote("2")
        seen.status = 200
        await kube.merge_patch(Ref(INK_SERVICE, "n", "s"), {"status": {}}, subresource="status")
        assert kube.wrote("3")
        await kube.merge_patch(Ref(CONFIG_MAP, "n", "c"), {"data": {}})
        assert not kube.wrote("4")


async def test_however_many_watches_leave_room_for_calls(server: tuple[Server, str], tmp_path: Path) -> None:
    """Each holds a connection; with one for every namespace they are many."""
    seen, url = server
    config = tmp_path / "config"
    config.write_text(
        json.dumps(
            {
                "current-context": "c",
                "clusters": [{"name": "c", "cluster": {"server": url}}],
                "users": [{"name": "c", "user": {"token": "t"}}],
                "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
            }
        )
    )
    kube = Kube(await configure(str(config)), Switch(), Metrics())

    async def watch(number: int) -> None:
        async for _ in kube.watch(CONFIG_MAP, f"n{number}", "", "1"):
            raise AssertionError("nothing happens")

    tasks = [asyncio.create_task(watch(number)) for number in range(MANY)]
    async with asyncio.timeout(30):
        await seen.all_watch.wait()
        await kube.apply(CLAIM)
    assert seen.writes == ["PATCH"]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await kube.close()


class Watches:
    """A source whose watches end as the test says: events, or an error."""

    def __init__(self, *watches: list[Any]) -> None:
        self.watches = list(watches)
        self.asked: list[str] = []

    async def list_version(self, *_: object) -> str:
        return "7"

    async def watch(self, kind: object, namespace: str, labels: str, version: str) -> AsyncIterator[dict[str, Any]]:
        self.asked.append(version)
        if not self.watches:
            raise StopWatching
        for event in self.watches.pop(0):
            if isinstance(event, BaseException):
                raise event
            yield event


class StopWatching(BaseException):
    """The test is over."""


def event(kind: str, version: str) -> dict[str, Any]:
    return {"type": kind, "object": {"metadata": {"name": "x", "resourceVersion": version}}}


@pytest.mark.parametrize("broken", [{"type": "ERROR", "object": {"code": 410}}, InkError("cut"), {"type": "ADDED"}])
async def test_a_gap_in_a_watch_is_told_and_ends_nothing(broken: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ink_operator.runtime.informer.RETRY_SECONDS", 0)
    source = Watches([event("ADDED", "8")], [event("BOOKMARK", "9"), broken], [event("DELETED", "10")])
    told: list[str] = []
    begun: list[bool] = []
    watched = Watched(CONFIG_MAP, "", "", lambda _type, live: told.append(live["metadata"]["resourceVersion"]))
    with pytest.raises(StopWatching):
        await inform(source, watched, begun.append)
    assert told == ["8", "10"]
    assert source.asked == ["7", "8", "7", "10"]
    assert begun == [False, True]
