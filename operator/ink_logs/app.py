"""`GET /v1/logs/<workspace>/<project>/<service>/<build>`: the stored log of one build, as text."""

import hmac
import json
import logging
from collections.abc import AsyncIterator

import aiohttp
from aiohttp import web

from ink_logs.artifact import LOG_MAX_BYTES, MANIFEST_TYPE, NoLog, layer_of, place, text_of
from ink_logs.settings import Settings

log = logging.getLogger(__name__)
CALL_SECONDS = 10.0
MANIFEST_MAX_BYTES = 64 * 1024
HEADERS = {"Accept": MANIFEST_TYPE, "Accept-Encoding": "identity"}
SESSION = web.AppKey("session", aiohttp.ClientSession)


def application(settings: Settings) -> web.Application:
    """The server's application."""
    app = web.Application(client_max_size=0)

    async def session(app: web.Application) -> AsyncIterator[None]:
        auth = aiohttp.BasicAuth(settings.username, settings.password)
        timeout = aiohttp.ClientTimeout(total=CALL_SECONDS)
        # Blobs are read as they are stored: nothing that exceeds the limit is decompressed.
        async with aiohttp.ClientSession(auth=auth, timeout=timeout, auto_decompress=False) as app[SESSION]:
            yield

    async def answer(request: web.Request) -> web.Response:
        shown = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(shown.encode(), settings.token.encode()):
            return web.Response(status=401, text="401: a bearer token is required\n")
        try:
            names = (request.match_info[name] for name in ("workspace", "project", "service", "build"))
            repository, tag = place(*names)
            return web.Response(body=await _read(request.app[SESSION], settings.registry_url, repository, tag))
        except NoLog:
            return web.Response(status=404, text="404: no log of this build is stored\n")
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            log.warning("the registry: %s", type(error).__name__)
            return web.Response(status=503, text="503: the registry is not available\n")

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    app.cleanup_ctx.append(session)
    app.router.add_get("/v1/logs/{workspace}/{project}/{service}/{build}", answer)
    app.router.add_get("/healthz", healthz)
    return app


async def _read(session: aiohttp.ClientSession, registry_url: str, repository: str, tag: str) -> bytes:
    base = f"{registry_url}/v2/{repository}"
    manifest = await _get(session, f"{base}/manifests/{tag}", MANIFEST_MAX_BYTES)
    return text_of(await _get(session, f"{base}/blobs/{layer_of(json.loads(manifest))}", LOG_MAX_BYTES))


async def _get(session: aiohttp.ClientSession, url: str, max_bytes: int) -> bytes:
    """Raises NoLog when there is none or it is too long, ClientError for any other failure of the registry."""
    async with session.get(url, headers=HEADERS, allow_redirects=False) as response:
        if response.status == 404:
            raise NoLog("not found")
        response.raise_for_status()
        body = await response.content.read(max_bytes + 1)
        while len(body) <= max_bytes and (more := await response.content.read(max_bytes + 1 - len(body))):
            body += more
        if response.status != 200 or len(body) > max_bytes:
            raise NoLog("not a log")
        return body
