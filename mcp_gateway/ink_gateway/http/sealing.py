"""`GET /v1/sealing-keys`: the public keys, for people who seal values themselves (`ink seal`)."""

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ink_gateway.errors import Unavailable
from ink_gateway.ports import Sealing


def sealing_keys(sealing: Sealing) -> ASGIApp:
    """A JWK set; 503 while there is none."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = JSONResponse(await sealing.public_keys(), headers={"Cache-Control": "no-store"})
        except Unavailable as error:
            response = JSONResponse({"message": str(error)}, 503, {"Retry-After": "2"})
        await response(scope, receive, send)

    return app
