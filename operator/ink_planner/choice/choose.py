"""How a repository will be built: by its Dockerfile or by a plan; the user, ink.yaml and the files decide. Pure."""

import json
from dataclasses import dataclass, replace
from typing import Any

from ink_api.reasons import Reason

from ink_planner.choice import own_dockerfile
from ink_planner.detection import planning
from ink_planner.inkfile import settings as inkfile
from ink_planner.model.base_images import BaseImages
from ink_planner.model.errors import CannotPlan
from ink_planner.model.files import Files
from ink_planner.model.options import BuildOptions, Overrides
from ink_planner.model.plan import ImagePlan
from ink_planner.output.dockerfile import with_arguments

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
    plan: ImagePlan | None = None
    notes: tuple[str, ...] = ()
    config: dict[str, Any] | None = None
    """What ink.yaml says of how the image is run."""


def choose(whole: Files, place: str, service: str, options: BuildOptions, images: BaseImages) -> Choice:
    """`whole` is the repository, `place` the directory that was asked for. Raises CannotPlan."""
    settings = inkfile.find(whole, place, service)
    if settings is not None:
        options = merged(options, settings)
        place = place or settings.root_directory
    files = whole.below(place) if place else whole
    config = _config(settings) if settings else {}
    notes = (f"settings from {settings.path}", *settings.notes) if settings else ()
    own = own_dockerfile.find(files, options)
    if own is not None:
        return Choice("Dockerfile", place, own, options.target, notes=notes, config=config or None)
    overrides = Overrides(
        options.install_command, options.build_command, options.start_command, options.publish_directory
    )
    plan = planning.choose(files, options.pack, overrides, images)
    if plan.pack == "Dockerfile":
        below, path = plan.directory or "", plan.why
        own_dockerfile.check_frontend(f"{below}/{path}", files.below(below).read(path))
        found = (*notes, *plan.notes)
        return Choice("Dockerfile", below, path, options.target, notes=found, config=config or None)
    if settings:
        plan = _settled(plan, settings, detected=options.start_command is None)
    planned = {name: value for name, value in config.items() if name not in _IN_THE_IMAGE}
    return Choice(plan.pack, plan.directory or "", plan=plan, notes=notes, config=planned or None)


def _config(settings: inkfile.InkSettings) -> dict[str, Any]:
    """How the image is run. It travels in the verdict and in a label. Raises CannotPlan."""
    said = {name: value for name, value in settings.rest.items() if value or name == "ports"}
    size = len(json.dumps(said).encode())
    if size > MAX_CONFIG_BYTES:
        raise CannotPlan(
            f"{settings.path}: command, args, ports, health and resources take {size} bytes together, more than the"
            f" {MAX_CONFIG_BYTES} allowed: put the command into a script in the repository",
            Reason.BUILD_FAILED,
        )
    return said


def _settled(plan: ImagePlan, settings: inkfile.InkSettings, *, detected: bool) -> ImagePlan:
    """A plan makes its own image: port and arguments go into it. `detected`: nobody gave a start command."""
    if settings.port:
        plan = replace(plan, port=settings.port)
    arguments = settings.rest.get("args")
    if not arguments or not detected:
        return plan
    start = with_arguments(plan.start, arguments)
    if start is None:
        raise CannotPlan(
            f"{settings.path}: args: the detected start command is more than one command ({plan.start}): write"
            " `command` as a list of words that includes the arguments",
            Reason.BUILD_FAILED,
        )
    return replace(plan, start=start)


def merged(options: BuildOptions, settings: inkfile.InkSettings) -> BuildOptions:
    """What was said for the service wins over ink.yaml, field by field."""
    build = settings.build
    return BuildOptions(
        pack=options.pack if options.pack != "Auto" else build.get("pack", "Auto"),
        dockerfile=options.dockerfile or build.get("dockerfile"),
        target=options.target or build.get("target"),
        install_command=options.install_command or build.get("installCommand"),
        build_command=options.build_command or build.get("buildCommand"),
        publish_directory=options.publish_directory or build.get("publishDirectory"),
        start_command=options.start_command or settings.start,
    )
