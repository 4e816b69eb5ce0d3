"""The session service that gives the daemon one token, for one registry.

BuildKit asks a client for a token only after the client gave a public key for the registry. At every later use the
client must prove by a signature that it is the same one, so the token of one build is never used for another.
"""

import base64
import json
import time
from typing import Any

import grpc

from ink_builder.buildkit.proto.auth_pb2 import (
    CredentialsResponse,
    FetchTokenResponse,
    GetTokenAuthorityResponse,
    VerifyTokenAuthorityResponse,
)

_DEFAULT_LIFE_SECONDS = 60


class Auth:
    """Holds the bearer token for `host`."""

    def __init__(self, host: str, token: str) -> None:
        self._host = host
        self._token = token
        self._private_key: Any = None

    def _key(self) -> Any:
        """This build's key, generated at its first use: importing the library costs more than everything else here."""
        if self._private_key is None:
            from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

            self._private_key = Ed25519PrivateKey.generate()
        return self._private_key

    async def _only_ours(self, host: str, context: Any) -> None:
        if host != self._host or not self._token:
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, "no token for this registry")

    async def Credentials(self, _request: Any, _context: Any) -> CredentialsResponse:
        """No registry gets a password: public images are pulled anonymously."""
        return CredentialsResponse()

    async def GetTokenAuthority(self, request: Any, context: Any) -> GetTokenAuthorityResponse:
        """The key that proves later that this client gave the token."""
        await self._only_ours(request.Host, context)
        return GetTokenAuthorityResponse(PublicKey=self._key().public_key().public_bytes_raw())

    async def VerifyTokenAuthority(self, request: Any, context: Any) -> VerifyTokenAuthorityResponse:
        """The daemon's challenge, signed: signature and message in one, as NaCl's `sign` does."""
        await self._only_ours(request.Host, context)
        return VerifyTokenAuthorityResponse(Signed=self._key().sign(request.Payload) + request.Payload)

    async def FetchToken(self, request: Any, context: Any) -> FetchTokenResponse:
        """The token as it is; the registry decides what it is good for."""
        await self._only_ours(request.Host, context)
        now = int(time.time())
        return FetchTokenResponse(Token=self._token, ExpiresIn=life_seconds(self._token, now), IssuedAt=now)


def life_seconds(token: str, now: int) -> int:
    """How long a JWT is still valid; a default when it does not say."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return max(int(claims["exp"]) - now, 1)
    except (IndexError, KeyError, ValueError, TypeError):
        return _DEFAULT_LIFE_SECONDS
