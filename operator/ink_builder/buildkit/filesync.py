"""The session service that sends directories to BuildKit: only the files that it asks for."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import grpc

from ink_builder.buildkit import tree
from ink_builder.buildkit.proto.fsutil_pb2 import Packet, Stat

CHUNK_BYTES = 64 * 1024


class FileSync:
    """Serves the directories of `roots` by name; anything else is refused."""

    def __init__(self, roots: Mapping[str, Path]) -> None:
        self._roots = dict(roots)
        self.sent_bytes = 0

    async def DiffCopy(self, _requests: Any, context: Any) -> None:
        """Send the list of files, then the content of each that is asked for, until the receiver says FIN."""
        options = request_options(context.invocation_metadata())
        name = (options.get("dir-name") or [""])[0]
        root = self._roots.get(name)
        if root is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"no access to directory {name!r}")
            return
        transfer = _Transfer(root, context)
        try:
            await transfer.run(options)
        finally:
            self.sent_bytes += transfer.sent_bytes


class _Transfer:
    """One directory to one receiver. One task reads and one writes, as a stream takes one writer at a time."""

    def __init__(self, root: Path, context: Any) -> None:
        self._root = root
        self._context = context
        self._files: dict[int, str] = {}
        self._wanted: asyncio.Queue[int | None] = asyncio.Queue()
        self.sent_bytes = 0

    async def run(self, options: Mapping[str, Sequence[str]]) -> None:
        """Do the whole exchange."""
        reading = asyncio.ensure_future(self._read())
        try:
            await self._send_list(options)
            while (number := await self._wanted.get()) is not None:
                await self._send_file(number)
            await reading
            await self._write(Packet(type=Packet.PACKET_FIN))
        finally:
            reading.cancel()

    async def _write(self, packet: Packet) -> None:
        await self._context.write(packet)

    async def _read(self) -> None:
        """Queue the requested files; None marks the end."""
        try:
            while True:
                packet = await self._context.read()
                if packet is grpc.aio.EOF or packet.type == Packet.PACKET_FIN:
                    return
                if packet.type == Packet.PACKET_REQ:
                    self._wanted.put_nowait(packet.ID)
                elif packet.type == Packet.PACKET_ERR:
                    raise ConnectionAbortedError(packet.data.decode(errors="replace"))
        finally:
            self._wanted.put_nowait(None)

    async def _send_list(self, options: Mapping[str, Sequence[str]]) -> None:
        wanted = tree.make_filter(
            self._root,
            options.get("include-patterns", ()),
            options.get("exclude-patterns", ()),
            options.get("followpaths", ()),
        )
        for number, entry in enumerate(tree.walk(self._root, wanted)):
            if entry.is_file:
                self._files[number] = entry.path
            stat = Stat(
                path=entry.path, mode=entry.mode, size=entry.size, modTime=entry.modified_ns, linkname=entry.link
            )
            await self._write(Packet(type=Packet.PACKET_STAT, stat=stat))
        await self._write(Packet(type=Packet.PACKET_STAT))

    async def _send_file(self, number: int) -> None:
        path = self._files.pop(number, None)
        if path is None:
            raise ConnectionAbortedError(f"file {number} was requested twice, or never offered")
        with (self._root / path).open("rb", buffering=0) as file:
            while chunk := file.read(CHUNK_BYTES):
                self.sent_bytes += len(chunk)
                await self._write(Packet(type=Packet.PACKET_DATA, ID=number, data=chunk))
        await self._write(Packet(type=Packet.PACKET_DATA, ID=number))


def request_options(metadata: Any) -> dict[str, list[str]]:
    """The request's metadata by key, with values that were escaped for the header unescaped."""
    options: dict[str, list[str]] = {}
    for key, value in metadata or ():
        options.setdefault(key, []).append(value if isinstance(value, str) else value.decode())
    for key in [k for k in options if k.endswith("-encoded")]:
        plain = key.removesuffix("-encoded")
        options[plain] = [unquote(value) for value in options.get(plain, [])]
    return options
