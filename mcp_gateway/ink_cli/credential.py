"""git's credential protocol, git-credential(1): git asks for a password when it needs one; nobody writes it down."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from ink_cli.errors import UsageError

Ask = Callable[..., dict[str, Any]]
"""Calls a tool of the gateway."""


def setup(git_url: str) -> list[str]:
    """How to make git ask, for the one server that `git_url` lies on."""
    parts = urlsplit(git_url)
    server = f"credential.{parts.scheme}://{parts.netloc}"
    return [
        f"git config --global {server}.helper '!ink credential'",
        f"git config --global {server}.useHttpPath true",
    ]


def fill(request: str, ask: Ask) -> str:
    """What git reads; nothing for a repository that is not the workspace's on Ink's own server. Raises UsageError."""
    wanted = dict(line.split("=", 1) for line in request.splitlines() if "=" in line)
    home = str(ask("whoami")["git_url"]).rstrip("/")
    server, _, workspace = home.rpartition("/")
    if f"{wanted.get('protocol')}://{wanted.get('host')}" != server:
        return ""
    if not wanted.get("path"):
        raise UsageError(f"git does not say which repository: {setup(home)[1]}")
    owner, _, name = wanted["path"].strip("/").removesuffix(".git").partition("/")
    if owner != workspace or not name:
        return ""
    token = ask("get_git_token", name=name)
    answer = {"username": "ink", "password": token["token"]}
    if token.get("expires_at"):
        answer["password_expiry_utc"] = str(int(datetime.fromisoformat(token["expires_at"]).timestamp()))
    return "".join(f"{key}={value}\n" for key, value in answer.items())
