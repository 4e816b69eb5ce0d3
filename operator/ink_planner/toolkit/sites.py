"""Files served by Ink's small web server, with the fallback that single-page applications need: pack Static."""

from dataclasses import replace
from pathlib import Path

import ink_static_server

from ink_planner.model.base_images import BaseImages
from ink_planner.model.errors import CannotPlan
from ink_planner.model.files import Files
from ink_planner.model.options import Overrides
from ink_planner.model.plan import ImagePlan, Run
from ink_planner.toolkit import quoting, versions

SERVER_PATH = "/srv/ink_static.py"
START = f"python -I {SERVER_PATH} /app"
ENVIRONMENT = (("PYTHONUNBUFFERED", "1"), ("PYTHONDONTWRITEBYTECODE", "1"))
OUTPUTS = ("dist", "build", "public", "out", "_site", "www", "docs", "site")


def server_text() -> str:
    """The program that serves the files."""
    return Path(ink_static_server.__file__).with_name("server.py").read_text(encoding="utf-8")


def server_image(images: BaseImages) -> str:
    """What the server runs on. Raises NoBaseImage."""
    return versions.choose(images, "static", versions.VersionRules("static sites"), ())[0].run


def served(skeleton: ImagePlan, directory: str, label: str, images: BaseImages) -> ImagePlan:
    """The plan of a build that writes files to `directory`: only those and the server go into the image."""
    return replace(
        skeleton,
        run_image=server_image(images),
        run_packages=(),
        start=START,
        start_why=f"{label}: a site served from {directory}",
        run_environment=ENVIRONMENT,
        artifacts=((f"/app/{directory}" if directory != "." else "/app", "/app"),),
        texts=((SERVER_PATH, server_text()),),
    )


def plan(files: Files, overrides: Overrides, images: BaseImages) -> ImagePlan:
    """Serve the publish directory as it is; a build command, if there is one, runs first (with what the image has)."""
    directory = _directory(files, overrides)
    image = server_image(images)
    commands = [Run(c) for c in (overrides.install, overrides.build) if c]
    return ImagePlan(
        pack="Static",
        image=image,
        run_image=image,
        why="index.html" if "index.html" in files else "static files",
        start=overrides.start or START,
        start_why="Ink's server for static files" if not overrides.start else "",
        build=tuple(commands),
        run_environment=ENVIRONMENT,
        artifacts=((f"/app/{directory}" if directory else "/app", "/app"),),
        texts=((SERVER_PATH, server_text()),),
        notes=(f"static files from {directory or 'the top directory'}",),
    )


def _directory(files: Files, overrides: Overrides) -> str:
    if overrides.publish_directory:
        wanted = quoting.directory(overrides.publish_directory, "the publish directory")
        there = not wanted or files.has_directory(wanted)
        if not there and not overrides.build:
            raise CannotPlan(f"the publish directory {wanted} is not in this commit: commit it, or set a build command")
        return wanted
    if "index.html" in files:
        return ""
    found = next((d for d in OUTPUTS if f"{d}/index.html" in files), None)
    if found is None:
        raise CannotPlan("pack Static needs an index.html: add one, or set build.publishDirectory to its directory")
    return found
