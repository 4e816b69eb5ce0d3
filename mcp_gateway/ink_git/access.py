"""Who may do what: passwords to grants, grants to decisions. Tokens themselves are never kept or logged."""

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


class Scope(StrEnum):
    """What a token may do; write includes read."""

    READ = "read"
    WRITE = "write"


@dataclass(frozen=True)
class Grant:
    """One repository and what may be done with it."""

    name: RepoName
    scope: Scope


class Decision(Enum):
    """What a request gets."""

    ALLOWED = 200
    FORBIDDEN = 403
    NOT_FOUND = 404


class TokenStore(Protocol):
    """Where the hashes are."""

    async def grant_of(self, token_hash: bytes) -> Grant | None: ...


def new_token() -> str:
    """A fresh token with 240 random bits."""
    return PREFIX + secrets.token_hex(30)


def hash_token(token: str) -> bytes:
    """What is stored. Plain SHA-256 is enough for a secret that nobody chose."""
    return hashlib.sha256(token.encode()).digest()


def password_of(authorization: str | None) -> str | None:
    """The password of a Basic header (any user name), or the token of a Bearer header; None without either."""
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
    """The grant of a machine's token: a JWT that the operator signed. Only ever read, and only until it expires."""
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
    if claims["scope"] != Scope.READ or not isinstance(repository, str):
        return None
    name = parse_name(*repository.split("/")) if repository.count("/") == 1 else None
    return Grant(name, Scope.READ) if name else None


async def grant_of(password: str | None, store: TokenStore, signing_key: str) -> Grant | None:
    """What a password opens; None when it opens nothing (unknown, expired, revoked, forged)."""
    if not password or not password.startswith(PREFIX) or len(password) > 4096:
        return None
    if password.count(".") == 2:
        return signed_grant(password.removeprefix(PREFIX), signing_key)
    return await store.grant_of(hash_token(password))


def decide(grant: Grant, name: RepoName | None, exists: bool, need: Scope) -> Decision:
    """Another repository and one that does not exist give the same answer, so that names cannot be guessed."""
    if name is None or grant.name != name or not exists:
        return Decision.NOT_FOUND
    if need is Scope.WRITE and grant.scope is not Scope.WRITE:
        return Decision.FORBIDDEN
    return Decision.ALLOWED


def same_secret(given: str | None, expected: str) -> bool:
    """Comparison that takes as long wherever the difference lies."""
    return given is not None and hmac.compare_digest(given.encode(), expected.encode())
