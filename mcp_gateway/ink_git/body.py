"""A request's body as a bounded stream of chunks, whatever the client does."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator

from starlette.types import Receive

CHUNK = 64 << 10


class BodyError(Exception):
    """The body is unusable; `status` is the HTTP status, the text is sent to the client."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class ClientGone(Exception):
    """The client closed the connection or sent nothing for too long."""


async def read(receive: Receive, encoding: str, max_bytes: int, idle_seconds: float) -> AsyncIterator[bytes]:
    """The decoded body, in chunks of at most 64 KiB or as received.

    encoding: the Content-Encoding header. max_bytes: limit of the decoded body, against decompression bombs.
    Raises BodyError (413, 415, 400) and ClientGone.
    """
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise BodyError(415, f"Content-Encoding {encoding[:40]!r} is not supported: send gzip or none")
    inflater = zlib.decompressobj(zlib.MAX_WBITS | 16) if encoding.endswith("gzip") else None
    total = 0
    more = True
    while more:
        data, more = await next_message(receive, idle_seconds)
        for chunk in inflate(inflater, data) if inflater else [data]:
            total += len(chunk)
            if total > max_bytes:
                raise BodyError(413, f"the request is larger than {max_bytes} bytes")
            if chunk:
                yield chunk
    if inflater and not inflater.eof:
        raise BodyError(400, "the gzip body is incomplete")


async def next_message(receive: Receive, idle_seconds: float) -> tuple[bytes, bool]:
    """The next piece of a body and whether more follows. Raises ClientGone."""
    try:
        message = await asyncio.wait_for(receive(), idle_seconds)
    except TimeoutError as silence:
        raise ClientGone(f"the client sent nothing for {idle_seconds:g} s") from silence
    if message["type"] != "http.request":
        raise ClientGone("the client closed the connection")
    return message.get("body", b""), message.get("more_body", False)


def inflate(inflater: "zlib._Decompress", data: bytes) -> Iterator[bytes]:
    """Decompressed pieces of at most 64 KiB each. Raises BodyError (400) when `data` is not gzip."""
    try:
        while data:
            yield inflater.decompress(data, CHUNK)
            data = inflater.unconsumed_tail
    except zlib.error as broken:
        raise BodyError(400, "the body is not valid gzip") from broken


async def until_closed(receive: Receive) -> None:
    """Returns once the client has closed the connection; call it after reading the whole body."""
    while (await receive())["type"] != "http.disconnect":
        pass
