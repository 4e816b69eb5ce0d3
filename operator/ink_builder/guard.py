"""The only way to git servers on public addresses: a proxy of ours inside the builder.

libgit2 looks a name up by itself, after we have judged it: a name server that answers differently the second time would
lead it to an address inside. Through this proxy the address that was judged is the one that is connected to, whatever
libgit2 follows. What a server sends is counted here as well, and one that trickles for ever is cut off.
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

from ink_builder import addresses
from ink_builder.errors import BuildError
from ink_builder.settings import Source

CONNECT_SECONDS = 10
_CHUNK = 256 * 1024
_TICK_SECONDS = 1.0
_CONNECT = re.compile(r"CONNECT \[?(?P<host>[^\s\[\]]+?)\]?:(?P<port>\d{1,5}) HTTP/1\.[01]\r\n")
_FRAMING = 1.2
"""What TLS and HTTP may add to a pack that is within the limit."""


@dataclass
class Guard:
    """Runs while the context lasts; `refusal` is why a connection was refused or cut off."""

    source: Source
    resolve: addresses.Resolve = addresses.lookup
    refusal: BuildError | None = None
    received: int = 0
    _server: Any = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """What libgit2 takes as its proxy; it listens from the first time on that somebody asks."""
        if self._server is None:
            handler = type("Tunnel", (_Tunnel,), {"guard": self})
            self._server = _Server(("127.0.0.1", 0), handler)
            threading.Thread(target=self._server.serve, daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "Guard":
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.ended.set()

    def begin(self) -> None:
        """Before each fetch: what an earlier attempt received or was refused counts no more."""
        self.refusal, self.received = None, 0

    def connect(self, host: str, port: int) -> socket.socket:
        """A connection to an address that was judged. Raises BuildError, OSError."""
        if is_own_host(host, port, self.source.allowed_private):
            return socket.create_connection((host, port), CONNECT_SECONDS)
        error: OSError | None = None
        for address in addresses.public(host, port, self.source.denied, self.resolve):
            try:
                return socket.create_connection((address, port), CONNECT_SECONDS)
            except OSError as caught:
                error = caught
        raise error or OSError(f"{host} has no address")

    def count(self, size: int) -> None:
        """Take note of what a server has sent. Raises BuildError when it is too much."""
        self.received += size
        if self.received > self.source.max_bytes * _FRAMING + _CHUNK:
            what = f"more than {self.source.max_bytes // 2**20} MiB had to be fetched"
            raise BuildError(Reason.SOURCE_TOO_LARGE, f"the repository is too large: {what}")


class _Server(ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    timeout = 0.05

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.ended = threading.Event()

    def serve(self) -> None:
        """Until the end; nobody waits for it, as `shutdown` would."""
        with self:
            while not self.ended.is_set():
                self.handle_request()


class _Tunnel(StreamRequestHandler):
    """One CONNECT."""

    guard: Guard
    timeout = CONNECT_SECONDS

    def handle(self) -> None:
        """Judge, connect, and pass bytes on in both directions."""
        wanted = _CONNECT.match(self._head())
        if wanted is None:
            self.wfile.write(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
            return
        try:
            there = self.guard.connect(wanted["host"], int(wanted["port"]))
        except BuildError as error:
            self.guard.refusal = error
            self.wfile.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            return
        except OSError as error:
            where = f"{wanted['host']}:{wanted['port']}"
            message = f"{where} cannot be reached: {error}"
            self.guard.refusal = BuildError(Reason.SOURCE_UNREACHABLE, message, infrastructure=True)
            self.wfile.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            return
        with there:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            try:
                self._pass_on(there)
            except BuildError as error:
                self.guard.refusal = error
            except OSError:
                return  # either side has gone; libgit2 says what it makes of that

    def _head(self) -> str:
        lines = []
        for _ in range(50):
            line = self.rfile.readline(8192)
            lines.append(line)
            if line in {b"\r\n", b"\n", b""}:
                break
        return b"".join(lines).decode("latin-1")

    def _pass_on(self, there: socket.socket) -> None:
        here = self.connection
        here.settimeout(None)
        there.settimeout(CONNECT_SECONDS * 3)
        there.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pace = Pace(self.guard.source.slow_seconds, self.guard.source.slow_bytes_per_second, time.monotonic())
        while True:
            ready, _, _ = select.select([here, there], [], [], _TICK_SECONDS)
            for end, other in ((here, there), (there, here)):
                if end not in ready:
                    continue
                data = end.recv(_CHUNK)
                if not data:
                    return
                if end is here:
                    # libgit2 sends the rest of a request once its head is acknowledged, which Linux puts off by 40 ms.
                    here.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
                else:
                    self.guard.count(len(data))
                    pace.seen(len(data))
                other.sendall(data)
            if pace.is_too_slow(time.monotonic()):
                least = pace.least_bytes_per_second
                message = f"the git server sends less than {least} bytes a second: the fetch was given up"
                raise BuildError(Reason.SOURCE_UNREACHABLE, message, infrastructure=True)


@dataclass
class Pace:
    """How fast a server sends; a slow beginning is forgiven, for a server may have to compute the pack first."""

    grace_seconds: float
    least_bytes_per_second: int
    began: float
    received: int = 0

    def seen(self, size: int) -> None:
        """Count."""
        self.received += size

    def is_too_slow(self, now: float) -> bool:
        """Whether the whole connection has been slower than it may."""
        age = now - self.began
        return age > self.grace_seconds and self.received < self.least_bytes_per_second * age


def is_own_host(host: str, port: int, allowed_base: str | None) -> bool:
    """Whether a tunnel leads to Ink's own git server; what its path may be was judged before."""
    own = urlsplit(allowed_base or "")
    return own.scheme == "https" and (own.hostname, own.port or 443) == (host.lower(), port)
