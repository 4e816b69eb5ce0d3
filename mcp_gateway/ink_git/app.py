"""The only place that constructs things: two ASGI applications over one set of parts."""

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

from ink_git.announcements import Announcer
from ink_git.deliveries import Deliveries
from ink_git.internal_api import InternalApi
from ink_git.maintenance import Maintenance
from ink_git.repositories import Repositories
from ink_git.settings import Settings
from ink_git.slots import Slots
from ink_git.smart_http import Parts, SmartHttp
from ink_git.store import Store

log = logging.getLogger(__name__)


class Apps(NamedTuple):
    """The two sides of the server."""

    public: Starlette
    internal: Starlette


@asynccontextmanager
async def applications(settings: Settings) -> AsyncIterator[Apps]:
    """Both applications and their background tasks, for as long as the block lasts."""
    repositories = Repositories(settings.repositories)
    repositories.prepare()
    async with Store.open(settings.database) as store:
        deliveries = Deliveries(store, settings.push_events_url, settings.internal_token)
        announcer = Announcer(repositories, store, deliveries)
        await deliveries.start()
        maintenance = Maintenance(repositories, settings.request_timeout_seconds)
        background = asyncio.create_task(in_background(announcer, maintenance))
        slots = Slots(settings.max_processes, settings.max_processes_per_workspace)
        smart_http = SmartHttp(Parts(settings, repositories, store, announcer, slots))
        internal = InternalApi(repositories, store, settings.admin_token)
        health = health_routes(settings, store)
        try:
            yield Apps(Starlette(routes=health + smart_http.routes()), Starlette(routes=health + internal.routes()))
        finally:
            background.cancel()
            await asyncio.gather(background, return_exceptions=True)
            await deliveries.stop()


async def in_background(announcer: Announcer, maintenance: Maintenance) -> None:
    """First what was missed, then housekeeping; a failure here never ends the server."""
    with contextlib.suppress(asyncio.CancelledError):
        try:
            await announcer.catch_up()
            await maintenance.run()
        except Exception:
            log.exception("background work ended; pushes and clones go on, restart to have it again")


def health_routes(settings: Settings, store: Store) -> list[Route]:
    """Liveness (the process answers) and readiness (its volume and database do)."""

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
    """Raises OSError when the volume takes no file."""
    with tempfile.TemporaryFile(dir=settings.data) as file:
        file.write(b"ok")
