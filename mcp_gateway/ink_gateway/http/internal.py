"""The internal port: push events from the git server."""

import hmac

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ink_gateway.actions.pushes import Push, PushActions
from ink_gateway.auth.authenticate import NotAuthenticated, bearer
from ink_gateway.errors import GatewayError, PartUnavailable

BODY_BYTES = 1024 * 1024


def push_routes(actions: PushActions, token: str) -> list[Route]:
    """`POST /internal/v1/pushes`: 204 once every service that follows the branches has its hint."""

    async def pushes(request: Request) -> Response:
        try:
            given = bearer(request.headers.get("authorization"))
        except NotAuthenticated:
            given = ""
        if not hmac.compare_digest(given.encode(), token.encode()):
            return JSONResponse({"error": "the internal token is wrong"}, 401, {"WWW-Authenticate": "Bearer"})
        body = await _bounded_body(request)
        if body is None:
            return JSONResponse({"error": f"the event is larger than {BODY_BYTES} bytes"}, 413)
        try:
            await actions(Push.model_validate_json(body))
        except ValidationError as error:
            return JSONResponse({"error": "not a push event", "details": _where(error)}, 422)
        except PartUnavailable as error:
            return JSONResponse({"error": str(error)}, 503, {"Retry-After": "1"})
        except GatewayError as error:
            return JSONResponse({"error": str(error)}, 500)
        return Response(status_code=204)

    return [Route("/internal/v1/pushes", pushes, methods=["POST"])]


async def _bounded_body(request: Request) -> bytes | None:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES:
            return None
    return body


def _where(error: ValidationError) -> list[str]:
    return [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:10]]
