"""Which repositories may be fetched: HTTPS on public addresses, and Ink's own git server."""

import re
import socket
from collections.abc import Callable, Iterable, Sequence
from urllib.parse import urlsplit

from ink_api.reasons import Reason
from ink_common.public_addresses import Network, why_not_public

from ink_builder.errors import BuildError

Resolve = Callable[[str, int], Iterable[str]]
_UNAMBIGUOUS = re.compile(r"https?://[^@?#\\\s\x00-\x1f\x7f]+")
"""URLs of which every parser names the same host. libgit2 takes what follows an `@` for the host, also behind a `?`."""


def lookup(host: str, port: int) -> Iterable[str]:
    """The addresses of a name. Raises OSError."""
    return [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def is_own(url: str, allowed_base: str | None) -> bool:
    """Whether `url` is below the address of Ink's own git server."""
    if not allowed_base:
        return False
    base, asked = urlsplit(allowed_base), urlsplit(url)
    same_server = (base.scheme, base.netloc) == (asked.scheme, asked.netloc)
    return same_server and asked.path.startswith(base.path.rstrip("/") + "/") and ".." not in asked.path


def check(url: str, allowed_base: str | None, denied: Sequence[Network] = (), resolve: Resolve = lookup) -> None:
    """Raises BuildError: SourceRefused for a URL that must not be fetched, SourceUnreachable for an unknown name.

    `denied` are networks that the platform refuses although they are public.
    """
    if _UNAMBIGUOUS.fullmatch(url) and is_own(url, allowed_base):
        return
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise BuildError(
            Reason.SOURCE_REFUSED, f"{parts.scheme or 'this'}:// repositories are not supported: use an https:// URL"
        )
    if parts.username or parts.password:
        raise BuildError(
            Reason.SOURCE_REFUSED, "the repository's URL contains credentials: move them to source.git.auth"
        )
    if not _UNAMBIGUOUS.fullmatch(url):
        raise BuildError(
            Reason.SOURCE_REFUSED,
            "the repository's URL must begin with https:// in lower case, with no space, '@', '?', '#' or backslash",
        )
    try:
        port = parts.port or 443
    except ValueError as error:
        raise BuildError(Reason.SOURCE_REFUSED, f"the port in the repository's URL is not valid: {error}") from error
    public(parts.hostname, port, denied, resolve)


def public(host: str, port: int, denied: Sequence[Network] = (), resolve: Resolve = lookup) -> list[str]:
    """The addresses of `host`, all of them public. Raises BuildError, as check() does."""
    try:
        found = list(resolve(host, port))
    except (OSError, UnicodeError) as error:
        raise BuildError(
            Reason.SOURCE_UNREACHABLE,
            f"{host} could not be resolved: {getattr(error, 'strerror', None) or error}",
            infrastructure=True,
        ) from error
    for address in found:
        if why := why_not_public(address, denied):
            raise BuildError(Reason.SOURCE_REFUSED, f"{host} resolves to {address}, which is {why}")
    return found
