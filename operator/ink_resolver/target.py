"""Parses a request: which repository is asked, and for what. Pure."""

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ink_api.reasons import Reason
from yarl import URL

from ink_resolver.errors import SourceError, refused

MAX_URL = 2048
MAX_CREDENTIAL = 4096
COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
BAD_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(/|$)|^[/.-]|[/.]$")
"""What git does not allow in a branch name (git check-ref-format), and a leading hyphen."""


@dataclass(frozen=True)
class Query:
    """One question; everything in it is well-formed."""

    url: URL
    branch: str
    """Empty: the repository's default branch."""
    commit: str | None = None
    username: str = ""
    password: str = field(default="", repr=False)


def parse_query(body: Any, internal: URL | None) -> Query:
    """The question in a request's JSON. Raises SourceError."""
    if not isinstance(body, dict):
        raise refused("the request is not a JSON object with url and branch")
    texts = {key: body.get(key) or "" for key in ("url", "branch", "commit", "username", "password")}
    for key, text in texts.items():
        if not isinstance(text, str):
            raise refused(f"{key} is not a string")
    for key in ("username", "password"):
        if len(texts[key]) > MAX_CREDENTIAL or not texts[key].isprintable():
            raise refused(f"the {key} is too long or contains control characters")
    if ":" in texts["username"]:
        raise refused("the username contains a colon, which HTTP Basic authentication does not allow")
    if texts["commit"] and not COMMIT.fullmatch(texts["commit"]):
        shown = ascii(texts["commit"][:80])
        raise SourceError(
            Reason.COMMIT_NOT_FOUND, f"{shown} is not a full commit id: use all 40 hex digits in lower case"
        )
    return Query(
        parse_url(texts["url"], internal),
        parse_branch(texts["branch"]),
        texts["commit"] or None,
        texts["username"],
        texts["password"],
    )


def parse_branch(text: str) -> str:
    """A branch's name without `refs/heads/`. Raises SourceError for a name that git does not allow."""
    branch = text.removeprefix("refs/heads/")
    if branch and (len(branch) > 255 or BAD_REF.search(branch)):
        shown = ascii(branch[:80])
        raise SourceError(Reason.BRANCH_NOT_FOUND, f"{shown} is not a valid branch name: correct spec.source.git")
    return branch


def parse_url(text: str, internal: URL | None) -> URL:
    """The address of a repository that may be asked. Raises SourceError saying which rule it breaks."""
    shown = ascii(text[:200])
    if not text or len(text) > MAX_URL or not text.isprintable() or any(c in text for c in " \\"):
        raise refused(f"{shown} is not a repository address: use https://<host>/<path>")
    try:
        parts = urlsplit(text)
        url = URL(text)
        port = url.port
    except ValueError as broken:
        raise refused(f"{shown} is not a repository address: use https://<host>/<path>") from broken
    if parts.username is not None or parts.password is not None or url.user or url.password:
        raise refused("the repository address contains credentials: move them to spec.source.git.auth")
    if not url.host or not parts.hostname or port is None:
        raise refused(f"{shown} has no host: use https://<host>/<path>")
    if not url.raw_path.strip("/"):
        raise refused(f"{shown} has a host but no repository: use https://<host>/<path>")
    if parts.query or parts.fragment:
        raise refused(f"{shown} contains a query or fragment: use https://<host>/<path>")
    if is_internal(url, internal):
        return url
    if url.scheme != "https":
        raise refused(f"{url.scheme}:// repositories are not supported: use the https:// address of {shown}")
    if port != 443 and port < 1024:
        raise refused(f"port {port} of {shown} is not allowed: use 443, or a port from 1024 up")
    return url


def is_internal(url: URL, internal: URL | None) -> bool:
    """True when an address is on Ink's own git server: same scheme, host and port, exactly."""
    return internal is not None and server_of(url) == server_of(internal)


def server_of(url: URL) -> tuple[str, str | None, int | None]:
    """Scheme, host and port, with the default port filled in."""
    return url.scheme, url.raw_host, url.port


def redirected(base: URL, location: str, suffix: str) -> URL:
    """Where a repository has moved to, when its server redirects `<base><suffix>`; only within the same host.

    Raises SourceError otherwise, and when the new address does not end in the suffix.
    """
    where = "the git server redirects"
    try:
        target = URL(f"{base}{suffix}").join(URL(location)) if len(location) <= MAX_URL else URL()
        same = bool(target.host) and server_of(target) == server_of(base)
    except ValueError as broken:
        raise refused(f"{where} to an invalid address") from broken
    if not same or target.user or target.password:
        there = str(target.host)[:100]
        raise refused(f"{where} to another host or scheme ({there!a}): use the repository's final address")
    path = target.raw_path
    if not path.endswith(suffix):
        raise SourceError(
            Reason.REPOSITORY_NOT_FOUND, f"{where} to a page that is not a repository: check that {base} is one"
        )
    return base.with_path(path.removesuffix(suffix), encoded=True)
