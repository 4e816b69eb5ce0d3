"""ASGI middleware: the check of the Host header, and of the API key."""

import json
from collections.abc import Awaitable, Callable

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ink_gateway.auth.authenticate import NotAuthenticated
from ink_gateway.errors import PartUnavailable
from ink_gateway.ports import Principal

PRINCIPAL = "ink.principal"
UNROUTED = "X-Ink-Unrouted"
PROBES = frozenset({"/healthz", "/readyz"})
PAGE = (
    "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
    "<title>Nothing here yet</title>"
    "<body style='font:16px/1.5 system-ui;margin:15vh auto;max-width:32em;padding:0 1em'>"
    "<h1>Nothing here yet</h1><p>No service is running at this address. If you are deploying one, wait and reload; "
    "<code>get_service</code> shows its progress.</p></body></html>\n"
)


class HostCheck:
    """Passes requests for the gateway's own hosts; for any other host it answers 404, because no service has it.

    The gateway is the default backend of its ingress class, so requests for unknown services arrive here.
    The response header tells the operator's probe that no application answered. A kubelet's probes have an IP address
    as host.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._is_ours(scope):
            await self._app(scope, receive, send)
        else:
            headers = {UNROUTED: "1", "Cache-Control": "no-store"}
            await HTMLResponse(PAGE, 404, headers)(scope, receive, send)

    def _is_ours(self, scope: Scope) -> bool:
        host = host_of(Headers(scope=scope).get("host", ""))
        return host in self._hosts or (scope["path"] in PROBES and _is_address(host))


class ApiKeyCheck:
    """Passes requests with a valid API key and stores the principal in the scope."""

    def __init__(
        self, app: ASGIApp, authenticate: Callable[[str | None], Awaitable[Principal]], help_text: str
    ) -> None:
        self._app, self._authenticate, self._help = app, authenticate, help_text

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                principal = await self._authenticate(Headers(scope=scope).get("authorization"))
            except NotAuthenticated as refusal:
                await self._refuse(refusal)(scope, receive, send)
                return
            except PartUnavailable as error:
                body = {"error": "temporarily_unavailable", "message": str(error)}
                await JSONResponse(body, 503, {"Retry-After": "2"})(scope, receive, send)
                return
            scope = {**scope, PRINCIPAL: principal}
        await self._app(scope, receive, send)

    def _refuse(self, refusal: NotAuthenticated) -> Response:
        # RFC 6750, section 3.1: no error code when the request carried no credentials.
        challenge = f'Bearer error="invalid_token", error_description={json.dumps(str(refusal))}'
        body = {
            "error": "invalid_token" if refusal.key_given else "missing_token",
            "message": f"{refusal}. {self._help}",
        }
        return JSONResponse(body, 401, {"WWW-Authenticate": challenge if refusal.key_given else "Bearer"})


def host_of(header: str) -> str:
    """The name in a Host header, without the port, in lower case; an IPv6 address keeps its brackets."""
    host = header.strip().lower()
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0].rstrip(".")


def _is_address(host: str) -> bool:
    return host.startswith("[") or (host.replace(".", "").isdigit() and host.count(".") == 3)
