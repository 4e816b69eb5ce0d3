"""Pack Static: files served by a small server, with the fallback that single-page applications need."""

from dataclasses import replace
from pathlib import Path

from ink_builder.planner import common, versions
from ink_builder.planner.files import Files
from ink_builder.planner.images import Images
from ink_builder.planner.model import CannotPlan, Overrides, Plan, Run

SERVER_PATH = "/srv/ink_static.py"
START = f"python -I {SERVER_PATH} /app"
ENVIRONMENT = (("PYTHONUNBUFFERED", "1"), ("PYTHONDONTWRITEBYTECODE", "1"))

_LANGUAGES = (
    "package.json", "requirements.txt", "pyproject.toml", "Pipfile", "setup.py", "manage.py", "Procfile", "go.mod",
    "Cargo.toml", "pom.xml", "build.gradle", "build.gradle.kts", "Gemfile", "config.ru", "composer.json", "index.php",
    "mix.exs", "deno.json", "deno.jsonc",
)  # fmt: skip
_GENERATORS = ("hugo.toml", "hugo.yaml", "hugo.json", "mkdocs.yml", "mkdocs.yaml")
_PROGRAMS = ("main.py", "app.py", "server.py", "wsgi.py", "asgi.py", "server.js", "main.go", "main.ts", "server.ts")
_SUFFIXES = (".csproj", ".sln", ".go", ".php")
_PAPERS = ("LICENSE", "LICENCE", "COPYING", "README", "CNAME")
_OUTPUTS = ("dist", "build", "public", "out", "_site", "www", "docs", "site")


def server_text() -> str:
    """The program that serves the files."""
    return Path(__file__).with_name("static_server.py").read_text(encoding="utf-8")


def server_image(images: Images) -> str:
    """What the server runs on. Raises Unavailable."""
    return versions.choose(images, "static", versions.Rules("static sites"), ())[0].run


def served(skeleton: Plan, directory: str, label: str, images: Images) -> Plan:
    """The plan of a build that leaves files in `directory`: nothing but those and the server go into the image."""
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


def detect(files: Files, overrides: Overrides, images: Images) -> Plan | None:
    """An index.html at the top, or in the only directory there is, and no sign of a program that would serve it."""
    if files.first(*_LANGUAGES, *_PROGRAMS, *_GENERATORS) is not None or _is_template(files):
        return None
    if any(files.with_suffix(end) for end in _SUFFIXES):
        return None
    directories = [name for name in files.top() if name.endswith("/") and not name.startswith(".")]
    plain = all(name.endswith(("/", ".md", ".txt")) or name.startswith(".") or name in _PAPERS for name in files.top())
    alone = plain and directories in [[f"{name}/"] for name in _OUTPUTS]
    if "index.html" in files or (alone and f"{directories[0]}index.html" in files):
        return plan(files, overrides, images)
    return None


def _is_template(files: Files) -> bool:
    """Whether the page is only a part, from which Jekyll makes the page."""
    return "_config.yml" in files and files.read("index.html").startswith("---")


def plan(files: Files, overrides: Overrides, images: Images) -> Plan:
    """Serve the publish directory as it is; a build command, if there is one, runs first (with what the image has)."""
    directory = _directory(files, overrides)
    image = server_image(images)
    commands = [Run(c) for c in (overrides.install, overrides.build) if c]
    return Plan(
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
        wanted = common.directory(overrides.publish_directory, "the publish directory")
        there = not wanted or files.has_directory(wanted)
        if not there and not overrides.build:
            raise CannotPlan(f"the publish directory {wanted} is not in this commit: commit it, or set a build command")
        return wanted
    if "index.html" in files:
        return ""
    found = next((d for d in _OUTPUTS if f"{d}/index.html" in files), None)
    if found is None:
        raise CannotPlan("pack Static needs an index.html: add one, or set build.publishDirectory to where it lies")
    return found
