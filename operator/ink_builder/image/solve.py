"""One build by BuildKit: session, solve, progress, digest."""

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

from ink_builder.buildkit import exported, failure
from ink_builder.buildkit.auth import Auth
from ink_builder.buildkit.control import BuildKit, SolveRequest
from ink_builder.buildkit.filesync import FileSync
from ink_builder.buildkit.progress import Progress, Step
from ink_builder.buildkit.secrets import SecretService
from ink_builder.buildkit.session import SessionServices, open_session
from ink_builder.errors import BuildError, infrastructure
from ink_builder.image import config
from ink_builder.log import BuildLog
from ink_builder.registry.names import CACHE_TAG, repository_of
from ink_builder.settings import Settings

RECONNECT_SECONDS = 60.0
PUSH_AGAIN_SECONDS = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Waits between attempts to push; the last one repeats."""
_STATUS_END_SECONDS = 2.0
_SILENCE_CHECK_SECONDS = 5.0
_GONE = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
_SHUTTING_DOWN = re.compile(
    r"^(?:failed to solve: )?(?:context canceled|graceful.?stop\b.*|grpc: the server has been stopped)$"
)
"""The error of a daemon that is shut down while it builds. Our own cancellation does not arrive as an error."""


@dataclass
class SolveState:
    """What the build is doing, for the message of a build that runs out of time."""

    progress: Progress | None = None
    not_pushed: str = ""
    """What the registry answered, while a built image waits to be pushed."""

    def running(self) -> Step | None:
        """The step that is running."""
        return self.progress.running() if self.progress else None


class _ConnectionLost(Exception):
    """The daemon went away in the middle of a build."""


class _PushRefused(Exception):
    """The registry accepts no pushes at the moment; `failed` is the failure to report if that does not change."""

    def __init__(self, failed: BuildError) -> None:
        super().__init__(str(failed))
        self.failed = failed


@dataclass(frozen=True)
class BuildInput:
    """What is built: `context` and the directory that holds the Dockerfile `filename` (often the same)."""

    context: Path
    dockerfile_directory: Path
    filename: str
    generated: bool
    target: str | None = None
    config: Mapping[str, Any] | None = None
    """How ink.yaml wants the image run; it becomes a label of the image."""


@dataclass(frozen=True)
class Built:
    """An image, pushed unless NO_PUSH was asked for. `sbom`: the statement about its packages, if one was made."""

    digest: str
    ports: tuple[int, ...]
    sent_bytes: int
    sbom: bytes = b""
    manifest: bytes = b""
    """The index that the digest names; set only with attestations."""


NO_PUSH, UNTAGGED, TAGGED = "no_push", "untagged", "tagged"
"""How an image leaves the daemon: not pushed, pushed by digest without its tag, pushed with its tag."""


def attributes(job: BuildInput, settings: Settings) -> dict[str, str]:
    """Options of the Dockerfile frontend.

    `cmdline` makes the daemon use its own frontend for every Dockerfile: otherwise a `# syntax=` line would make it
    pull and run another program. Cache mounts carry the tenant's name, so that no tenant sees another's.
    """
    extras = settings.extras
    chosen = {f"build-arg:{name}": value for name, value in settings.options.variables.items()}
    labels = config.labels(settings.source, settings.build_id, job.config)
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
    if stored := cache(settings):
        chosen["cache-imports"] = json.dumps([{"Type": "registry", "Attrs": stored}])
    return chosen


def export(settings: Settings, push: str = TAGGED) -> dict[str, str]:
    """Options of the image exporter. Without attestations an image is one manifest, and deleting it is one call."""
    chosen = {"name": settings.image, "push": "false" if push == NO_PUSH else "true", "oci-mediatypes": "true"}
    if push == UNTAGGED:
        chosen |= {"name": repository_of(settings.image), "push-by-digest": "true"}
    if settings.registry_insecure:
        chosen["registry.insecure"] = "true"
    return chosen


def cache(settings: Settings) -> dict[str, str] | None:
    """The build cache in the image's own repository; None: the cache stays in the daemon."""
    if not settings.extras.registry_cache:
        return None
    chosen = {"ref": f"{repository_of(settings.image)}:{CACHE_TAG}"}
    if settings.registry_insecure:
        chosen["registry.insecure"] = "true"
    return chosen


async def solve(
    buildkit: BuildKit, job: BuildInput, settings: Settings, log: BuildLog, state: SolveState, *, push: str = TAGGED
) -> Built:
    """Build and push. Retries when the connection is lost (once) and when only the push fails. Raises BuildError."""
    waits, waited, lost = iter(PUSH_AGAIN_SECONDS), 0.0, False
    wait = 0.0
    while True:
        try:
            return await _attempt(buildkit, job, settings, log, state, push=push)
        except _ConnectionLost as error:
            if lost:
                raise infrastructure(f"the connection to BuildKit was lost twice during the build: {error}") from error
            lost = True
            log.line(f"the connection to BuildKit was lost ({error}): reconnecting", important=True)
            await buildkit.connect(RECONNECT_SECONDS)
        except _PushRefused as error:
            if waited >= settings.push_patience_seconds:
                raise error.failed from error
            wait = next(waits, wait)
            waited += wait
            state.not_pushed = str(error)
            text = "the registry is not accepting pushes at the moment (it may be cleaning up): retrying in"
            log.line(f"{text} {wait:.0f} s ({error})", important=True)
            await asyncio.sleep(wait)
            # The image is built; the next attempt takes it from the cache.
            settings = replace(settings, no_cache=False)


async def _attempt(
    buildkit: BuildKit, job: BuildInput, settings: Settings, log: BuildLog, state: SolveState, *, push: str
) -> Built:
    files = FileSync({"context": job.context, "dockerfile": job.dockerfile_directory})
    services = SessionServices(
        files,
        Auth(settings.registry_host, settings.registry_token),
        SecretService({name: value.encode() for name, value in settings.build_secrets.items()}),
    )
    progress = Progress(lambda text, important: log.line(text, important=important), log.tidy)
    state.progress = progress
    shared_key = "/".join(("ink", settings.tenant, settings.project, settings.service))
    async with open_session(buildkit.control, services, shared_key) as session_id:
        request = _request(job, settings, session_id, push)
        answer = await _follow(buildkit, request, _failure_context(job, settings), progress)
    digest = answer.get("containerimage.digest", "")
    if not digest:
        raise infrastructure(f"BuildKit exported no image; it returned {sorted(answer)}")
    parts = await exported.parts(buildkit, answer, listed=settings.extras.sbom_generator is not None)
    if push != UNTAGGED and not config.has_command(parts.config) and settings.options.start_command is None:
        log.line("warning: the image has no CMD or ENTRYPOINT: set the service's command", important=True)
    return Built(digest, config.exposed_ports(parts.config), files.sent_bytes, parts.sbom, parts.top)


def _request(job: BuildInput, settings: Settings, session_id: str, push: str) -> SolveRequest:
    """The cache is stored once, together with the image."""
    stored = cache(settings) if push != NO_PUSH else None
    return SolveRequest(random.token_hex(12), session_id, attributes(job, settings), export(settings, push), stored)


def _failure_context(job: BuildInput, settings: Settings) -> failure.FailureContext:
    """What the failure messages need to know about the build."""
    extras = settings.extras
    return failure.FailureContext(job.filename, job.generated, extras.platform or "", extras.sbom_generator or "")


async def _follow(
    buildkit: BuildKit, request: SolveRequest, context: failure.FailureContext, progress: Progress
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
    reporting = asyncio.ensure_future(_report_silence(progress))
    try:
        async for update in buildkit.status(ref):
            progress.feed(update)
    except grpc.aio.AioRpcError:
        return  # the solve fails as well, and its error says more
    finally:
        reporting.cancel()


async def _report_silence(progress: Progress) -> None:
    """A step that prints nothing looks as if it hangs."""
    while True:
        await asyncio.sleep(_SILENCE_CHECK_SECONDS)
        progress.still_running(time.time())


def _explained(error: grpc.aio.AioRpcError, context: failure.FailureContext, progress: Progress) -> Exception:
    details, step = error.details() or error.code().name, progress.failed()
    if error.code() in _GONE or _SHUTTING_DOWN.search(details):
        return _ConnectionLost(details)
    explained = failure.explain(details, step, context)
    return _PushRefused(explained) if failure.may_be_pushed_later(details, step) else explained
