"""`ink plan`: shows how a directory would be built, without a cluster."""

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from ink_planner.choice.choose import Choice, choose
from ink_planner.model import files
from ink_planner.model.base_images import BaseImages
from ink_planner.model.errors import CannotPlan
from ink_planner.model.options import BuildOptions
from ink_planner.output import dockerfile, report
from ink_planner.registry import base_images

from ink_cli.errors import CliError, UsageError

PACKS = {"auto": "Auto", "railpack": "Auto", "dockerfile": "Dockerfile", "static": "Static"}


def flags(command: ArgumentParser) -> None:
    """The arguments: those of `ink deploy` that affect the build."""
    command.add_argument(
        "directory", nargs="?", default=".", help="top directory of the repository (default: the current one)"
    )
    command.add_argument(
        "--root-directory", default="", metavar="DIR", help="the application's directory, relative to the repository"
    )
    command.add_argument("--service", default="", metavar="NAME", help="name of the service in ink.yaml")
    command.add_argument("--build-pack", choices=list(PACKS), default="auto", help="how to build")
    for step in ("install", "build", "start"):
        command.add_argument(f"--{step}-command", metavar="COMMAND", help=f"replaces the {step} step")
    command.add_argument("--publish-directory", metavar="DIR", help="directory of static files to serve")
    command.add_argument(
        "--base-images", metavar="FILE", help="the platform's base images, as JSON (builders.baseImages)"
    )


def plan(args: Namespace) -> None:
    """Print the plan and the Dockerfile. Raises CliError with the reason if the directory cannot be built."""
    root = Path(args.directory)
    if not root.is_dir():
        raise UsageError(f"{args.directory} is not a directory")
    whole = files.from_directory(root)
    place = args.root_directory.strip("/")
    if place and not whole.has_directory(place):
        raise UsageError(f"{place} is not a directory with files below {args.directory}")
    options = BuildOptions(
        pack=PACKS[args.build_pack],
        install_command=args.install_command,
        build_command=args.build_command,
        start_command=args.start_command,
        publish_directory=args.publish_directory,
    )
    try:
        chosen = choose(whole, place, args.service, options, _images(args.base_images))
    except CannotPlan as error:
        raise CliError(f"{error.reason}: {error}") from error
    print(json.dumps(_data(chosen), indent=2) if args.json else _text(chosen))


def _images(path: str | None) -> BaseImages:
    try:
        return base_images(json.loads(Path(path).read_text()) if path else None)
    except (ValueError, AttributeError) as error:
        raise UsageError(f"{path}: {error}") from error


def _text(chosen: Choice) -> str:
    lines = [f"# {note}" for note in chosen.notes]
    if chosen.plan is None:
        where = f" in {chosen.directory}" if chosen.directory else ""
        lines.append(f"pack      Dockerfile ({chosen.dockerfile}{where}; built unchanged)")
    else:
        lines.append(report.text(chosen.plan))
    if chosen.config:
        lines.append(f"settings  {json.dumps(chosen.config)}")
    return "\n".join([*lines, "", dockerfile.dockerfile(chosen.plan)] if chosen.plan else lines)


def _data(chosen: Choice) -> dict[str, Any]:
    about: dict[str, Any] = {"pack": chosen.pack, "directory": chosen.directory, "notes": list(chosen.notes)}
    if chosen.config:
        about["config"] = chosen.config
    if chosen.plan is None:
        return {**about, "dockerfilePath": chosen.dockerfile}
    return {**about, "plan": report.data(chosen.plan), "dockerfile": dockerfile.dockerfile(chosen.plan)}
