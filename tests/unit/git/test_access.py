"""Who may do what."""

from __future__ import annotations

import base64
import time

import jwt
import pytest
from ink_git import access
from ink_git.access import Decision, Grant, TokenScope
from ink_git.names import RepoName

KEY = "k" * 64
NAME = RepoName("team", "app")


class NoTokens:
    """A store that knows nothing."""

    async def grant_of(self, token_hash: bytes) -> Grant | None:
        return None


class AnyToken:
    """A store that knows every token."""

    async def grant_of(self, token_hash: bytes) -> Grant | None:
        return Grant(NAME, TokenScope.WRITE)


def basic(pair: str) -> str:
    return "Basic " + base64.b64encode(pair.encode()).decode()


@pytest.mark.parametrize(
    ("header", "password"),
    [
        (basic("anyone:mlg_x"), "mlg_x"),
        (basic(":mlg_x"), "mlg_x"),
        (basic("a:b:c"), "b:c"),
        ("bearer mlg_x", "mlg_x"),
        (basic("anyone:"), None),
        (basic("no colon"), None),
        ("Basic !!!", None),
        ("Basic /w==", None),
        ("Digest x", None),
        ("", None),
        (None, None),
    ],
)
def test_the_password_of_a_header(header: str | None, password: str | None) -> None:
    assert access.password_of(header) == password


async def test_only_tokens_of_ours_are_looked_up() -> None:
    for password in (None, "", "x", "dk_live_x", "mlg_" + "x" * 5000):
        assert await access.grant_of(password, AnyToken(), KEY) is None
    assert await access.grant_of("mlg_" + "0" * 60, AnyToken(), KEY) == Grant(NAME, TokenScope.WRITE)


async def test_a_signed_token_needs_no_store() -> None:
    claims = {"repo": "team/app", "scope": "read", "sub": "team", "exp": int(time.time()) + 60}
    token = "mlg_" + jwt.encode(claims, KEY, algorithm="HS256")
    assert await access.grant_of(token, NoTokens(), KEY) == Grant(NAME, TokenScope.READ)
    assert await access.grant_of(token[:-2], AnyToken(), KEY) is None, "a broken one is not looked up in the store"


@pytest.mark.parametrize(
    ("granted", "asked", "exists", "need", "decision"),
    [
        (TokenScope.READ, NAME, True, TokenScope.READ, Decision.ALLOWED),
        (TokenScope.WRITE, NAME, True, TokenScope.READ, Decision.ALLOWED),
        (TokenScope.WRITE, NAME, True, TokenScope.WRITE, Decision.ALLOWED),
        (TokenScope.READ, NAME, True, TokenScope.WRITE, Decision.FORBIDDEN),
        (TokenScope.WRITE, NAME, False, TokenScope.READ, Decision.NOT_FOUND),
        (TokenScope.WRITE, RepoName("team", "other"), True, TokenScope.READ, Decision.NOT_FOUND),
        (TokenScope.WRITE, RepoName("other", "app"), True, TokenScope.READ, Decision.NOT_FOUND),
        (TokenScope.WRITE, None, True, TokenScope.READ, Decision.NOT_FOUND),
    ],
)
def test_decisions(
    granted: TokenScope, asked: RepoName | None, exists: bool, need: TokenScope, decision: Decision
) -> None:
    assert access.decide(Grant(NAME, granted), asked, exists, need) is decision


def test_tokens_differ_and_are_long() -> None:
    tokens = {access.new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(token.startswith("mlg_") and len(token) == 64 and "." not in token for token in tokens)
