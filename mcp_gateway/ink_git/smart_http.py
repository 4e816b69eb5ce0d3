"""The public side: git's smart HTTP protocol, and nothing else."""

import logging
import re
import time
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from ink_git import access
from ink_git.access import Decision
from ink_git.exchange import Command, Exchange, Limits
from ink_git.names import RepoName, parse_name
from ink_git.pktline import FLUSH, HeldFlush, packet, progress
from ink_git.process import GitError, environment
from ink_git.push_recorder import PushRecorder, pusher_lines
from ink_git.repositories import RepositoryStore
from ink_git.settings import Settings
from ink_git.slots import Busy, Slots
from ink_git.store import GitDatabase

log = logging.getLogger(__name__)

UPLOAD, RECEIVE = "git-upload-pack", "git-receive-pack"
NEEDED = {UPLOAD: access.TokenScope.READ, RECEIVE: access.TokenScope.WRITE}
DISK_RESERVE_BYTES = 256 << 20
"""Reserved on the volume for the database and for running git processes."""
FETCH_BODY_BYTES = 10 << 20
HOW_TO_AUTHENTICATE = "Ink: log in with any user name and an mlg_… token as password (MCP tool get_git_token)\n"
NOT_FOUND = "Ink: this repository does not exist, or the token is not valid for it; create_repo creates one\n"
READ_ONLY = "Ink: this token is read-only; use one from get_git_token to push\n"
BUSY = "Ink: too many git operations at once; try again in a minute\n"
NOT_SMART = "Ink: this server supports only git's smart HTTP protocol; use a git client\n"


@dataclass(frozen=True)
class GitServerParts:
    """What the public side needs."""

    settings: Settings
    repositories: RepositoryStore
    store: GitDatabase
    push_recorder: PushRecorder
    slots: Slots


class SmartHttp:
    """ASGI endpoint of a repository's three URLs."""

    def __init__(self, parts: GitServerParts) -> None:
        self._parts = parts

    def routes(self) -> list[Route]:
        """The routes of the endpoint."""
        return [
            Route("/{workspace}/{repo}.git/info/refs", self, methods=["GET"]),
            Route("/{workspace}/{repo}.git/{service:str}", self, methods=["POST"]),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Authenticate, authorise, run git; logs one line for each request that is let through."""
        request = Request(scope)
        advertise = request.method in ("GET", "HEAD")
        service = request.query_params.get("service", "") if advertise else request.path_params["service"]
        refusal, name = await self._refusal(request, service)
        if refusal is not None or name is None:
            await (refusal or PlainTextResponse(NOT_FOUND, 404))(scope, receive, send)
            return
        started = time.monotonic()
        try:
            async with self._parts.slots.place(name.workspace):
                status, sent = await self._serve(name, service, advertise, (scope, receive, send))
        except Busy:
            headers = {"Retry-After": "60", "Connection": "close"}
            await PlainTextResponse(BUSY, 503, headers)(scope, receive, send)
            status, sent = 503, 0
        what = f"{service}{' refs' if advertise else ''}"
        log.info("%s %s %d %d bytes %.2f s", name, what, status, sent, time.monotonic() - started)

    async def _refusal(self, request: Request, service: str) -> tuple[Response | None, RepoName | None]:
        """The error response, or the name of the repository that the request may use."""
        close = {} if request.method == "GET" else {"Connection": "close"}
        password = access.password_of(request.headers.get("authorization"))
        grant = await access.grant_of(password, self._parts.store, self._parts.settings.signing_key)
        if grant is None:
            challenge = {"WWW-Authenticate": 'Basic realm="Ink git", charset="UTF-8"', **close}
            return PlainTextResponse(HOW_TO_AUTHENTICATE, 401, challenge), None
        name = parse_name(request.path_params["workspace"], request.path_params["repo"])
        exists = name is not None and self._parts.repositories.exists(name)
        needed = NEEDED.get(service)
        decision = access.decide(grant, name, exists, needed or access.TokenScope.READ)
        if decision is Decision.NOT_FOUND:
            return PlainTextResponse(NOT_FOUND, 404, close), None
        if needed is None:
            return PlainTextResponse(NOT_SMART, 403, close), None
        if decision is Decision.FORBIDDEN:
            return PlainTextResponse(READ_ONLY, 403, close), None
        if request.method == "POST" and request.headers.get("content-type") != f"application/x-{service}-request":
            return PlainTextResponse(NOT_SMART, 415, close), None
        return None, name

    async def _serve(
        self, name: RepoName, service: str, advertise: bool, asgi: tuple[Scope, Receive, Send]
    ) -> tuple[int, int]:
        settings = self._parts.settings
        limits = Limits(settings.request_timeout_seconds, settings.idle_timeout_seconds)
        protocol = protocol_of(Headers(scope=asgi[0]).get("git-protocol", ""))
        path = str(self._parts.repositories.path(name))
        if advertise or service == UPLOAD:
            command = advertisement(service, path, protocol) if advertise else fetch(path, protocol)
            exchange = Exchange(command, limits, *asgi)
            return await exchange.run(), exchange.sent_bytes
        room = await self._room(name)
        exchange = Exchange(push(path, room.bytes, settings.push_max_bytes), limits, *asgi)
        return await exchange.run(lambda tail: self._after_push(name, tail, room)), exchange.sent_bytes

    async def _room(self, name: RepoName) -> "Room":
        settings = self._parts.settings
        free = self._parts.repositories.free_bytes() - DISK_RESERVE_BYTES
        return room_for(
            await self._parts.repositories.size(name), settings.repo_max_bytes, settings.push_max_bytes, free
        )

    async def _after_push(self, name: RepoName, tail: HeldFlush, room: "Room") -> list[bytes]:
        lines = [room.why] if tail.refused_for_size else []
        try:
            lines += pusher_lines(await self._parts.push_recorder.record(name))
        except (GitError, OSError):
            # The push itself succeeded; the next recording of the repository finds it.
            log.exception("refs of %s could not be read after a push", name)
        return [progress(line) for line in lines]


@dataclass(frozen=True)
class Room:
    """The maximum size of a pack, and the message for a larger one."""

    bytes: int
    why: str


def room_for(size: int, repo_max: int, push_max: int, free: int) -> Room:
    """The strictest of the limits, in bytes; at least 1, because git takes 0 as no limit. Pure."""
    left = repo_max - size
    if free < min(left, push_max):
        return Room(
            max(free, 1), "Ink: the git server's disk is full; nothing is wrong with your push, try again later"
        )
    if left < push_max:
        return Room(
            max(left, 1),
            f"Ink: the repository is limited to {mib(repo_max)} and has {mib(size)}: push less, or remove large files "
            "from its history (their space is freed within two days)",
        )
    return Room(push_max, f"Ink: a push is limited to {mib(push_max)}: push fewer commits at a time")


def advertisement(service: str, path: str, protocol: str) -> Command:
    """The ref advertisement of a repository; protocol version 2 is for fetches only. Pure."""
    protocol = protocol if service == UPLOAD else ""
    # In version 2 there is no service line.
    prefix = b"" if protocol == "version=2" else packet(f"# service={service}\n".encode()) + FLUSH
    args = (service.removeprefix("git-"), "--stateless-rpc", "--http-backend-info-refs", path)
    return Command(args, environment(None, protocol), f"application/x-{service}-advertisement", prefix)


def fetch(path: str, protocol: str) -> Command:
    """Objects for a client. Pure."""
    args = ("upload-pack", "--stateless-rpc", path)
    result = f"application/x-{UPLOAD}-result"
    return Command(args, environment(None, protocol), result, max_body_bytes=FETCH_BODY_BYTES)


def push(path: str, room_bytes: int, push_max_bytes: int) -> Command:
    """Objects from a client, at most `room_bytes` of them. Pure."""
    return Command(
        ("receive-pack", "--stateless-rpc", path),
        environment({"receive.maxInputSize": str(room_bytes)}),
        f"application/x-{RECEIVE}-result",
        # A body that git refuses is still read to its end, within limits: the client reads only after sending.
        max_body_bytes=2 * push_max_bytes + FETCH_BODY_BYTES,
        receives=True,
    )


def mib(size: int) -> str:
    """A size for messages."""
    return f"{size / (1 << 20):.1f} MiB"


def protocol_of(header: str) -> str:
    """The requested protocol version, if git supports it; anything else is ignored. Pure."""
    versions = re.findall(r"(?:^|:)version=([012])(?=:|$)", header[:200])
    return f"version={max(versions)}" if versions else ""
