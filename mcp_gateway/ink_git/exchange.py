"""One HTTP request through one git process: body to stdin, stdout to the response, concurrently and bounded."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from ink_git import body
from ink_git.pktline import HeldFlush, wants_sideband
from ink_git.process import GitProcess, start

log = logging.getLogger(__name__)

HEAD_BYTES = 65520
"""How much of a request is inspected: its first packet."""
NO_CACHE = ((b"cache-control", b"no-cache, max-age=0, must-revalidate"), (b"x-content-type-options", b"nosniff"))


@dataclass(frozen=True)
class Command:
    """A git service to run for a request."""

    args: tuple[str, ...]
    env: dict[str, str]
    content_type: str
    prefix: bytes = b""
    """Sent before git's own output."""
    max_body_bytes: int = 10 << 20
    receives: bool = False
    """A push: what was received is removed if it is aborted; once all has arrived, git finishes without the client."""


@dataclass(frozen=True)
class Limits:
    """Timeouts after which an exchange is aborted."""

    total_seconds: float
    idle_seconds: float


After = Callable[[HeldFlush], Awaitable[list[bytes]]]
"""Called when git has exited, in any way; returns packets to add to the response's progress lines."""


class Exchange:
    """State of one exchange; made for each request."""

    def __init__(self, command: Command, limits: Limits, scope: Scope, receive: Receive, send: Send) -> None:
        self._command, self._limits = command, limits
        self._scope, self._receive, self._send = scope, receive, send
        self._head = b""
        self._failure: Exception | None = None
        self._started = False
        self._body_done = asyncio.Event()
        self.sent_bytes = 0

    async def run(self, after: After | None = None) -> int:
        """Run it; returns the HTTP status sent (499 if the client was gone). Never raises because of the client."""
        tail = HeldFlush() if after else None
        lines: list[bytes] = []
        try:
            async with asyncio.timeout(self._limits.total_seconds):
                async with start(*self._command.args, env=self._command.env, gentle=self._command.receives) as process:
                    feeder = asyncio.create_task(self._feed(process))
                    try:
                        code = await self._answer(process, tail)
                    finally:
                        feeder.cancel()
                        await asyncio.gather(feeder, return_exceptions=True)
        except TimeoutError:
            self._failure = body.ClientGone(f"it took longer than {self._limits.total_seconds:g} s")
            code = -1
        except body.ClientGone as gone:
            self._failure, code = gone, -1
        finally:
            if after and tail:
                lines = await asyncio.shield(after(tail))
        return await self._end(code, tail, lines)

    async def _feed(self, process: GitProcess) -> None:
        """Body to stdin. If git stops reading, the rest is discarded, so that the client reads git's response."""
        try:
            async for chunk in self._chunks():
                if len(self._head) < HEAD_BYTES:
                    self._head += chunk[: HEAD_BYTES - len(self._head)]
                if not process.stdin.is_closing():
                    await write(process.stdin, chunk)
            process.stdin.close()
            self._body_done.set()
            await body.until_closed(self._receive)
            if not self._command.receives:
                raise body.ClientGone("the connection was closed")
        except (body.ClientGone, body.BodyError) as failure:
            self._failure = failure
            process.abort()
        finally:
            self._body_done.set()

    def _chunks(self) -> AsyncIterator[bytes]:
        headers = dict(self._scope["headers"])
        encoding = headers.get(b"content-encoding", b"").decode("latin-1").strip().lower()
        return body.read(self._receive, encoding, self._command.max_body_bytes, self._limits.idle_seconds)

    async def _answer(self, process: GitProcess, tail: HeldFlush | None) -> int:
        """Stdout to the client; git's exit code."""
        if self._command.prefix:
            await self._write(self._command.prefix)
        while data := await process.stdout.read(body.CHUNK):
            if self._failure is None:
                await self._write(tail.feed(data) if tail else data)
        code = await process.wait()
        if tail or (code != 0 and not self._started):
            # Read the whole request to find the cause: git may exit on invalid input before its length is known.
            await self._body_done.wait()
        if code != 0 and self._failure is None:
            log.info("%s ended with %d: %s", " ".join(self._command.args[:1]), code, process.complaint)
        return code

    async def _write(self, data: bytes) -> None:
        if not data:
            return
        if not self._started:
            self._started = True
            headers = [(b"content-type", self._command.content_type.encode()), *NO_CACHE]
            await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        message = {"type": "http.response.body", "body": data, "more_body": True}
        try:
            await asyncio.wait_for(self._send(message), self._limits.idle_seconds)
        except (TimeoutError, OSError) as failure:
            raise body.ClientGone("the client does not read") from failure
        self.sent_bytes += len(data)

    async def _end(self, code: int, tail: HeldFlush | None, lines: list[bytes]) -> int:
        if isinstance(self._failure, body.BodyError) and not self._started:
            return await self._refuse(self._failure.status, f"Ink: {self._failure}\n")
        if self._failure is not None:
            log.info("aborted: %s", self._failure)
            # A client that still listens gets an error; a response that has begun can only be cut off.
            return 499 if self._started else await self._refuse(408, f"Ink: {self._failure}\n")
        if code != 0 and not self._started:
            return await self._refuse(500, "Ink: git failed; ask the administrator to check the git server's log\n")
        try:
            if tail:
                await self._write(tail.end(lines if wants_sideband(self._head) else []))
            if not self._started:
                headers = [(b"content-type", self._command.content_type.encode()), *NO_CACHE]
                await self._send({"type": "http.response.start", "status": 200, "headers": headers})
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        except body.ClientGone:
            return 499
        return 200

    async def _refuse(self, status: int, text: str) -> int:
        # Closed, because the rest of a refused body is not wanted.
        headers = {"Connection": "close"}
        await PlainTextResponse(text, status_code=status, headers=headers)(self._scope, self._receive, self._send)
        return status


async def write(stdin: asyncio.StreamWriter, chunk: bytes) -> None:
    """Write, or close it when git no longer reads."""
    try:
        stdin.write(chunk)
        await stdin.drain()
    except (BrokenPipeError, ConnectionResetError, RuntimeError):
        stdin.close()
