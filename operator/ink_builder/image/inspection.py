"""Between build and push: the packages in an image, where the platform wants them checked."""

import asyncio
import http.client
import json
from dataclasses import replace
from typing import Any

from ink_builder.buildkit.control import BuildKit
from ink_builder.errors import BuildError, infrastructure
from ink_builder.image.solve import UNTAGGED, BuildInput, Built, SolveState, solve
from ink_builder.log import BuildLog
from ink_builder.registry.client import repository
from ink_builder.scan import contents, sbom
from ink_builder.settings import Settings

PATIENCE_SECONDS = 15.0
"""How long a finished build waits for a check that only warns."""


async def inspect(built: Built, settings: Settings, log: BuildLog) -> dict[str, Any] | None:
    """`status.build.scan.image`; None when nothing is known. Raises BuildError when the policy blocks the image."""
    try:
        report = await asyncio.wait_for(
            asyncio.to_thread(_report, built, settings),
            None if settings.scan.inspects_before_push else PATIENCE_SECONDS,
        )
    except Exception as error:  # a check that only warns never fails a build
        if settings.scan.inspects_before_push:
            raise
        log.line(f"image: its packages could not be listed: {type(error).__name__} {error}", important=True)
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
        raise infrastructure("BuildKit produced no SBOM for the image, or one that is too large to read")
    return contents.compare(listed, settings.scan)


async def release(
    buildkit: BuildKit, job: BuildInput, settings: Settings, log: BuildLog, state: SolveState, *, inspected: Built
) -> Built:
    """Push the image that was inspected. Raises BuildError.

    It comes from the daemon's cache; if that is gone, the rebuilt image may differ. So it is pushed without its tag,
    and gets the tag, by which it is found and goes live, only after its packages were compared.
    """
    pushed = await solve(buildkit, job, replace(settings, no_cache=False), log, state, push=UNTAGGED)
    if sbom.read(pushed.sbom) != sbom.read(inspected.sbom):
        raise infrastructure("the image changed between the inspection of its packages and its push")
    try:
        await asyncio.to_thread(_tag, pushed, settings)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise infrastructure(f"the registry did not accept the tag of the image: {error}") from error
    return replace(pushed, ports=inspected.ports)


def _tag(pushed: Built, settings: Settings) -> None:
    kind = str(json.loads(pushed.manifest)["mediaType"])
    with repository(settings) as place:
        place.manifest(settings.image.rpartition(":")[2], pushed.manifest, kind)
