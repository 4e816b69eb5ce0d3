"""A BuildKit session: a gRPC server of ours, which the daemon calls through a byte stream that we opened."""

import asyncio
import secrets as random
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from ink_builder.buildkit.proto import (
    auth_pb2,
    auth_pb2_grpc,
    control_pb2,
    filesync_pb2,
    filesync_pb2_grpc,
    health_pb2,
    health_pb2_grpc,
    secrets_pb2,
    secrets_pb2_grpc,
)

_PUMP_BYTES = 256 * 1024
UNLIMITED = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))


@dataclass(frozen=True)
class SessionServices:
    """The services that the daemon may call."""

    filesync: Any
    auth: Any
    secrets: Any


class _Health:
    async def Check(self, _request: Any, _context: Any) -> Any:
        """Always healthy: otherwise nobody would answer."""
        return health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.SERVING)


def _register(server: Any, services: SessionServices) -> list[str]:
    """Add the services; returns the names of their methods, which the daemon needs."""
    filesync_pb2_grpc.add_FileSyncServicer_to_server(services.filesync, server)
    auth_pb2_grpc.add_AuthServicer_to_server(services.auth, server)
    secrets_pb2_grpc.add_SecretsServicer_to_server(services.secrets, server)
    health_pb2_grpc.add_HealthServicer_to_server(_Health(), server)
    return [
        f"/{service.full_name}/{method.name}"
        for module in (filesync_pb2, auth_pb2, secrets_pb2, health_pb2)
        for service in module.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    ]


@asynccontextmanager
async def open_session(control: Any, services: SessionServices, shared_key: str) -> AsyncIterator[str]:
    """Offer `services` to the daemon while the context lasts; yields the session's id.

    `shared_key` says which earlier sessions' files the daemon may reuse: one key per service, so that no tenant builds
    on another's files.
    """
    session_id = random.token_hex(16)
    server = grpc.aio.server(options=UNLIMITED)
    methods = _register(server, services)
    with tempfile.TemporaryDirectory(prefix="ink-session-") as directory:
        socket = Path(directory) / "s"
        server.add_insecure_port(f"unix:{socket}")
        await server.start()
        reader, writer = await asyncio.open_unix_connection(str(socket))
        call = control.Session(metadata=_metadata(session_id, shared_key, methods))
        pumps = [asyncio.ensure_future(_upward(reader, call)), asyncio.ensure_future(_downward(call, writer))]
        try:
            yield session_id
        finally:
            call.cancel()
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            writer.close()
            await server.stop(grace=None)


def _metadata(session_id: str, shared_key: str, methods: Sequence[str]) -> tuple[tuple[str, str], ...]:
    return (
        ("x-docker-expose-session-uuid", session_id),
        ("x-docker-expose-session-sharedkey", shared_key),
        *(("x-docker-expose-session-grpc-method", method) for method in methods),
    )


async def _upward(reader: asyncio.StreamReader, call: Any) -> None:
    """Bytes from our server to the daemon."""
    while data := await reader.read(_PUMP_BYTES):
        await call.write(control_pb2.BytesMessage(data=data))
    await call.done_writing()


async def _downward(call: Any, writer: asyncio.StreamWriter) -> None:
    """Bytes from the daemon to our server."""
    while (message := await call.read()) is not grpc.aio.EOF:
        writer.write(message.data)
        await writer.drain()
    writer.close()
