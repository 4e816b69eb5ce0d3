"""One build by the daemon: session, solve, progress, digest."""

import asyncio
import secrets as random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import grpc

from ink_builder import image
from ink_builder.buildkit import failure
from ink_builder.buildkit.auth import Auth
from ink_builder.buildkit.control import BuildKit
from ink_builder.buildkit.filesync import FileSync
from ink_builder.buildkit.progress import Progress
from ink_builder.buildkit.secrets import Secrets
from ink_builder.buildkit.session import Services, open_session
from ink_builder.errors import BuildError, infrastructure
from ink_builder.log import BuildLog
from ink_builder.settings import Settings

_STATUS_END_SECONDS = 2.0


@dataclass(frozen=True)
class Job:
    """What is built: `context` and the directory that holds the Dockerfile `filename` (often the same)."""

    context: Path
    dockerfile_directory: Path
    filename: str
    generated: bool
    target: str | None = None


@dataclass(frozen=True)
class Built:
    """A pushed image."""

    digest: str
    ports: tuple[int, ...]
    sent_bytes: int


def attributes(job: Job, settings: Settings) -> dict[str, str]:
    """Options of the Dockerfile frontend.

    `cmdline` makes the daemon's own frontend read every Dockerfile: otherwise a `# syntax=` line would make it pull and
    run another program. Cache mounts carry the tenant's name, so that no tenant sees another's.
    """
    chosen = {
        "filename": job.filename,
        "cmdline": "dockerfile.v0",
        "build-arg:BUILDKIT_CACHE_MOUNT_NS": settings.tenant,
    }
    if job.target:
        chosen["target"] = job.target
    if settings.no_cache:
        chosen["no-cache"] = ""
    return chosen


def export(settings: Settings) -> dict[str, str]:
    """Options of the image exporter. No attestations: an image is one manifest, and deleting it is one call."""
    chosen = {"name": settings.image, "push": "true", "oci-mediatypes": "true"}
    if settings.registry_insecure:
        chosen["registry.insecure"] = "true"
    return chosen


async def solve(buildkit: BuildKit, job: Job, settings: Settings, log: BuildLog) -> Built:
    """Build and push. Raises BuildError."""
    files = FileSync({"context": job.context, "dockerfile": job.dockerfile_directory})
    services = Services(files, Auth(settings.registry_host, settings.registry_token), Secrets())
    progress = Progress(lambda text, important: log.line(text, important=important), log.tidy)
    shared_key = "/".join(("ink", settings.tenant, settings.project, settings.service))
    async with open_session(buildkit.control, services, shared_key) as session_id:
        answer = await _follow(buildkit, job, settings, session_id, progress)
    digest = answer.get("containerimage.digest", "")
    if not digest:
        raise infrastructure(f"BuildKit exported no image: it answered {sorted(answer)}")
    ports = await _ports(buildkit, answer)
    return Built(digest, ports, files.sent_bytes)


async def _follow(
    buildkit: BuildKit, job: Job, settings: Settings, session_id: str, progress: Progress
) -> Mapping[str, str]:
    ref = random.token_hex(12)
    watching = asyncio.ensure_future(_watch(buildkit, ref, progress))
    try:
        return await buildkit.solve(ref, session_id, attributes(job, settings), export(settings))
    except grpc.aio.AioRpcError as error:
        await asyncio.wait([watching], timeout=_STATUS_END_SECONDS)
        progress.close()
        raise _explained(error, job, progress) from error
    finally:
        await asyncio.wait([watching], timeout=_STATUS_END_SECONDS)
        watching.cancel()
        progress.close()


async def _watch(buildkit: BuildKit, ref: str, progress: Progress) -> None:
    try:
        async for update in buildkit.status(ref):
            progress.feed(update)
    except grpc.aio.AioRpcError:
        return  # the solve itself fails as well, and its error says more


def _explained(error: grpc.aio.AioRpcError, job: Job, progress: Progress) -> BuildError:
    details = error.details() or error.code().name
    if error.code() is grpc.StatusCode.UNAVAILABLE:
        return infrastructure(f"the connection to BuildKit was lost during the build: {details}")
    return failure.explain(details, progress.failed(), failure.Context(job.filename, job.generated))


async def _ports(buildkit: BuildKit, answer: Mapping[str, str]) -> tuple[int, ...]:
    """What the image exposes, from its configuration in the daemon's store; nothing if it is gone already."""
    digest = answer.get("containerimage.config.digest", "")
    if not digest:
        return ()
    try:
        return image.exposed_ports(await buildkit.blob(digest))
    except grpc.aio.AioRpcError:
        return ()
