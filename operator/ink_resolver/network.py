"""Connections that go to public addresses alone, and answers of bounded size."""

import asyncio
import re
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from ink_common.public_addresses import is_public
from yarl import URL

from ink_resolver.errors import refused
from ink_resolver.target import is_internal

MAX_BYTES = 64 << 10
Allowed = Callable[[str], bool]
"""Whether an address may be connected to."""


class RefusedAddress(OSError):
    """A name resolves to addresses that are not public."""


class CheckedResolver(AbstractResolver):
    """Resolves names to those of their addresses that are allowed.

    The connection is made to exactly these, so a name cannot resolve to something else in between (DNS rebinding).
    """

    def __init__(self, allowed: Allowed) -> None:
        self._allowed = allowed
        # Threads of its own: a name server that never answers blocks nothing else.
        self._threads = ThreadPoolExecutor(max_workers=32, thread_name_prefix="names")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Allowed addresses of a name. Raises RefusedAddress if it has only others, OSError if it has none."""
        infos = await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
        )
        found = [(kind, str(address[0])) for kind, _, _, _, address in infos]
        found = [(kind, address) for kind, address in found if self._allowed(address)]
        if not found:
            raise RefusedAddress(host)
        return [
            ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=socket.AI_NUMERICHOST)
            for kind, address in found
        ]

    async def close(self) -> None:
        """Release the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class OutboundClient:
    """HTTP to two places: the public internet, and Ink's own git server."""

    def __init__(self, internal: URL | None, allowed: Allowed = is_public) -> None:
        self._internal, self._allowed = internal, allowed
        self._public = self._session(CheckedResolver(allowed))
        self._inside = self._session(None)

    @staticmethod
    def _session(resolver: AbstractResolver | None) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            resolver=resolver, use_dns_cache=False, force_close=True, limit=100, limit_per_host=20
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            max_line_size=8190,
            max_field_size=8190,
        )

    async def close(self) -> None:
        """Close both."""
        await self._public.close()
        await self._inside.close()

    def request(
        self, method: str, url: URL, headers: dict[str, str], data: bytes | None = None
    ) -> "aiohttp.client._RequestContextManager":
        """A request without redirects. Raises SourceError at once for a literal address that is refused."""
        headers = {"User-Agent": "git/2.40 (ink)", "Accept-Encoding": "identity", **headers}
        session = self._inside if is_internal(url, self._internal) else self._public
        host = (url.raw_host or "").rstrip(".")
        if session is self._public and is_literal(host) and not self._allowed(host):
            raise refused(f"{host!a} is not a public address: use a repository on the public internet")
        return session.request(method, url, headers=headers, data=data, allow_redirects=False)


def is_literal(host: str) -> bool:
    """True for hosts that are an address, or might be taken for one: they end in a number. Pure."""
    last = host.rstrip(".").rpartition(".")[2].lower()
    return ":" in host or last.isdigit() or re.fullmatch(r"0x[0-9a-f]*", last) is not None


async def read_some(response: aiohttp.ClientResponse, limit: int = MAX_BYTES) -> tuple[bytes, bool]:
    """At most `limit` bytes of an answer, and whether that was all."""
    data = b""
    while chunk := await response.content.read(limit + 1 - len(data)):
        data += chunk
        if len(data) > limit:
            return data[:limit], False
    return data, True


def is_refusal(error: BaseException) -> bool:
    """True when a connection was refused because of the address that a name resolves to."""
    return isinstance(error, RefusedAddress) or isinstance(getattr(error, "os_error", None), RefusedAddress)
