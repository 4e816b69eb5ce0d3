"""The only way to git servers on public addresses: an HTTP CONNECT proxy inside the builder.

libgit2 resolves a host name itself, after its address was checked: a name server that answers differently the second
time (DNS rebinding) would lead it to an internal address. This proxy connects to the very address that it checked,
wherever libgit2 is redirected. It also counts what a server sends, and cuts off one that is endless or too slow.
"""

import re
import select
import socket
import threading
import time
from dataclasses import dataclass, field
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any
from urllib.parse import urlsplit

from ink_api.reasons import Reason

from ink_builder.errors import BuildError
from ink_builder.git import sources
from ink_builder.git.tree import too_large
from ink_builder.settings import BuildSource

CONNECT_SECONDS = 10
_CHUNK = 256 * 1024
_POLL_SECONDS = 1.0
_CONNECT = re.compile(r"CONNECT \[?(?P<host>[^\s\[\]]+?)\]?:(?P<port>\d{1,5}) HTTP/1\.[01]\r\n")
_FRAMING = 1.2
"""Allowance for TLS and HTTP framing on top of a pack that is within the limit."""


@dataclass
class EgressProxy:
    """Runs while the context lasts; `refusal` says why a connection was refused or cut off."""

    source: BuildSource
    resolve: sources.Resolve = sources.lookup
    refusal: BuildError | None = None
    received: int = 0
    _server: Any = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """The proxy's URL for libgit2; it starts listening at the first call."""
        if self._server is None:
            handler = type("Tunnel", (_Tunnel,), {"proxy": self})
            self._server = _Server(("127.0.0.1", 0), handler)
            threading.Thread(target=self._server.serve, daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "EgressProxy":
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.ended.set()

    def begin(self) -> None:
        """Before each fetch: forget what earlier attempts received, or were refused."""
        self.refusal, self.received = None, 0

    def connect(self, host: str, port: int) -> socket.socket:
        """A connection to a checked address. Raises BuildError, OSError."""
        if is_own_host(host, port, self.source.allowed_private):
            return socket.create_connection((host, port), CONNECT_SECONDS)
        error: OSError | None = None
        for address in sources.public(host, port, self.source.denied, self.resolve):
            try:
                return socket.create_connection((address, port), CONNECT_SECONDS)
            except OSError as caught:
                error = caught
        raise error or OSError(f"{host} could not be resolved")

    def count(self, size: int) -> None:
        """Count what a server has sent. Raises BuildError when it is too much."""
        self.received += size
        if self.received > self.source.max_bytes * _FRAMING + _CHUNK:
            raise too_large(f"fetching it takes more than {self.source.max_bytes // 2**20} MiB")


class _Server(ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    timeout = 0.05

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.ended = threading.Event()

    def serve(self) -> None:
        """Serve until `ended` is set; unlike `shutdown`, nobody waits for that."""
        with self:
            while not self.ended.is_set():
                self.handle_request()


class _Tunnel(StreamRequestHandler):
    """One CONNECT."""

    proxy: EgressProxy
    timeout = CONNECT_SECONDS

    def handle(self) -> None:
        """Check, connect, and forward bytes in both directions."""
        wanted = _CONNECT.match(self._head())
        if wanted is None:
            self.wfile.write(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
            return
        try:
            there = self.proxy.connect(wanted["host"], int(wanted["port"]))
        except BuildError as error:
            self.proxy.refusal = error
            self.wfile.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            return
        except OSError as error:
            where = f"{wanted['host']}:{wanted['port']}"
            message = f"cannot connect to {where}: {error}"
            self.proxy.refusal = BuildError(Reason.SOURCE_UNREACHABLE, message, infrastructure=True)
            self.wfile.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            return
        with there:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            try:
                self._forward(there)
            except BuildError as error:
                self.proxy.refusal = error
            except OSError:
                return  # either side has hung up; libgit2 reports what that means

    def _head(self) -> str:
        lines = []
        for _ in range(50):
            line = self.rfile.readline(8192)
            lines.append(line)
            if line in {b"\r\n", b"\n", b""}:
                break
        return b"".join(lines).decode("latin-1")

    def _forward(self, there: socket.socket) -> None:
        here = self.connection
        here.settimeout(None)
        there.settimeout(CONNECT_SECONDS * 3)
        there.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pace = Pace(self.proxy.source.slow_seconds, self.proxy.source.slow_bytes_per_second, time.monotonic())
        while True:
            ready, _, _ = select.select([here, there], [], [], _POLL_SECONDS)
            for end, other in ((here, there), (there, here)):
                if end not in ready:
                    continue
                data = end.recv(_CHUNK)
                if not data:
                    return
                if end is here:
                    # libgit2 sends the rest of a request once its head is acknowledged, which Linux delays by 40 ms.
                    here.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
                else:
                    self.proxy.count(len(data))
                    pace.add(len(data))
                other.sendall(data)
            if pace.is_too_slow(time.monotonic()):
                least = pace.least_bytes_per_second
                message = f"the git server sends less than {least} bytes per second: the fetch was aborted"
                raise BuildError(Reason.SOURCE_UNREACHABLE, message, infrastructure=True)


@dataclass
class Pace:
    """How fast a server sends; a slow start is allowed, as a server may have to compute the pack first."""

    grace_seconds: float
    least_bytes_per_second: int
    began: float
    received: int = 0

    def add(self, size: int) -> None:
        """Count what was received."""
        self.received += size

    def is_too_slow(self, now: float) -> bool:
        """Whether the connection, on the whole, has been slower than allowed."""
        age = now - self.began
        return age > self.grace_seconds and self.received < self.least_bytes_per_second * age


def is_own_host(host: str, port: int, allowed_base: str | None) -> bool:
    """Whether a tunnel leads to Ink's own git server; the path was checked before."""
    own = urlsplit(allowed_base or "")
    return own.scheme == "https" and (own.hostname, own.port or 443) == (host.lower(), port)
