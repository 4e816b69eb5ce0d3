"""One build by the daemon: session, solve, progress, digest."""

import asyncio
import json
import re
import secrets as random
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import grpc

from ink_builder import image
from ink_builder.buildkit import exported, failure
from ink_builder.buildkit.auth import Auth
from ink_builder.buildkit.control import BuildKit, Request
from ink_builder.buildkit.filesync import FileSync
from ink_builder.buildkit.progress import Progress, Step
from ink_builder.buildkit.secrets import Secrets
from ink_builder.buildkit.session import Services, open_session
from ink_builder.errors import BuildError, infrastructure
from ink_builder.log import BuildLog
from ink_builder.settings import Settings

CACHE_TAG = "build-cache"
RECONNECT_SECONDS = 60.0
PUSH_AGAIN_SECONDS = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Waits between tries; the last one again and again."""
_STATUS_END_SECONDS = 2.0
_PULSE_SECONDS = 5.0
_GONE = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
_SHUTTING_DOWN = re.compile(
    r"^(?:failed to solve: )?(?:context canceled|graceful.?stop\b.*|grpc: the server has been stopped)$"
)
"""What a daemon says that is asked to end while it builds; our own cancellation does not come this way."""


@dataclass
class Watch:
    """What the build is at, for whoever has to end it."""

    progress: Progress | None = None
    not_pushed: str = ""
    """What the registry said to an image that is built, while it is waited for."""

    def running(self) -> Step | None:
        """The step that goes on."""
        return self.progress.running() if self.progress else None


class _Lost(Exception):
    """The daemon went away in the middle of a build."""


class _NotTaken(Exception):
    """The registry takes no pushes at the moment. Holds the failure that it is when that stays so."""

    def __init__(self, failed: BuildError) -> None:
        super().__init__(str(failed))
        self.failed = failed


@dataclass(frozen=True)
class Job:
    """What is built: `context` and the directory that holds the Dockerfile `filename` (often the same)."""

    context: Path
    dockerfile_directory: Path
    filename: str
    generated: bool
    target: str | None = None
    config: Mapping[str, Any] | None = None
    """What ink.yaml says of how the image is run: it stays with the image."""


@dataclass(frozen=True)
class Built:
    """An image, pushed unless it was to be held back. `sbom`: the statement about its packages, where one was made."""

    digest: str
    ports: tuple[int, ...]
    sent_bytes: int
    sbom: bytes = b""
    manifest: bytes = b""
    """What the digest names, where that is an index: with attestations."""


HELD, BARE, NAMED = "held", "bare", "named"
"""How an image leaves the daemon: not at all, pushed without its tag, pushed with it."""


def attributes(job: Job, settings: Settings) -> dict[str, str]:
    """Options of the Dockerfile frontend.

    `cmdline` makes the daemon's own frontend read every Dockerfile: otherwise a `# syntax=` line would make it pull and
    run another program. Cache mounts carry the tenant's name, so that no tenant sees another's.
    """
    extras = settings.extras
    chosen = {f"build-arg:{name}": value for name, value in settings.options.variables.items()}
    labels = image.labels(settings.source, settings.build_id, job.config)
    chosen |= {f"label:{name}": value for name, value in labels.items()}
    chosen |= {
        "filename": job.filename,
        "cmdline": "dockerfile.v0",
        "build-arg:BUILDKIT_CACHE_MOUNT_NS": settings.tenant,
    }
    optional = {
        "target": job.target,
        "platform": extras.platform,
        "attest:provenance": f"mode={extras.provenance}" if extras.provenance else None,
        "attest:sbom": f"generator={extras.sbom_generator}" if extras.sbom_generator else None,
    }
    chosen |= {name: value for name, value in optional.items() if value}
    if settings.no_cache:
        chosen["no-cache"] = ""
    if kept := cache(settings):
        chosen["cache-imports"] = json.dumps([{"Type": "registry", "Attrs": kept}])
    return chosen


def export(settings: Settings, push: str = NAMED) -> dict[str, str]:
    """Options of the image exporter. Without attestations an image is one manifest, and deleting it is one call."""
    chosen = {"name": settings.image, "push": "false" if push == HELD else "true", "oci-mediatypes": "true"}
    if push == BARE:
        chosen |= {"name": image.repository(settings.image), "push-by-digest": "true"}
    if settings.registry_insecure:
        chosen["registry.insecure"] = "true"
    return chosen


def cache(settings: Settings) -> dict[str, str] | None:
    """Where the build's cache is read from and written to, in the image's own repository; None: in the daemon alone."""
    if not settings.extras.registry_cache:
        return None
    chosen = {"ref": f"{image.repository(settings.image)}:{CACHE_TAG}"}
    if settings.registry_insecure:
        chosen["registry.insecure"] = "true"
    return chosen


async def solve(
    buildkit: BuildKit, job: Job, settings: Settings, log: BuildLog, watch: Watch, *, push: str = NAMED
) -> Built:
    """Build and push; once more when the daemon goes away, and again when only the push failed. Raises BuildError."""
    waits, waited, lost = iter(PUSH_AGAIN_SECONDS), 0.0, False
    wait = 0.0
    while True:
        try:
            return await _attempt(buildkit, job, settings, log, watch, push=push)
        except _Lost as error:
            if lost:
                raise infrastructure(f"the connection to BuildKit was lost twice during the build: {error}") from error
            lost = True
            log.line(f"the connection to BuildKit was lost ({error}): connecting again", important=True)
            await buildkit.connect(RECONNECT_SECONDS)
        except _NotTaken as error:
            if waited >= settings.push_patience_seconds:
                raise error.failed from error
            wait = next(waits, wait)
            waited += wait
            watch.not_pushed = str(error)
            text = "the registry takes no pushes at the moment, as while it is cleaned up: trying again in"
            log.line(f"{text} {wait:.0f} s ({error})", important=True)
            await asyncio.sleep(wait)
            # What was built a moment ago is not built again for that.
            settings = replace(settings, no_cache=False)


async def _attempt(
    buildkit: BuildKit, job: Job, settings: Settings, log: BuildLog, watch: Watch, *, push: str
) -> Built:
    files = FileSync({"context": job.context, "dockerfile": job.dockerfile_directory})
    services = Services(
        files,
        Auth(settings.registry_host, settings.registry_token),
        Secrets({name: value.encode() for name, value in settings.build_secrets.items()}),
    )
    progress = Progress(lambda text, important: log.line(text, important=important), log.tidy)
    watch.progress = progress
    shared_key = "/".join(("ink", settings.tenant, settings.project, settings.service))
    async with open_session(buildkit.control, services, shared_key) as session_id:
        request = _request(job, settings, session_id, push)
        answer = await _follow(buildkit, request, failure_context(job, settings), progress)
    digest = answer.get("containerimage.digest", "")
    if not digest:
        raise infrastructure(f"BuildKit exported no image: it answered {sorted(answer)}")
    parts = await exported.parts(buildkit, answer, listed=settings.extras.sbom_generator is not None)
    if push != BARE and not image.has_command(parts.config) and settings.options.start_command is None:
        log.line("warning: the image names no command (CMD or ENTRYPOINT): set the service's command", important=True)
    return Built(digest, image.exposed_ports(parts.config), files.sent_bytes, parts.sbom, parts.top)


def _request(job: Job, settings: Settings, session_id: str, push: str) -> Request:
    """The cache is kept once, with the image."""
    kept = cache(settings) if push != HELD else None
    return Request(random.token_hex(12), session_id, attributes(job, settings), export(settings, push), kept)


def failure_context(job: Job, settings: Settings) -> failure.Context:
    """What a failure's words need to know."""
    extras = settings.extras
    return failure.Context(job.filename, job.generated, extras.platform or "", extras.sbom_generator or "")


async def _follow(
    buildkit: BuildKit, request: Request, context: failure.Context, progress: Progress
) -> Mapping[str, str]:
    watching = asyncio.ensure_future(_watch(buildkit, request.ref, progress))
    try:
        return await buildkit.solve(request)
    except grpc.aio.AioRpcError as error:
        await asyncio.wait([watching], timeout=_STATUS_END_SECONDS)
        progress.close()
        raise _explained(error, context, progress) from error
    finally:
        await asyncio.wait([watching], timeout=_STATUS_END_SECONDS)
        watching.cancel()
        progress.close()


async def _watch(buildkit: BuildKit, ref: str, progress: Progress) -> None:
    pulse = asyncio.ensure_future(_pulse(progress))
    try:
        async for update in buildkit.status(ref):
            progress.feed(update)
    except grpc.aio.AioRpcError:
        return  # the solve itself fails as well, and its error says more
    finally:
        pulse.cancel()


async def _pulse(progress: Progress) -> None:
    """A step that computes in silence looks like one that hangs."""
    while True:
        await asyncio.sleep(_PULSE_SECONDS)
        progress.still_running(time.time())


def _explained(error: grpc.aio.AioRpcError, context: failure.Context, progress: Progress) -> Exception:
    details, step = error.details() or error.code().name, progress.failed()
    if error.code() in _GONE or _SHUTTING_DOWN.search(details):
        return _Lost(details)
    explained = failure.explain(details, step, context)
    return _NotTaken(explained) if failure.may_be_pushed_later(details, step) else explained
