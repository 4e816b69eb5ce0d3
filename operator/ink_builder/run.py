"""One build from start to end: clone while connecting, plan, solve, inspect, push."""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ink_api.reasons import Reason

from ink_builder import verdict
from ink_builder.buildkit.control import BuildKit
from ink_builder.diagnosis.judge import SHOWN_LINES
from ink_builder.errors import BuildError, infrastructure
from ink_builder.image.solve import NO_PUSH, BuildInput, Built, SolveState, solve
from ink_builder.log import BuildLog
from ink_builder.registry.names import repository_of
from ink_builder.settings import Settings

SCAN_PATIENCE_SECONDS = 15.0
"""How long a finished build waits for a scan that only warns."""
Scanning = asyncio.Future[Any]


class Clock:
    """How long each part of a build took, in seconds."""

    def __init__(self) -> None:
        self._begun = self._mark = time.monotonic()
        self.seconds: dict[str, float] = {}

    def lap(self, name: str) -> float:
        """End a part; returns how long it took."""
        now = time.monotonic()
        self.seconds[name] = now - self._mark
        self._mark = now
        return self.seconds[name]

    def total(self) -> dict[str, float]:
        """All parts, and the whole."""
        return {**self.seconds, "total": time.monotonic() - self._begun}


@dataclass(frozen=True)
class Planned:
    """What is built, with which pack, and how ink.yaml wants it run."""

    job: BuildInput
    pack: str
    config: dict[str, Any] | None = None


async def build(settings: Settings, log: BuildLog) -> dict[str, Any]:
    """Run the build to its verdict. Raises nothing but CancelledError."""
    state = SolveState()
    try:
        async with asyncio.timeout(settings.timeout_seconds):
            return await _build(settings, log, state)
    except TimeoutError:
        return _failed(_too_slow(settings, state), log)
    except BuildError as error:
        return _failed(error, log)
    except Exception as error:  # whatever it is, the operator needs a verdict and may retry
        return _failed(infrastructure(f"the builder failed unexpectedly: {type(error).__name__}: {error}"), log)


def _too_slow(settings: Settings, state: SolveState) -> BuildError:
    """Which step did not end, and the last lines it printed."""
    if state.not_pushed:
        return infrastructure(
            f"the image was built, but the registry did not accept it within the limit of "
            f"{settings.timeout_seconds:.0f} s: {state.not_pushed}"
        )
    step = state.running()
    message = f"the build exceeded its limit of {settings.timeout_seconds:.0f} s"
    if step is None:
        return BuildError(Reason.BUILD_TIMEOUT, message)
    silent = "" if step.lines else " and had printed nothing"
    return BuildError(
        Reason.BUILD_TIMEOUT,
        f"{message}: step {step.name} was still running{silent}; check whether it waits for input or starts a server",
        lines=tuple(step.lines)[-SHOWN_LINES:],
    )


def _failed(error: BuildError, log: BuildLog) -> dict[str, Any]:
    safe = BuildError(
        error.reason,
        log.tidy(str(error)),
        lines=[log.tidy(x) for x in error.lines],
        infrastructure=error.infrastructure,
        scan=error.scan,
    )
    log.line(f"failed: {safe.reason}: {safe}", important=True)
    return verdict.failure(safe)


async def _build(settings: Settings, log: BuildLog, state: SolveState) -> dict[str, Any]:
    clock = Clock()
    log.line(f"building {settings.source.url} at {settings.source.commit[:12]} for {settings.service}")
    buildkit = BuildKit(settings.daemon)
    connecting = asyncio.ensure_future(buildkit.connect(settings.daemon.start_seconds))
    with tempfile.TemporaryDirectory(prefix="ink-build-", ignore_cleanup_errors=True) as work:
        try:
            planned, scanning = await _prepare(settings, Path(work), log, clock)
            report = None
            if settings.scan.blocks:
                report = await _enforce_scan(scanning, settings, log)
                clock.lap("scan")
            version = await connecting
            log.line(f"connected to BuildKit {version} after another {clock.lap('connect'):.2f} s")
            built = await _solve(buildkit, planned.job, settings, log, state)
            clock.lap("solve")
            report = report or await _enforce_scan(scanning, settings, log)
            if settings.extras.sbom_generator is not None:
                report = await _inspect(built, report, settings, log)
                clock.lap("inspect")
            if settings.scan.inspects_before_push:
                built = await _release(buildkit, planned.job, settings, log, state, inspected=built)
                clock.lap("push")
        finally:
            connecting.cancel()
            await buildkit.close()
    timings = clock.total()
    log.line(f"built {settings.image} {built.digest} in {timings['total']:.1f} s", important=True)
    repository = repository_of(settings.image)
    finished = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    done = verdict.Success(
        repository, built.digest, planned.pack, built.ports, timings, planned.config, report, finished
    )
    return verdict.success(done)


async def _enforce_scan(scanning: Scanning, settings: Settings, log: BuildLog) -> dict[str, Any] | None:
    """Log what the scan found. Raises BuildError when the policy blocks it."""
    from ink_builder.scan.report import enforce

    try:
        patience = None if settings.scan.blocks else SCAN_PATIENCE_SECONDS
        report = await asyncio.wait_for(scanning, patience)
    except BuildError:
        raise
    except Exception as error:  # a scan that only warns never fails a build
        if settings.scan.blocks:
            raise
        log.line(f"scan: did not finish: {type(error).__name__} {error}", important=True)
        return None
    if report is None:
        return None
    for line in report.lines():
        log.line(line, important=True)
    summary: dict[str, Any] = report.summary(log.tidy)
    try:
        enforce(report, settings.scan)
    except BuildError as error:
        error.scan = summary
        raise
    return summary


async def _inspect(
    built: Built, report: dict[str, Any] | None, settings: Settings, log: BuildLog
) -> dict[str, Any] | None:
    """The findings in the source and those in the image. Raises BuildError when the policy blocks the image."""
    from ink_builder.image import inspection

    try:
        image_report = await inspection.inspect(built, settings, log)
    except BuildError as error:
        if error.scan is not None:
            error.scan = {**(report or {}), "image": error.scan}
        raise
    return {**(report or {}), "image": image_report} if image_report is not None else report


async def _solve(buildkit: BuildKit, job: BuildInput, settings: Settings, log: BuildLog, state: SolveState) -> Built:
    """Build; and push, unless the image is to be inspected first."""
    if settings.scan.inspects_before_push:
        return await solve(buildkit, job, settings, log, state, push=NO_PUSH)
    async with _replaced_cache_tagged(settings, log):
        return await solve(buildkit, job, settings, log, state)


async def _release(
    buildkit: BuildKit, job: BuildInput, settings: Settings, log: BuildLog, state: SolveState, *, inspected: Built
) -> Built:
    from ink_builder.image import inspection

    async with _replaced_cache_tagged(settings, log):
        return await inspection.release(buildkit, job, settings, log, state, inspected=inspected)


@contextlib.asynccontextmanager
async def _replaced_cache_tagged(settings: Settings, log: BuildLog) -> AsyncIterator[None]:
    """Tag the cache that a push replaces in the registry."""
    if not settings.extras.registry_cache:
        yield
        return
    from ink_builder.registry import replaced_cache

    replaced = await replaced_cache.find(settings)
    yield
    await replaced_cache.tag_replaced(replaced, settings, log)


async def _scan(settings: Settings, directory: Path) -> Any:
    """The report, or None when no scan is wanted. Runs beside everything else, as it may take seconds."""
    if not settings.scan.is_on:
        return None
    return await asyncio.to_thread(_scan_directory, settings, directory)


def _scan_directory(settings: Settings, directory: Path) -> Any:
    from ink_planner.model import files

    from ink_builder.scan.report import scan

    return scan(directory, files.from_directory(directory), settings.scan)


async def _prepare(settings: Settings, work: Path, log: BuildLog, clock: Clock) -> tuple[Planned, Scanning]:
    """What is to be built, and the scan of the source, which goes on."""
    loop = asyncio.get_running_loop()

    def report(text: str) -> None:
        loop.call_soon_threadsafe(log.line, text)

    fetching = asyncio.ensure_future(asyncio.to_thread(_checkout, settings, work, report))
    await asyncio.to_thread(_load_planner)
    source = await fetching
    for note in source.notes:
        log.line(note)
    log.line(f"source fetched in {clock.lap('clone'):.2f} s")
    scanning = asyncio.ensure_future(_scan(settings, source.directory))
    try:
        planned = _plan(settings, source, work, log)
    except BaseException:
        scanning.cancel()
        raise
    clock.lap("plan")
    return planned, scanning


def _load_planner() -> None:
    """Import the planner while the git server answers."""
    import ink_planner.choice.choose
    import ink_planner.output.report  # noqa: F401

    import ink_builder.variables  # noqa: F401


def _checkout(settings: Settings, work: Path, report: Any) -> Any:
    from ink_builder.git.checkout import checkout

    return checkout(settings.source, work, report)


def _plan(settings: Settings, source: Any, work: Path, log: BuildLog) -> Planned:
    """The input for the daemon; a planner's Dockerfile is written beside the source, never into it."""
    from ink_planner.choice.choose import choose
    from ink_planner.model import files
    from ink_planner.model.errors import CannotPlan
    from ink_planner.output import dockerfile, report
    from ink_planner.registry import base_images

    from ink_builder import variables

    root = source.root.resolve()
    whole = files.from_directory(root)
    place = source.directory.resolve().relative_to(root).as_posix()
    place = "" if place == "." else place
    try:
        chosen = choose(whole, place, settings.service, settings.options, base_images(settings.base_images))
    except CannotPlan as error:
        raise BuildError(error.reason, str(error)) from error
    for note in chosen.notes:
        log.line(note)
    directory = root / chosen.directory
    if chosen.plan is None:
        target = f", target {chosen.target}" if chosen.target else ""
        log.line(f"pack Dockerfile: {chosen.dockerfile}{target}")
        job = BuildInput(
            directory, directory, chosen.dockerfile or "", generated=False, target=chosen.target, config=chosen.config
        )
        return Planned(job, chosen.pack, chosen.config)
    log.line(f"pack {chosen.pack}: {'; '.join(report.notes(chosen.plan))}")
    planned = work / "plan"
    planned.mkdir()
    plain, secret = settings.options.variables, settings.build_secrets
    text = variables.declare(dockerfile.dockerfile(chosen.plan), plain, secret, settings.secrets_digest)
    (planned / "Dockerfile").write_text(text, encoding="utf-8")
    ignored = whole.read(f"{chosen.directory}/.dockerignore".lstrip("/"))
    (planned / "Dockerfile.dockerignore").write_text(dockerfile.dockerignore(ignored), encoding="utf-8")
    job = BuildInput(directory, planned, "Dockerfile", generated=True, config=chosen.config)
    return Planned(job, chosen.pack, chosen.config)
