"""The story of a build: clone while connecting, plan, solve."""

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

from ink_builder import image, verdict
from ink_builder.buildkit.control import BuildKit
from ink_builder.diagnosis.judge import SHOWN_LINES
from ink_builder.errors import BuildError, infrastructure
from ink_builder.log import BuildLog
from ink_builder.settings import Settings
from ink_builder.solve import HELD, Built, Job, Watch, solve

SCAN_PATIENCE_SECONDS = 15.0
"""How long a finished build waits for a scan that only warns."""
Scanning = asyncio.Future[Any]


class Clock:
    """Seconds of each part."""

    def __init__(self) -> None:
        self._begun = self._mark = time.monotonic()
        self.seconds: dict[str, float] = {}

    def lap(self, name: str) -> float:
        """End a part; returns its seconds."""
        now = time.monotonic()
        self.seconds[name] = now - self._mark
        self._mark = now
        return self.seconds[name]

    def total(self) -> dict[str, float]:
        """All parts, and the whole."""
        return {**self.seconds, "total": time.monotonic() - self._begun}


@dataclass(frozen=True)
class Planned:
    """What is built, by which pack, and what ink.yaml says of how it is run."""

    job: Job
    pack: str
    config: dict[str, Any] | None = None


async def build(settings: Settings, log: BuildLog) -> dict[str, Any]:
    """Run the build to its verdict; never raises but for cancellation."""
    watch = Watch()
    try:
        async with asyncio.timeout(settings.timeout_seconds):
            return await _build(settings, log, watch)
    except TimeoutError:
        return _failed(_too_slow(settings, watch), log)
    except BuildError as error:
        return _failed(error, log)
    except Exception as error:  # whatever it is, the operator must get a verdict and may try again
        return _failed(infrastructure(f"the builder broke: {type(error).__name__}: {error}"), log)


def _too_slow(settings: Settings, watch: Watch) -> BuildError:
    """Which step did not end, and what it said last."""
    if watch.not_pushed:
        return infrastructure(
            f"the image is built, but within the limit of {settings.timeout_seconds:.0f} s "
            f"the registry did not take it: {watch.not_pushed}"
        )
    step = watch.running()
    message = f"the build took longer than its limit of {settings.timeout_seconds:.0f} s"
    if step is None:
        return BuildError(Reason.BUILD_TIMEOUT, message)
    said = "" if step.lines else ", and had said nothing"
    return BuildError(
        Reason.BUILD_TIMEOUT,
        f"{message}: step {step.name} was still running{said}; does it wait for input, or start a server?",
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


async def _build(settings: Settings, log: BuildLog, watch: Watch) -> dict[str, Any]:
    clock = Clock()
    log.line(f"building {settings.source.url} at {settings.source.commit[:12]} for {settings.service}")
    buildkit = BuildKit(settings.daemon)
    connecting = asyncio.ensure_future(buildkit.connect(settings.daemon.start_seconds))
    with tempfile.TemporaryDirectory(prefix="ink-build-", ignore_cleanup_errors=True) as work:
        try:
            planned, scanning = await _prepare(settings, Path(work), log, clock)
            report = None
            if settings.scan.blocks:
                report = await _judge(scanning, settings, log)
                clock.lap("scan")
            version = await connecting
            log.line(f"BuildKit {version} answers after {clock.lap('connect'):.2f} s more")
            built = await _solve(buildkit, planned.job, settings, log, watch)
            clock.lap("solve")
            report = report or await _judge(scanning, settings, log)
            if settings.extras.sbom_generator is not None:
                report = await _inspect(built, report, settings, log)
                clock.lap("inspect")
            if settings.scan.holds:
                built = await _release(buildkit, planned.job, settings, log, watch, held=built)
                clock.lap("push")
        finally:
            connecting.cancel()
            await buildkit.close()
    timings = clock.total()
    log.line(f"built {settings.image} {built.digest} in {timings['total']:.1f} s", important=True)
    repository = image.repository(settings.image)
    finished = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    done = verdict.Success(
        repository, built.digest, planned.pack, built.ports, timings, planned.config, report, finished
    )
    return verdict.success(done)


async def _judge(scanning: Scanning, settings: Settings, log: BuildLog) -> dict[str, Any] | None:
    """Say what the scan found; raises BuildError when the policy does not let it pass."""
    from ink_builder.scan.report import enforce

    try:
        patience = None if settings.scan.blocks else SCAN_PATIENCE_SECONDS
        report = await asyncio.wait_for(scanning, patience)
    except BuildError:
        raise
    except Exception as error:  # what only warns never ends a build
        if settings.scan.blocks:
            raise
        log.line(f"scan: not finished: {type(error).__name__} {error}", important=True)
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
    """What was found in the source, and what is known of the image. Raises BuildError when it may not go live."""
    from ink_builder import inspection

    try:
        image_report = await inspection.look(built, settings, log)
    except BuildError as error:
        if error.scan is not None:
            error.scan = {**(report or {}), "image": error.scan}
        raise
    return {**(report or {}), "image": image_report} if image_report is not None else report


async def _solve(buildkit: BuildKit, job: Job, settings: Settings, log: BuildLog, watch: Watch) -> Built:
    """Build; and push, unless the image is to be looked at before."""
    if settings.scan.holds:
        return await solve(buildkit, job, settings, log, watch, push=HELD)
    async with _cache_kept(settings, log):
        return await solve(buildkit, job, settings, log, watch)


async def _release(
    buildkit: BuildKit, job: Job, settings: Settings, log: BuildLog, watch: Watch, *, held: Built
) -> Built:
    from ink_builder import inspection

    async with _cache_kept(settings, log):
        return await inspection.release(buildkit, job, settings, log, watch, held=held)


@contextlib.asynccontextmanager
async def _cache_kept(settings: Settings, log: BuildLog) -> AsyncIterator[None]:
    """The cache that a push replaces in the registry stays known."""
    if not settings.extras.registry_cache:
        yield
        return
    from ink_builder import old_cache

    replaced = await old_cache.find(settings)
    yield
    await old_cache.leave(replaced, settings, log)


async def _scan(settings: Settings, directory: Path) -> Any:
    """The report, or None when nothing is asked for; beside everything else, for it may take seconds."""
    if not settings.scan.is_on:
        return None
    return await asyncio.to_thread(_look, settings, directory)


def _look(settings: Settings, directory: Path) -> Any:
    from ink_planner.model import files

    from ink_builder.scan.report import scan

    return scan(directory, files.from_directory(directory), settings.scan)


async def _prepare(settings: Settings, work: Path, log: BuildLog, clock: Clock) -> tuple[Planned, Scanning]:
    """The source on disk, what is to be built of it, and the scan that has begun."""
    loop = asyncio.get_running_loop()

    def say(text: str) -> None:
        loop.call_soon_threadsafe(log.line, text)

    fetching = asyncio.ensure_future(asyncio.to_thread(_checkout, settings, work, say))
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
    """While the git server answers."""
    import ink_planner.choice.choose
    import ink_planner.output.report  # noqa: F401

    import ink_builder.variables  # noqa: F401


def _checkout(settings: Settings, work: Path, say: Any) -> Any:
    from ink_builder.checkout import checkout  # libgit2 loads in this thread, while the other one connects

    return checkout(settings.source, work, say)


def _plan(settings: Settings, source: Any, work: Path, log: BuildLog) -> Planned:
    """The job for the daemon; a planner's Dockerfile is written beside the source, never into it."""
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
        job = Job(
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
    job = Job(directory, planned, "Dockerfile", generated=True, config=chosen.config)
    return Planned(job, chosen.pack, chosen.config)
