"""git's credential protocol, git-credential(1): git asks for a password when it needs one, so none is stored."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from ink_cli.errors import UsageError

Ask = Callable[..., dict[str, Any]]
"""Calls a tool of the gateway."""


def setup(git_url: str) -> list[str]:
    """The commands that make git ask us, only for the server of `git_url`."""
    parts = urlsplit(git_url)
    server = f"credential.{parts.scheme}://{parts.netloc}"
    return [
        f"git config --global {server}.helper '!ink credential'",
        f"git config --global {server}.useHttpPath true",
    ]


def fill(request: str, ask: Ask) -> str:
    """The answer for git; empty unless the repository is the workspace's on Ink's git server. Raises UsageError."""
    wanted = dict(line.split("=", 1) for line in request.splitlines() if "=" in line)
    home = str(ask("whoami")["git_url"]).rstrip("/")
    server, _, workspace = home.rpartition("/")
    if f"{wanted.get('protocol')}://{wanted.get('host')}" != server:
        return ""
    if not wanted.get("path"):
        raise UsageError(f"git did not name the repository: run {setup(home)[1]}")
    owner, _, name = wanted["path"].strip("/").removesuffix(".git").partition("/")
    if owner != workspace or not name:
        return ""
    token = ask("get_git_token", name=name)
    answer = {"username": "ink", "password": token["token"]}
    if token.get("expires_at"):
        answer["password_expiry_utc"] = str(int(datetime.fromisoformat(token["expires_at"]).timestamp()))
    return "".join(f"{key}={value}\n" for key, value in answer.items())
