"""Which repositories may be read: HTTPS on public addresses, and Ink's own git server."""

import ipaddress
import socket
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from ink_api.reasons import Reason

from ink_builder.errors import BuildError

Resolve = Callable[[str, int], Iterable[str]]


def lookup(host: str, port: int) -> Iterable[str]:
    """The addresses of a name. Raises OSError."""
    return [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def is_own(url: str, allowed_base: str | None) -> bool:
    """Whether `url` lies below the address of Ink's own git server."""
    if not allowed_base:
        return False
    mine, theirs = urlsplit(allowed_base), urlsplit(url)
    prefix = mine.path.rstrip("/") + "/"
    same_place = (mine.scheme, mine.netloc) == (theirs.scheme, theirs.netloc)
    return same_place and theirs.path.startswith(prefix) and ".." not in theirs.path


def check(url: str, allowed_base: str | None, resolve: Resolve = lookup) -> None:
    """Raises BuildError: SourceRefused for what may not be read, SourceUnreachable for a name without an address."""
    if is_own(url, allowed_base):
        return
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise BuildError(Reason.SOURCE_REFUSED, f"{parts.scheme or 'this'}:// repositories are not read, only https://")
    if parts.username or parts.password:
        raise BuildError(Reason.SOURCE_REFUSED, "the repository's URL holds credentials: put them into source.git.auth")
    try:
        found = list(resolve(parts.hostname, parts.port or 443))
    except OSError as error:
        raise BuildError(
            Reason.SOURCE_UNREACHABLE,
            f"{parts.hostname} has no address: {error.strerror or error}",
            infrastructure=True,
        ) from error
    for address in found:
        if not _is_public(address):
            raise BuildError(
                Reason.SOURCE_REFUSED, f"{parts.hostname} lies on {address}, which is not a public address"
            )


def _is_public(address: str) -> bool:
    ip = ipaddress.ip_address(address.split("%", 1)[0])
    mapped = getattr(ip, "ipv4_mapped", None) or getattr(ip, "sixtofour", None)
    return (mapped or ip).is_global and not ip.is_multicast
