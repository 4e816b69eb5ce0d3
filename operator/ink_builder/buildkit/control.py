"""Calls to the daemon: connect, solve, follow the progress, read a blob."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import grpc

from ink_builder.buildkit.proto import content_pb2, content_pb2_grpc, control_pb2, control_pb2_grpc
from ink_builder.buildkit.session import UNLIMITED
from ink_builder.errors import infrastructure
from ink_builder.settings import BuildkitEndpoint

CONNECT_SECONDS = 20.0
_OPTIONS = (
    *UNLIMITED,
    # BuildKit lists the causes of an error in the trailer; gRPC would drop trailers over 8 KiB, and the error too.
    ("grpc.max_metadata_size", 1 << 20),
    ("grpc.absolute_max_metadata_size", 1 << 20),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.use_local_subchannel_pool", 1),
)


@dataclass(frozen=True)
class SolveRequest:
    """One build: options of the frontend and of the exporter, and where the registry stores the cache, if it does."""

    ref: str
    session_id: str
    attributes: Mapping[str, str]
    export: Mapping[str, str]
    cache: Mapping[str, str] | None = None


def _channel(daemon: BuildkitEndpoint) -> Any:
    if daemon.address.startswith("unix:"):
        return grpc.aio.insecure_channel(daemon.address, options=(*_OPTIONS, ("grpc.default_authority", "localhost")))
    if not (daemon.ca and daemon.cert and daemon.key):
        raise infrastructure(
            "the build Job lacks INK_BUILDKIT_CA, _CERT or _KEY: buildkitd requires a client certificate"
        )
    credentials = grpc.ssl_channel_credentials(daemon.ca.encode(), daemon.key.encode(), daemon.cert.encode())
    return grpc.aio.secure_channel(daemon.address, credentials, options=_OPTIONS)


def _cache(attributes: Mapping[str, str] | None) -> Any:
    """Every step is stored (`max`), and no build fails because of its cache. The frontend reads it: `cache-imports`."""
    if attributes is None:
        return control_pb2.CacheOptions()
    keep = {"mode": "max", "ignore-error": "true", "image-manifest": "true", "oci-mediatypes": "true"}
    return control_pb2.CacheOptions(
        Exports=[control_pb2.CacheOptionsEntry(Type="registry", Attrs={**attributes, **keep})],
    )


class BuildKit:
    """A connection to one daemon."""

    def __init__(self, daemon: BuildkitEndpoint) -> None:
        self._address = daemon.address
        self._channel = _channel(daemon)
        self.control = control_pb2_grpc.ControlStub(self._channel)
        self._content = content_pb2_grpc.ContentStub(self._channel)

    async def connect(self, patience_seconds: float = CONNECT_SECONDS) -> str:
        """Wait until the daemon answers (it may just be starting); returns its version.

        Raises BuildError (infrastructure) when it does not within `patience_seconds`.
        """
        deadline = time.monotonic() + patience_seconds
        while True:
            left = deadline - time.monotonic()
            try:
                answer = await self.control.Info(control_pb2.InfoRequest(), timeout=max(left, 0.1), wait_for_ready=True)
                return str(answer.buildkitVersion.version)
            except grpc.aio.AioRpcError as error:
                if error.code() != grpc.StatusCode.UNAVAILABLE or time.monotonic() + 0.1 >= deadline:
                    detail = error.details() or error.code().name
                    raise infrastructure(f"BuildKit at {self._address} does not answer: {detail}") from error
            await asyncio.sleep(0.1)

    async def solve(self, wanted: SolveRequest) -> dict[str, str]:
        """Build a Dockerfile and export the image; returns the exporter's answer. Raises grpc.aio.AioRpcError."""
        request = control_pb2.SolveRequest(
            Ref=wanted.ref,
            Session=wanted.session_id,
            Frontend="dockerfile.v0",
            FrontendAttrs=dict(wanted.attributes),
            Cache=_cache(wanted.cache),
            Exporters=[control_pb2.Exporter(Type="image", Attrs=dict(wanted.export))],
        )
        answer = await self.control.Solve(request)
        return dict(answer.ExporterResponse)

    async def status(self, ref: str) -> AsyncIterator[Any]:
        """The progress of a build; ends with it. Raises grpc.aio.AioRpcError."""
        async for update in self.control.Status(control_pb2.StatusRequest(Ref=ref)):
            yield update

    async def blob(self, digest: str) -> bytes:
        """A blob in the daemon's store. Raises grpc.aio.AioRpcError (NOT_FOUND)."""
        call = self._content.Read(
            content_pb2.ReadContentRequest(digest=digest), metadata=(("containerd-namespace", "buildkit"),)
        )
        return b"".join([part.data async for part in call])

    async def close(self) -> None:
        """Close the connection, which cancels whatever still runs."""
        await self._channel.close(None)
