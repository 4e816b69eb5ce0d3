"""What becomes of an image between its build and its push, where the platform wants its packages to be known."""

import asyncio
import http.client
import json
from dataclasses import replace
from typing import Any

from ink_builder.buildkit.control import BuildKit
from ink_builder.errors import BuildError, infrastructure
from ink_builder.log import BuildLog
from ink_builder.registry import repository
from ink_builder.scan import contents, sbom
from ink_builder.settings import Settings
from ink_builder.solve import BARE, Built, Job, Watch, solve

PATIENCE_SECONDS = 15.0
"""How long a finished build waits for records that only warn."""


async def look(built: Built, settings: Settings, log: BuildLog) -> dict[str, Any] | None:
    """`status.build.scan.image`; None when nothing is known. Raises BuildError when the policy stops the image."""
    try:
        report = await asyncio.wait_for(
            asyncio.to_thread(_report, built, settings), None if settings.scan.holds else PATIENCE_SECONDS
        )
    except Exception as error:  # what only warns never ends a build
        if settings.scan.holds:
            raise
        log.line(f"image: its packages are not known: {type(error).__name__} {error}", important=True)
        return None
    for line in report.lines():
        log.line(line, important=True)
    summary = report.summary(log.tidy)
    try:
        contents.enforce(report, settings.scan)
    except BuildError as error:
        error.scan = summary
        raise
    return summary


def _report(built: Built, settings: Settings) -> contents.ImageReport:
    listed = sbom.read(built.sbom)
    if listed is None:
        raise infrastructure("BuildKit left no list of the image's packages, or one that is too large to be read")
    return contents.look(listed, settings.scan)


async def release(
    buildkit: BuildKit, job: Job, settings: Settings, log: BuildLog, watch: Watch, *, held: Built
) -> Built:
    """Push what was looked at. It comes out of the daemon's cache; should that be gone, it may be another image.

    So the tag, by which an image is found and goes live, is given last. Raises BuildError.
    """
    pushed = await solve(buildkit, job, replace(settings, no_cache=False), log, watch, push=BARE)
    if sbom.read(pushed.sbom) != sbom.read(held.sbom):
        raise infrastructure("the image changed between the look at its packages and its push")
    try:
        await asyncio.to_thread(_name, pushed, settings)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise infrastructure(f"the registry did not take the name of the image: {error}") from error
    return replace(pushed, ports=held.ports)


def _name(pushed: Built, settings: Settings) -> None:
    kind = str(json.loads(pushed.manifest)["mediaType"])
    with repository(settings) as place:
        place.manifest(settings.image.rpartition(":")[2], pushed.manifest, kind)
