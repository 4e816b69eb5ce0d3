"""From an Authorization header to a principal. Every request checks the store, so revocation takes effect at once."""

from collections.abc import Callable
from datetime import datetime

from ink_gateway.auth import keys
from ink_gateway.ports import ApiKey, Keys, Principal

SCHEME = "bearer"


class NotAuthenticated(Exception):
    """No principal. `str(error)` may be shown to the caller; it does not reveal whether a key exists."""

    def __init__(self, message: str, *, key_given: bool) -> None:
        super().__init__(message)
        self.key_given = key_given


class Authenticator:
    """Checks API keys: digest, revocation, expiry."""

    def __init__(self, store: Keys, now: Callable[[], datetime]) -> None:
        self._store, self._now = store, now

    async def __call__(self, authorization: str | None) -> Principal:
        """The principal behind the value of an Authorization header. Raises NotAuthenticated."""
        key = bearer(authorization)
        if not keys.well_formed(key):
            raise NotAuthenticated("this is not an Ink API key: keys begin with dk_live_", key_given=True)
        digest = keys.digest_of(key)
        found = [k for k in await self._store.with_prefix(keys.prefix_of(key)) if keys.same(k.digest, digest)]
        if not found:
            raise NotAuthenticated("the API key is unknown", key_given=True)
        return self._principal(found[0])

    def _principal(self, key: ApiKey) -> Principal:
        if key.revoked_at is not None:
            raise NotAuthenticated("the API key has been revoked", key_given=True)
        if key.expires_at is not None and key.expires_at <= self._now():
            raise NotAuthenticated("the API key has expired", key_given=True)
        return Principal(key.workspace, key.prefix, key.scopes, key.expires_at)


def bearer(authorization: str | None) -> str:
    """The token of a Bearer header. Raises NotAuthenticated when there is none."""
    scheme, _, token = (authorization or "").strip().partition(" ")
    if scheme.lower() != SCHEME or not token.strip():
        raise NotAuthenticated("no API key was sent", key_given=False)
    return token.strip()
