"""Django: its server, its tables in SQLite and its static files."""

import re
from dataclasses import replace

from ink_planner.ecosystems.python.apps import PythonStart, importable, module_of, source_root
from ink_planner.model.files import Files
from ink_planner.model.plan import PORT

_COMMENT = re.compile(r"^[ \t]*#[^\n]*$", re.MULTILINE)
_WHY = "/tmp/why"  # noqa: S108 - in a step of the build
_NEVER_STARTS = "^(ModuleNotFoundError: No module named 'django'|(Syntax|Indentation|Tab)Error: )"


def is_django(files: Files, path: str = "manage.py") -> bool:
    """Whether a manage.py is Django's: other frameworks have borrowed the name."""
    text = files.read(path)
    return path in files and (re.search(r"django|DJANGO_|execute_from_command_line", text) is not None or not text)


def start(files: Files, packages: frozenset[str]) -> PythonStart | None:
    """The start command, where a manage.py is Django's."""
    if not is_django(files):
        return None
    served = _server(files, packages)
    if not _on_a_file(files):
        return served
    migrated = f'if [ -z "$DATABASE_URL" ]; then python manage.py migrate --noinput; fi; exec {served.command}'
    return replace(served, command=migrated, note=f"{served.note}, after migrating its SQLite database")


def _on_a_file(files: Files) -> bool:
    """Whether the database is a file of the container's own, which is empty at each start."""
    code = "\n".join(_COMMENT.sub("", files.read(path)) for path in _settings(files))
    return "backends.sqlite3" in code and not (files.with_suffix(".sqlite3", 2) or files.with_suffix(".db", 2))


def _server(files: Files, packages: frozenset[str]) -> PythonStart:
    wsgi, asgi = (next(filter(importable, files.named(name)), None) for name in ("wsgi.py", "asgi.py"))
    if asgi and "uvicorn" in packages and "gunicorn" not in packages:
        command = f"uvicorn {module_of(asgi, source_root(files))}:application --host 0.0.0.0 --port {PORT}"
        return PythonStart(command, note="Django with uvicorn")
    if asgi and "daphne" in packages:
        return PythonStart(
            f"daphne --bind 0.0.0.0 --port {PORT} {module_of(asgi, source_root(files))}:application", (), "Django"
        )
    if wsgi:
        command = f"gunicorn --bind 0.0.0.0:{PORT} {module_of(wsgi, source_root(files))}:application"
        if "gunicorn" in packages:
            return PythonStart(command, note="Django with gunicorn")
        return PythonStart(command, ("gunicorn",), "Django; gunicorn added")
    return PythonStart(f"python manage.py runserver 0.0.0.0:{PORT}", note="Django")


def _settings(files: Files) -> list[str]:
    return [path for name in ("settings.py", "base.py", "production.py") for path in files.named(name)]


def collect_static(files: Files, command: str) -> str | None:
    """Django's own files, where the settings name a place for them, however `command` starts it.

    The settings may need what only the running application has; without Django, or with a mistake in the code, it
    would never start.
    """
    placed = any(re.search(r"^[ \t]*STATIC_ROOT\s*=", files.read(p), re.MULTILINE) for p in _settings(files))
    if not is_django(files) or not placed or "collectstatic" in command:
        return None
    return (
        f'python manage.py collectstatic --noinput 2> {_WHY} || {{ cat {_WHY}; ! grep -qE "{_NEVER_STARTS}" {_WHY}'
        " && echo 'collectstatic failed: static files will be missing'; }"
    )
