"""How a repository will be built: by its Dockerfile or by a plan; the user, ink.yaml and the files decide. Pure."""

import json
from dataclasses import dataclass, replace
from typing import Any

from ink_api.reasons import Reason

from ink_builder import dockerfile
from ink_builder.errors import BuildError
from ink_builder.planner import detect, inkfile, render
from ink_builder.planner.files import Files
from ink_builder.planner.images import Images
from ink_builder.planner.model import Overrides, Plan
from ink_builder.settings import Options

MAX_CONFIG_BYTES = 2400
"""The verdict has 4,096 for everything."""
_IN_THE_IMAGE = ("command", "args")
"""Of an image that a plan makes."""


@dataclass(frozen=True)
class Choice:
    """`directory` is where the build's files begin; one of `dockerfile` (a path below it) and `plan` is set."""

    pack: str
    directory: str
    dockerfile: str | None = None
    target: str | None = None
    plan: Plan | None = None
    notes: tuple[str, ...] = ()
    config: dict[str, Any] | None = None
    """What ink.yaml says of how the image is run."""


def choose(whole: Files, place: str, service: str, options: Options, images: Images) -> Choice:
    """`whole` is the repository, `place` the directory that was asked for. Raises BuildError."""
    try:
        settings = inkfile.find(whole, place, service)
    except inkfile.WrongInkFile as error:
        raise BuildError(Reason.BUILD_FAILED, str(error)) from error
    if settings is not None:
        options = merged(options, settings)
        place = place or settings.root_directory
    files = whole.below(place) if place else whole
    config = _config(settings) if settings else {}
    notes = (f"settings from {settings.path}", *settings.notes) if settings else ()
    own = dockerfile.find(files, options)
    if own is not None:
        return Choice("Dockerfile", place, own, options.target, notes=notes, config=config or None)
    overrides = Overrides(
        options.install_command, options.build_command, options.start_command, options.publish_directory
    )
    plan = detect.choose(files, options.pack, overrides, images)
    if plan.pack == "Dockerfile":
        below, path = plan.directory or "", plan.why
        dockerfile.check_frontend(f"{below}/{path}", files.below(below).read(path))
        found = (*notes, *plan.notes)
        return Choice("Dockerfile", below, path, options.target, notes=found, config=config or None)
    if settings:
        plan = _settled(plan, settings, detected=options.start_command is None)
    planned = {name: value for name, value in config.items() if name not in _IN_THE_IMAGE}
    return Choice(plan.pack, plan.directory or "", plan=plan, notes=notes, config=planned or None)


def _config(settings: inkfile.InkSettings) -> dict[str, Any]:
    """How the image is run. It travels in the verdict and in a label. Raises BuildError."""
    said = {name: value for name, value in settings.rest.items() if value or name == "ports"}
    size = len(json.dumps(said).encode())
    if size > MAX_CONFIG_BYTES:
        raise BuildError(
            Reason.BUILD_FAILED,
            f"{settings.path}: command, args, ports, health and resources have {size} bytes together, and "
            f"{MAX_CONFIG_BYTES} are the most: put the command into a script in the repository",
        )
    return said


def _settled(plan: Plan, settings: inkfile.InkSettings, *, detected: bool) -> Plan:
    """A plan makes its own image: port and arguments go into it. `detected`: nobody gave a start command."""
    if settings.port:
        plan = replace(plan, port=settings.port)
    arguments = settings.rest.get("args")
    if not arguments or not detected:
        return plan
    start = render.with_arguments(plan.start, arguments)
    if start is None:
        raise BuildError(
            Reason.BUILD_FAILED,
            f"{settings.path}: args: the start command that was found is more than one command ({plan.start}): "
            "write `command` as a list of words with the arguments in it",
        )
    return replace(plan, start=start)


def merged(options: Options, settings: inkfile.InkSettings) -> Options:
    """What was said for the service wins over ink.yaml, field by field."""
    build = settings.build
    return Options(
        pack=options.pack if options.pack != "Auto" else build.get("pack", "Auto"),
        dockerfile=options.dockerfile or build.get("dockerfile"),
        target=options.target or build.get("target"),
        install_command=options.install_command or build.get("installCommand"),
        build_command=options.build_command or build.get("buildCommand"),
        publish_directory=options.publish_directory or build.get("publishDirectory"),
        start_command=options.start_command or settings.start,
    )
