"""Answers on every address of its network namespace with one line that says which address was reached.

Run by path, with nothing but the standard library: `standin_server.py READY_FILE`.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from collections.abc import Callable
from pathlib import Path

TCP_PORTS = (22, 25, 53, 80, 443, 465, 587, 2379, 5432, 6379, 6443, 8080, 10250)
UDP_PORTS = (53, 123)
_IP_PKTINFO = 8
_ANSWER_SECONDS = 2.0


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send the line at once to a silent client, or as an HTTP answer to one that sends a request."""
    address, port = writer.get_extra_info("sockname")[:2]
    line = f"stand-in reached at {address}:{port}\n".encode()
    try:
        first = await asyncio.wait_for(reader.read(4096), _ANSWER_SECONDS if port in {80, 8080} else 0.2)
    except TimeoutError:
        first = b""
    try:
        if first.split(b" ", 1)[0] in {b"GET", b"HEAD", b"POST", b"PUT"}:
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(line)}\r\nConnection: close\r\n\r\n"
            writer.write(head.encode())
        writer.write(line)
        await writer.drain()
    except OSError:
        pass  # the client has gone: nothing to answer
    finally:
        writer.close()


def udp_socket(port: int) -> socket.socket:
    """A socket on every address that also tells which of them a packet was sent to."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    sock.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
    sock.bind(("0.0.0.0", port))
    return sock


def answer_packet(sock: socket.socket) -> None:
    """Answer one packet from the very address that it was sent to."""
    _, control, _, sender = sock.recvmsg(2048, 256)
    info = next(data for level, kind, data in control if (level, kind) == (socket.IPPROTO_IP, _IP_PKTINFO))
    reached = info[8:12]
    line = f"stand-in reached at {socket.inet_ntoa(reached)}:{sock.getsockname()[1]}/udp\n".encode()
    source = struct.pack("=I4s4s", 0, reached, b"\0\0\0\0")
    sock.sendmsg([line], [(socket.IPPROTO_IP, _IP_PKTINFO, source)], 0, sender)


async def main(listening: Callable[[], None]) -> None:
    """Listen on every port, report that, and serve forever."""
    loop = asyncio.get_running_loop()
    for port in TCP_PORTS:
        await asyncio.start_server(answer, "0.0.0.0", port)
    for port in UDP_PORTS:
        sock = udp_socket(port)
        loop.add_reader(sock, answer_packet, sock)
    listening()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]).touch))
