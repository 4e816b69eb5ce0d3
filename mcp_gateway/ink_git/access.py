"""Access control: from passwords to grants, from grants to decisions. Tokens are stored hashed and never logged."""

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Protocol

import jwt

from ink_git.names import RepoName, parse_name

PREFIX = "mlg_"
CLOCK_SKEW_SECONDS = 5


class TokenScope(StrEnum):
    """What a token allows; write includes read."""

    READ = "read"
    WRITE = "write"


@dataclass(frozen=True)
class Grant:
    """One repository and the scope of access to it."""

    name: RepoName
    scope: TokenScope


class Decision(Enum):
    """The outcome of an access check."""

    ALLOWED = 200
    FORBIDDEN = 403
    NOT_FOUND = 404


class TokenStore(Protocol):
    """Stores hashed tokens."""

    async def grant_of(self, token_hash: bytes) -> Grant | None: ...


def new_token() -> str:
    """A fresh token with 240 random bits."""
    return PREFIX + secrets.token_hex(30)


def hash_token(token: str) -> bytes:
    """The stored form. Plain SHA-256 is enough for a random secret."""
    return hashlib.sha256(token.encode()).digest()


def password_of(authorization: str | None) -> str | None:
    """The password of a Basic header (any user name) or the token of a Bearer header, else None."""
    scheme, _, value = (authorization or "").strip().partition(" ")
    if scheme.lower() == "bearer":
        return value.strip() or None
    if scheme.lower() != "basic":
        return None
    try:
        pair = base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    _, colon, password = pair.partition(":")
    return password if colon and password else None


def signed_grant(token: str, signing_key: str) -> Grant | None:
    """The grant of a machine token: a JWT signed by the operator. It is always read-only."""
    try:
        claims = jwt.decode(
            token,
            signing_key,
            algorithms=["HS256"],
            options={"require": ["exp", "repo", "scope"], "verify_aud": False},
            leeway=CLOCK_SKEW_SECONDS,
        )
    except jwt.InvalidTokenError:
        return None
    repository = claims["repo"]
    if claims["scope"] != TokenScope.READ or not isinstance(repository, str):
        return None
    name = parse_name(*repository.split("/")) if repository.count("/") == 1 else None
    return Grant(name, TokenScope.READ) if name else None


async def grant_of(password: str | None, store: TokenStore, signing_key: str) -> Grant | None:
    """The grant of a password; None if it is unknown, expired, revoked or forged."""
    if not password or not password.startswith(PREFIX) or len(password) > 4096:
        return None
    if password.count(".") == 2:
        return signed_grant(password.removeprefix(PREFIX), signing_key)
    return await store.grant_of(hash_token(password))


def decide(grant: Grant, name: RepoName | None, exists: bool, need: TokenScope) -> Decision:
    """The answer for another repository is the same as for one that does not exist, so names cannot be guessed."""
    if name is None or grant.name != name or not exists:
        return Decision.NOT_FOUND
    if need is TokenScope.WRITE and grant.scope is not TokenScope.WRITE:
        return Decision.FORBIDDEN
    return Decision.ALLOWED


def same_secret(given: str | None, expected: str) -> bool:
    """Comparison in constant time."""
    return given is not None and hmac.compare_digest(given.encode(), expected.encode())
