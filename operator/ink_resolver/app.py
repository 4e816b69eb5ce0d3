"""The HTTP side: `POST /v1/head`, liveness, and the answers to failures."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator
from functools import partial

from aiohttp import web
from ink_common.public_addresses import is_public

from ink_resolver.errors import SourceError, refused
from ink_resolver.heads import head
from ink_resolver.network import OutboundClient
from ink_resolver.settings import Settings
from ink_resolver.target import parse_query

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 16 << 10
AT_ONCE = 64


CLIENT = web.AppKey("client", OutboundClient)


def application(settings: Settings) -> web.Application:
    """The server's application."""
    app = web.Application(client_max_size=MAX_BODY_BYTES)
    slots = asyncio.Semaphore(AT_ONCE)

    async def client(app: web.Application) -> AsyncIterator[None]:
        app[CLIENT] = OutboundClient(settings.internal, partial(is_public, denied=settings.denied))
        yield
        await app[CLIENT].close()

    async def ask(request: web.Request) -> web.Response:
        started = time.monotonic()
        host, outcome = "", "found"
        try:
            query = parse_query(await body_of(request), settings.internal)
            host = query.url.host or ""
            async with slots:
                return web.json_response({"commit": await head(request.app[CLIENT], query)})
        except SourceError as failure:
            outcome = failure.reason.value
            return web.json_response({"reason": outcome, "message": str(failure)}, status=422)
        finally:
            log.info("%s %s %.2f s", ascii(host[:100]), outcome, time.monotonic() - started)

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    app.cleanup_ctx.append(client)
    app.router.add_post("/v1/head", ask)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", healthz)
    return app


async def body_of(request: web.Request) -> object:
    """The request's JSON. Raises SourceError when it is not valid, HTTPRequestEntityTooLarge when it is too long."""
    try:
        return json.loads(await request.read())
    except (ValueError, RecursionError) as broken:
        raise refused("the request is not valid JSON") from broken
