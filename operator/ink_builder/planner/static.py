"""Pack Static: files served by a small server, with the fallback that single-page applications need."""

from pathlib import Path

from ink_builder.planner.files import Files
from ink_builder.planner.model import CannotPlan, Overrides, Plan, Run

SERVER_IMAGE = "python:3.12-slim"
SERVER_PATH = "/srv/ink_static.py"
START = f"python -I {SERVER_PATH} /app"
ENVIRONMENT = (("PYTHONUNBUFFERED", "1"), ("PYTHONDONTWRITEBYTECODE", "1"))

_LANGUAGES = ("package.json", "requirements.txt", "pyproject.toml", "Pipfile", "setup.py", "manage.py", "Procfile")
_PROGRAMS = ("main.py", "app.py", "server.py", "wsgi.py", "asgi.py", "server.js")
_PAPERS = ("LICENSE", "LICENCE", "COPYING", "README", "CNAME")
_OUTPUTS = ("dist", "build", "public", "out", "_site", "www", "docs", "site")


def server_text() -> str:
    """The program that serves the files."""
    return Path(__file__).with_name("static_server.py").read_text(encoding="utf-8")


def detects(files: Files) -> bool:
    """An index.html at the top, or in the only directory there is, and no sign of a program that would serve it."""
    if files.first(*_LANGUAGES, *_PROGRAMS) is not None:
        return False
    directories = [name for name in files.top() if name.endswith("/") and not name.startswith(".")]
    plain = all(name.endswith(("/", ".md", ".txt")) or name.startswith(".") or name in _PAPERS for name in files.top())
    alone = plain and directories in [[f"{name}/"] for name in _OUTPUTS]
    return "index.html" in files or (alone and f"{directories[0]}index.html" in files)


def plan(files: Files, overrides: Overrides) -> Plan:
    """Serve the publish directory as it is; a build command, if there is one, runs first (with what the image has)."""
    directory = _directory(files, overrides)
    commands = [Run(c) for c in (overrides.install, overrides.build) if c]
    return Plan(
        pack="Static",
        image=SERVER_IMAGE,
        run_image=SERVER_IMAGE,
        start=overrides.start or START,
        build=tuple(commands),
        run_environment=ENVIRONMENT,
        artifacts=((f"/app/{directory}" if directory else "/app", "/app"),),
        texts=((SERVER_PATH, server_text()),),
        notes=(f"static files from {directory or 'the top directory'}",),
    )


def _directory(files: Files, overrides: Overrides) -> str:
    if overrides.publish_directory:
        wanted = overrides.publish_directory.strip("/").removeprefix("./")
        there = wanted in {"", "."} or any(p.startswith(f"{wanted}/") for p in files.paths)
        if not there and not overrides.build:
            raise CannotPlan(f"the publish directory {wanted} is not in this commit: commit it, or set a build command")
        return "" if wanted == "." else wanted
    if "index.html" in files:
        return ""
    found = next((d for d in _OUTPUTS if f"{d}/index.html" in files), None)
    if found is None:
        raise CannotPlan("pack Static needs an index.html: add one, or set build.publishDirectory to where it lies")
    return found
