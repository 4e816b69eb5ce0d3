"""Passes TCP connections on: `forwarder.py LOCAL_PORT HOST PORT`. Loopback only; half-closes and back-pressure kept.

Run by path, with nothing but the standard library.
"""

from __future__ import annotations

import asyncio
import socket
import sys

_BACKLOG = 1024
_KEEP_ALIVE = ((socket.TCP_KEEPIDLE, 10), (socket.TCP_KEEPINTVL, 5), (socket.TCP_KEEPCNT, 3))
_UNANSWERED_MS = 20_000


class Half(asyncio.Protocol):
    """One side of a forwarded connection; what it receives is written to `other`."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.other: Half | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # a TCP transport always is
        self.transport = transport
        notice_death(transport.get_extra_info("socket"))

    def _peer(self) -> asyncio.Transport | None:
        return self.other.transport if self.other else None

    def data_received(self, data: bytes) -> None:
        if peer := self._peer():
            peer.write(data)

    def eof_received(self) -> bool:
        """Pass the half-close on and stay open for the answer."""
        if (peer := self._peer()) and peer.can_write_eof() and not peer.is_closing():
            peer.write_eof()
        return True

    def pause_writing(self) -> None:
        if (peer := self._peer()) and not peer.is_closing():
            peer.pause_reading()

    def resume_writing(self) -> None:
        if (peer := self._peer()) and not peer.is_closing():
            peer.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        if peer := self._peer():
            peer.close()


def notice_death(sock: socket.socket) -> None:
    """End the connection 25 s after the far side has vanished: a pod that is taken away by force says no goodbye."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEP_ALIVE:
        sock.setsockopt(socket.IPPROTO_TCP, option, value)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNANSWERED_MS)


class Front(Half):
    """The accepted side: reads nothing until the far side is connected."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__()
        self._host, self._port = host, port
        self._connecting: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        assert self.transport is not None
        self.transport.pause_reading()
        self._connecting = asyncio.get_running_loop().create_task(self._connect())

    async def _connect(self) -> None:
        assert self.transport is not None
        back = Half()
        back.other = self
        try:
            await asyncio.get_running_loop().create_connection(lambda: back, self._host, self._port)
        except OSError:
            self.transport.abort()
            return
        self.other = back
        if self.transport.is_closing():
            self.connection_lost(None)
        else:
            self.transport.resume_reading()


async def main(local_port: int, host: str, port: int) -> None:
    """Serve forever."""
    server = await asyncio.get_running_loop().create_server(
        lambda: Front(host, port), "127.0.0.1", local_port, backlog=_BACKLOG
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
