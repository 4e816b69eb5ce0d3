"""How a Python application is started, found in its code."""

import re
import sys
from dataclasses import replace

from ink_planner.ecosystems.python import django, mcp
from ink_planner.ecosystems.python.apps import (
    ASGI,
    MOST_READ,
    RELATIVE,
    PythonApp,
    PythonStart,
    best,
    importable,
    imported,
    module_of,
    only_defines,
    own_name,
    parsed,
    served_by,
    source_root,
)
from ink_planner.model.errors import MissingFile
from ink_planner.model.files import Files
from ink_planner.model.plan import PORT
from ink_planner.toolkit import formats, quoting, shared_files, sources

_SCRIPTS = (
    "main.py",
    "app.py",
    "server.py",
    "run.py",
    "web.py",
    "bot.py",
    "worker.py",
    "start.py",
    "index.py",
    "src/main.py",
    "src/app.py",
)
_NO_PROGRAMS = {"__init__.py", "setup.py", "conftest.py", "manage.py"}
_ANYTHING = re.compile("")
_NOT_RUN = {"tests", "test", "docs", "examples", "scripts", "tools", "migrations", "notebooks"}
_GUARD = re.compile(r"^if\s+__name__\s*==\s*[\"']__main__[\"']", re.MULTILINE)


def find(files: Files, packages: frozenset[str]) -> PythonStart | None:
    """The start command, or None when nothing that can be started is recognised. `packages` are those installed."""
    return (
        _procfile(files)
        or django.start(files, packages)
        or _framework(files, packages)
        or _tool(files, packages)
        or _script(files)
    )


def _procfile(files: Files) -> PythonStart | None:
    found = shared_files.procfile(files)
    if found is None:
        return None
    script = re.fullmatch(r"python3?\s+(?:-[a-zA-Z]\s+)*(?:\./)?([\w./-]+\.py)(?:\s[^;&|]*)?", found[0])
    if script and script[1] not in files:
        raise MissingFile(f"{found[1]} starts {script[1]}, which is not in this commit: commit it, or correct the name")
    return PythonStart(found[0], note=found[1])


def _framework(files: Files, packages: frozenset[str]) -> PythonStart | None:
    app = best(files)
    if app is None:
        return None
    package = own_name(files, app.path)
    found = _served(app, f"{package}.{app.module}:{app.name}" if package else f"{app.module}:{app.name}", packages)
    return replace(found, package=package)


def _served(app: PythonApp, target: str, packages: frozenset[str]) -> PythonStart:
    if app.framework in ASGI:
        return _asgi(app, target, packages)
    if "gunicorn" in packages:
        target = f"'{target}()'" if app.factory else target
        return PythonStart(f"gunicorn --bind 0.0.0.0:{PORT} {target}", note=f"{app.framework} with gunicorn")
    if "waitress" in packages:
        factory = " --call" if app.factory else ""
        return PythonStart(
            f"waitress-serve --listen=0.0.0.0:{PORT}{factory} {target}", note=f"{app.framework} with waitress"
        )
    if app.framework == "Flask":
        return PythonStart(
            f"flask --app {target} run --host 0.0.0.0 --port {PORT}",
            note="Flask's development server; add gunicorn for production",
        )
    return PythonStart(f"gunicorn --bind 0.0.0.0:{PORT} {target}", ("gunicorn",), f"{app.framework}; gunicorn added")


def _asgi(app: PythonApp, target: str, packages: frozenset[str]) -> PythonStart:
    if "hypercorn" in packages and "uvicorn" not in packages:
        return PythonStart(f"hypercorn --bind 0.0.0.0:{PORT} {target}", note=f"{app.framework} with hypercorn")
    factory = " --factory" if app.factory else ""
    command = f"uvicorn {target}{factory} --host 0.0.0.0 --port {PORT}"
    if "uvicorn" in packages:
        return PythonStart(command, note=f"{app.framework} with uvicorn")
    return PythonStart(command, ("uvicorn",), f"{app.framework}; uvicorn added")


def _tool(files: Files, packages: frozenset[str]) -> PythonStart | None:
    """Frameworks that choose port and address themselves unless their own flags or variables name them."""
    if _brings(packages, "streamlit") and (script := _importing(files, "streamlit")):
        flags = f"--server.port {PORT} --server.address 0.0.0.0 --server.headless true"
        return PythonStart(f"streamlit run {quoting.argument(script)} {flags}", note="Streamlit")
    if "chainlit" in packages and (script := _importing(files, "chainlit")):
        return PythonStart(
            f"chainlit run {quoting.argument(script)} --host 0.0.0.0 --port {PORT} --headless", note="Chainlit"
        )
    if "gradio" in packages and (script := _importing(files, "gradio")):
        variables = f"GRADIO_SERVER_NAME=0.0.0.0 GRADIO_SERVER_PORT={PORT}"
        command = f"env {variables} python {quoting.argument(script)}"
        return PythonStart(command, note="Gradio", port=_port_in(files, script))
    if "dash" in packages and (script := _importing(files, "dash")):
        return _dash(files, script)
    if packages & {"mcp", "fastmcp"} and (script := _mcp_server(files)):
        command = mcp.command(script, _module(script, files), files.read(script))
        return PythonStart(command, note="an MCP server")
    return None


def _mcp_server(files: Files) -> str | None:
    """The script that makes a server; clients import the same packages."""
    scripts = [script for module in ("mcp", "fastmcp") if (script := _importing(files, module, mcp.MADE))]
    return scripts[0] if scripts else None


def _dash(files: Files, script: str) -> PythonStart:
    """By a server of its own where the script gives it the application, for `run` has debug, address and port fixed."""
    server = served_by(files.read(script)) if importable(script) else None
    if server is None:
        return PythonStart(
            f"env HOST=0.0.0.0 python {quoting.argument(script)}", (), "Dash", port=_port_in(files, script)
        )
    return PythonStart(
        f"gunicorn --bind 0.0.0.0:{PORT} {_module(script, files)}:{server}", ("gunicorn",), "Dash with gunicorn"
    )


def _script(files: Files) -> PythonStart | None:
    if "__main__.py" in files:
        return PythonStart("python .", note="__main__.py")
    if package := _run_package(files):
        return PythonStart(f"python -m {_module(package, files).removesuffix('.__main__')}", note=package)
    script = program(files)
    if script is None:
        return _entry_point(files) or _script_below(files)
    named = quoting.argument(script)
    # its own Python judges what the planner's cannot read: at the build, not at each start
    check = f"python -m py_compile {named}" if parsed(files.read(script)) is None else None
    return PythonStart(f"python {named}", (), script, check, _port_in(files, script))


def _script_below(files: Files) -> PythonStart | None:
    """The only script one directory down that says it is to be run and has a usual name, or that of its directory."""
    found = [
        p for p in files.with_suffix(".py", 1) if "/" in p and importable(p) and not _NOT_RUN & {p.partition("/")[0]}
    ]
    usual = [
        p for p in found[:MOST_READ] if _base(p) in _SCRIPTS or _base(p).removesuffix(".py") == p.partition("/")[0]
    ]
    scripts = [p for p in usual if _GUARD.search(files.read(p))]
    if len(scripts) != 1:
        return None
    folder, text = scripts[0].partition("/")[0], files.read(scripts[0])
    inside = folder in imported(text) or RELATIVE.search(text)
    command = f"python -m {scripts[0].removesuffix('.py').replace('/', '.')}" if inside else f"python {scripts[0]}"
    return PythonStart(command, (), scripts[0], port=_port_in(files, scripts[0]))


def _run_package(files: Files) -> str | None:
    """The only package that can be run, where no script is."""
    packages = [p for p in files.named("__main__.py", depth=2) if "/" in p and "test" not in p and importable(p)]
    return packages[0] if files.first(*_SCRIPTS) is None and len(packages) == 1 else None


def _entry_point(files: Files) -> PythonStart | None:
    """The only command that the project itself installs."""
    project = formats.toml(files, "pyproject.toml")
    commands = formats.table(project, "project", "scripts") or formats.table(project, "tool", "poetry", "scripts")
    name = next(iter(commands), "")
    return PythonStart(name, note="[project.scripts]") if len(commands) == 1 and quoting.is_plain(name) else None


def home(files: Files) -> str:
    """The directory below the manifests in which the program runs; empty when it is the same one."""
    if "Procfile" in files or django.is_django(files):
        return ""
    app = best(files)
    folder = app.path.rpartition("/")[0] if app else ""
    places = [path.rpartition("/")[0] for path in files.named("manage.py", 2) if django.is_django(files, path)]
    if len(places) == 1 and (folder or app is None):
        return places[0] if quoting.is_plain(places[0]) else ""
    if app is None or not folder or not quoting.is_plain(folder) or folder == source_root(files):
        return ""
    # its modules name their neighbours without the directory
    names = {name for name in imported(files.read(app.path)) if not _is_module(files, name)}
    return folder if any(_is_module(files, f"{folder}/{name}") for name in names) else ""


def _is_module(files: Files, path: str) -> bool:
    return f"{path}.py" in files or files.has_directory(path)


def program(files: Files) -> str | None:
    """The script that is run: of the usual name, the only one at the top, or the one that says it is to be run."""
    scripts = [p for p in files.with_suffix(".py") if p not in _NO_PROGRAMS and not p.startswith("test")]
    if usual := files.first(*_SCRIPTS):
        return _starter(files, usual, scripts)
    if len(scripts) > 1:
        scripts = [p for p in scripts[:MOST_READ] if _GUARD.search(files.read(p))]
    return scripts[0] if len(scripts) == 1 else None


def _starter(files: Files, usual: str, scripts: list[str]) -> str:
    """The script that is there to be run and imports `usual`, where that one only holds what is run."""
    module = usual.removesuffix(".py")
    if "/" in usual or not only_defines(files.read(usual)):
        return usual
    others = [p for p in scripts[:MOST_READ] if p != usual and _GUARD.search(files.read(p))]
    others = [p for p in others if module in imported(files.read(p))]
    return others[0] if len(others) == 1 else usual


_FIXED_PORT = re.compile(
    r"\b(?i:port|server_port)\s*=\s*(\d{4,5})\b|\(\s*[\"'][\w.]*[\"']\s*,\s*(\d{4,5})\s*\)|\.listen\(\s*(\d{4,5})\b"
    r"|\bdefine\(\s*[\"']port[\"']\s*,\s*default\s*=\s*(\d{4,5})\b"
)


def _port_in(files: Files, path: str) -> int:
    text = files.read(path)
    return sources.fixed_port(text, _FIXED_PORT, "getenv" if "getenv" in text else "environ")


def missing_packages(files: Files) -> tuple[str, list[str]] | None:
    """The program, and what it imports that neither Python nor the repository has; imports in `try` do not count."""
    if django.is_django(files):
        return ("manage.py", ["django"])
    app = best(files)
    path = app.path if app else _run_package(files) or program(files)
    names = imported(files.read(path)) if path else []
    folders = ("", "src/", f"{path.rpartition('/')[0]}/") if path else ("",)
    own = {name for name in names for f in folders if f"{f}{name}.py" in files or files.has_directory(f"{f}{name}")}
    unknown = [n for n in dict.fromkeys(names) if n not in sys.stdlib_module_names and n not in own]
    return (path, unknown) if path and unknown else None


def _brings(packages: frozenset[str], name: str) -> bool:
    """Whether a package is asked for, or a variant of it such as its nightly build."""
    return any(package == name or package.startswith(f"{name}-") for package in packages)


def _importing(files: Files, module: str, has: re.Pattern[str] = _ANYTHING) -> str | None:
    """The script that uses a module and has something: of a usual name, else the first at the top, else one below."""
    pattern = re.compile(rf"^[ \t]*(?:import|from)\s+{re.escape(module)}\b", re.MULTILINE)
    usual = (f"{module}_app.py", "Home.py", "home.py", "Hello.py", *_SCRIPTS)
    ranked = {name: place for place, name in enumerate(usual)}
    scripts = sorted(files.with_suffix(".py", 2), key=lambda p: (p.count("/"), ranked.get(_base(p), len(usual)), p))
    scripts = [p for p in scripts if not {"tests", "pages", "docs", "examples"} & set(p.split("/")[:-1])]
    return next((p for p in scripts[:MOST_READ] if pattern.search(t := files.read(p)) and has.search(t)), None)


def _base(path: str) -> str:
    return path.rpartition("/")[2]


def _module(path: str, files: Files) -> str:
    return module_of(path, source_root(files))
