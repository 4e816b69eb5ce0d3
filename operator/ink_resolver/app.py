"""The HTTP side: `POST /v1/head`, liveness, and what goes wrong put into answers."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import partial

from aiohttp import web
from yarl import URL

from ink_resolver import addresses
from ink_resolver.errors import SourceError, refused
from ink_resolver.heads import head
from ink_resolver.network import Network
from ink_resolver.target import parse_query

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 16 << 10
AT_ONCE = 64


@dataclass(frozen=True)
class Settings:
    """What the process is told from outside."""

    internal: URL | None
    """Ink's own git server: the only address that may be private."""
    denied: tuple[addresses.Network, ...] = ()
    """Refused as well: the cluster's own public addresses."""
    host: str = "0.0.0.0"
    port: int = 8080


def from_environment(env: Mapping[str, str]) -> Settings:
    """Settings from `INK_…` variables. Raises ValueError naming the variable."""
    try:
        internal = URL(env.get("INK_GIT_INTERNAL_URL", ""))
        denied = addresses.parse_networks(env.get("INK_DENIED_CIDRS", ""))
        port = int(env.get("INK_PORT", "8080"))
    except ValueError as wrong:
        raise ValueError(f"INK_GIT_INTERNAL_URL, INK_DENIED_CIDRS or INK_PORT: {wrong}") from wrong
    if internal != URL() and (internal.scheme not in ("http", "https") or not internal.host):
        raise ValueError(f"INK_GIT_INTERNAL_URL={internal} is not an http:// address")
    return Settings(internal if internal != URL() else None, denied, env.get("INK_LISTEN_HOST", "0.0.0.0"), port)


NETWORK = web.AppKey("network", Network)


def application(settings: Settings) -> web.Application:
    """The server's application."""
    app = web.Application(client_max_size=MAX_BODY_BYTES)
    slots = asyncio.Semaphore(AT_ONCE)

    async def network(app: web.Application) -> AsyncIterator[None]:
        app[NETWORK] = Network(settings.internal, partial(addresses.is_public, denied=settings.denied))
        yield
        await app[NETWORK].close()

    async def ask(request: web.Request) -> web.Response:
        started = time.monotonic()
        host, outcome = "", "found"
        try:
            query = parse_query(await body_of(request), settings.internal)
            host = query.url.host or ""
            async with slots:
                return web.json_response({"commit": await head(request.app[NETWORK], query)})
        except SourceError as failure:
            outcome = failure.reason.value
            return web.json_response({"reason": outcome, "message": str(failure)}, status=422)
        finally:
            log.info("%s %s %.2f s", ascii(host[:100]), outcome, time.monotonic() - started)

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    app.cleanup_ctx.append(network)
    app.router.add_post("/v1/head", ask)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", healthz)
    return app


async def body_of(request: web.Request) -> object:
    """The request's JSON. Raises SourceError when it is none, HTTPRequestEntityTooLarge when it is too long."""
    try:
        return json.loads(await request.read())
    except (ValueError, RecursionError) as broken:
        raise refused("the request is not JSON") from broken
