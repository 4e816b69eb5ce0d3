"""`GET /v1/sealing-keys`: the public keys, for users who seal values themselves (`ink seal`)."""

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ink_gateway.errors import PartUnavailable
from ink_gateway.ports import SealingKeys


def sealing_keys(sealing: SealingKeys) -> ASGIApp:
    """A JWK set; 503 while there is none."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = JSONResponse(await sealing.public_keys(), headers={"Cache-Control": "no-store"})
        except PartUnavailable as error:
            response = JSONResponse({"message": str(error)}, 503, {"Retry-After": "2"})
        await response(scope, receive, send)

    return app
