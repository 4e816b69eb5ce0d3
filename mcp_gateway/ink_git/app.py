"""The only place that constructs things: two ASGI applications that share their parts."""

import asyncio
import contextlib
import logging
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ink_git.deliveries import Deliveries
from ink_git.internal_api import InternalApi
from ink_git.maintenance import Maintenance
from ink_git.push_recorder import PushRecorder
from ink_git.repositories import RepositoryStore
from ink_git.settings import Settings
from ink_git.slots import Slots
from ink_git.smart_http import GitServerParts, SmartHttp
from ink_git.store import GitDatabase

log = logging.getLogger(__name__)


class Apps(NamedTuple):
    """The public and the internal application."""

    public: Starlette
    internal: Starlette


@asynccontextmanager
async def applications(settings: Settings) -> AsyncIterator[Apps]:
    """Both applications and their background tasks, for as long as the block lasts."""
    repositories = RepositoryStore(settings.repositories)
    repositories.prepare()
    async with GitDatabase.open(settings.database) as store:
        deliveries = Deliveries(store, settings.push_events_url, settings.internal_token)
        push_recorder = PushRecorder(repositories, store, deliveries)
        await deliveries.start()
        maintenance = Maintenance(repositories, settings.request_timeout_seconds)
        background = asyncio.create_task(in_background(push_recorder, maintenance))
        slots = Slots(settings.max_processes, settings.max_processes_per_workspace)
        smart_http = SmartHttp(GitServerParts(settings, repositories, store, push_recorder, slots))
        internal = InternalApi(repositories, store, settings.admin_token)
        health = health_routes(settings, store)
        try:
            yield Apps(Starlette(routes=health + smart_http.routes()), Starlette(routes=health + internal.routes()))
        finally:
            background.cancel()
            await asyncio.gather(background, return_exceptions=True)
            await deliveries.stop()


async def in_background(push_recorder: PushRecorder, maintenance: Maintenance) -> None:
    """First record missed pushes, then do housekeeping; a failure here never ends the server."""
    with contextlib.suppress(asyncio.CancelledError):
        try:
            await push_recorder.record_missed()
            await maintenance.run()
        except Exception:
            log.exception(
                "background work stopped unexpectedly; pushes and clones continue, restart the server to resume it"
            )


def health_routes(settings: Settings, store: GitDatabase) -> list[Route]:
    """Liveness (the process answers) and readiness (the volume and the database work)."""

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        try:
            await store.ping()
            await asyncio.to_thread(try_writing, settings)
        except Exception as failure:
            log.warning("not ready: %s", failure)
            return PlainTextResponse("the volume or the database does not answer; see the log\n", 503)
        return PlainTextResponse("ok\n")

    return [Route("/healthz", healthz), Route("/readyz", readyz)]


def try_writing(settings: Settings) -> None:
    """Raises OSError if the volume is not writable."""
    with tempfile.TemporaryFile(dir=settings.data) as file:
        file.write(b"ok")
