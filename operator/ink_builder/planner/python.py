"""Pack Python: pip, uv or poetry into a virtual environment; the start command from the code."""

import re
import shlex
from typing import Any

from ink_builder.planner import python_start, python_version
from ink_builder.planner.files import Files
from ink_builder.planner.model import CannotPlan, Overrides, Plan, Run

_VENV = "/opt/venv"
_PIP_CACHE, _UV_CACHE, _POETRY_CACHE = "/root/.cache/pip", "/root/.cache/uv", "/root/.cache/pypoetry"
_MANIFESTS = ("requirements.txt", "pyproject.toml", "setup.py", "Pipfile", "manage.py")
_NAME = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^\]]*\])?")
_INCLUDED = re.compile(r"^\s*(?:-r|--requirement|-c|--constraint)[\s=]+(\S+)", re.MULTILINE)


def detects(files: Files) -> bool:
    """A manifest of Python's tools, or a script that can be started."""
    return files.first(*_MANIFESTS) is not None or bool(files.with_suffix(".py"))


def plan(files: Files, overrides: Overrides) -> Plan:
    """Raises CannotPlan when no start command can be found."""
    version, why = python_version.choose(files)
    image = f"python:{version[0]}.{version[1]}-slim"
    packages = _packages(files)
    found = python_start.find(files, packages)
    start = overrides.start or (found.command if found else None)
    if start is None:
        raise CannotPlan(
            "this is Python, but how to start it is not to be seen: set a start command, add a Procfile with a line"
            " `web: …`, or name the program main.py or app.py"
        )
    extra = found.extra_packages if found and not overrides.start else ()
    manager, manifests, install, build = _install(files, overrides, extra)
    note = f"Python {version[0]}.{version[1]} ({why}), {manager}"
    return Plan(
        pack="Python",
        image=image,
        run_image=image,
        start=start,
        manifests=manifests,
        setup=(Run(f"python -m venv {_VENV}"),),
        install=install,
        build=(*build, *([Run(overrides.build, (_PIP_CACHE,))] if overrides.build else [])),
        build_environment=_environment("build"),
        run_environment=(*_environment("run"), *_import_path(files)),
        artifacts=((_VENV, _VENV), ("/app", "/app")),
        notes=(note, f"started by {start}" + (f" ({found.note})" if found and not overrides.start else "")),
    )


def _import_path(files: Files) -> tuple[tuple[str, str], ...]:
    root = python_start.source_root(files)
    return (("PYTHONPATH", f"/app/{root}"),) if root else ()


def _environment(stage: str) -> tuple[tuple[str, str], ...]:
    common = (("PATH", f"{_VENV}/bin:$PATH"), ("VIRTUAL_ENV", _VENV), ("PYTHONUNBUFFERED", "1"))
    if stage == "run":
        return (*common, ("PYTHONDONTWRITEBYTECODE", "1"))
    return (
        *common,
        ("PIP_DISABLE_PIP_VERSION_CHECK", "1"),
        ("PIP_ROOT_USER_ACTION", "ignore"),
        ("UV_PROJECT_ENVIRONMENT", _VENV),
        ("UV_LINK_MODE", "copy"),
        ("UV_PYTHON_DOWNLOADS", "never"),
        ("POETRY_VIRTUALENVS_CREATE", "false"),
        ("POETRY_NO_INTERACTION", "1"),
    )


_Installation = tuple[str, tuple[str, ...], tuple[Run, ...], tuple[Run, ...]]


def _install(files: Files, overrides: Overrides, extra: tuple[str, ...]) -> _Installation:
    """The package manager's name, the manifests, the install steps, and the steps after the sources are there."""
    if overrides.install:
        return "install command", (), (Run(overrides.install, (_PIP_CACHE,)),), ()
    more = (Run(_pip(*extra), (_PIP_CACHE,)),) if extra else ()
    manager, manifests, install, build = _chosen(files)
    if more and not install:
        return manager, manifests, (), (*more, *build)
    return manager, manifests, (*install, *more), build


def _chosen(files: Files) -> _Installation:
    project = python_version.pyproject(files)
    packaged = "build-system" in project
    if "uv.lock" in files and "pyproject.toml" in files:
        return _uv(packaged)
    loose = "poetry" in project.get("tool", {}) and not project.get("project")
    if "poetry.lock" in files or (loose and not _is_poetry_package(files, project)):
        # a package without a lock file is installed by pip, which is faster
        return _poetry(files, project)
    if "requirements.txt" in files:
        return "pip", _requirement_files(files), (Run("pip install -r requirements.txt", (_PIP_CACHE,)),), ()
    if "Pipfile" in files:
        manifests = tuple(name for name in ("Pipfile", "Pipfile.lock") if name in files)
        flag = "--deploy" if "Pipfile.lock" in files else "--skip-lock"
        tools = Run("python -m venv /opt/pipenv && /opt/pipenv/bin/pip install pipenv", (_PIP_CACHE,))
        return "pipenv", manifests, (tools, Run(f"/opt/pipenv/bin/pipenv install {flag}", (_PIP_CACHE,))), ()
    if "pyproject.toml" in files:
        return _pyproject(project, packaged)
    if "setup.py" in files:
        return "pip", (), (Run("pip install .", (_PIP_CACHE,)),), ()
    return "no packages", (), (), ()


def _uv(packaged: bool) -> _Installation:
    tools = Run("python -m venv /opt/uv && /opt/uv/bin/pip install uv", (_PIP_CACHE,))
    sync = "/opt/uv/bin/uv sync --frozen --no-dev"
    install = (tools, Run(f"{sync} --no-install-project", (_UV_CACHE,)))
    build = (Run(f"{sync} --no-editable", (_UV_CACHE,)),) if packaged else ()
    return "uv", ("pyproject.toml", "uv.lock"), install, build


def _poetry(files: Files, project: dict[str, Any]) -> _Installation:
    """The project itself is installed only if it is a package: poetry.lock, and a name without code, are optional."""
    tools = Run("python -m venv /opt/poetry && /opt/poetry/bin/pip install poetry", (_PIP_CACHE,))
    install = (tools, Run("/opt/poetry/bin/poetry install --only main --no-root", (_POETRY_CACHE,)))
    root = _is_poetry_package(files, project)
    build = (Run("pip install --no-deps .", (_PIP_CACHE,)),) if root else ()
    manifests = tuple(name for name in ("pyproject.toml", "poetry.lock") if name in files)
    return "poetry", manifests, install, build


def _is_poetry_package(files: Files, project: dict[str, Any]) -> bool:
    poetry = project.get("tool", {}).get("poetry", {})
    name = str(poetry.get("name") or project.get("project", {}).get("name") or "").replace("-", "_").lower()
    code = any(place in files for place in (f"{name}/__init__.py", f"src/{name}/__init__.py", f"{name}.py"))
    package_mode = bool(poetry.get("package-mode", True))
    return package_mode and "build-system" in project and (code or "packages" in poetry)


def _pyproject(project: dict[str, Any], packaged: bool) -> _Installation:
    """Dependencies first, so that a change of the code does not install them again; the package itself afterwards."""
    wanted = project.get("project", {}).get("dependencies", [])
    wanted = [w for w in wanted if isinstance(w, str)] if isinstance(wanted, list) else []
    if not project.get("project"):
        return ("pip", (), (Run("pip install .", (_PIP_CACHE,)),), ()) if packaged else ("no packages", (), (), ())
    install = (Run(_pip(*wanted), (_PIP_CACHE,)),) if wanted else ()
    build = (Run("pip install .", (_PIP_CACHE,)),) if packaged else ()
    return "pip (pyproject.toml)", ("pyproject.toml",), install, build


def _pip(*packages: str) -> str:
    return f"pip install {shlex.join(packages)}"


def _requirement_files(files: Files) -> tuple[str, ...]:
    """requirements.txt and what it includes; nothing when it needs the sources (`-e .`): then all is copied first."""
    found, queue = ["requirements.txt"], ["requirements.txt"]
    while queue:
        text = files.read(queue.pop())
        if re.search(r"^\s*(-e\b|--editable|\.{1,2}(/|\s|$)|file:)", text, re.MULTILINE):
            return ()
        for name in _INCLUDED.findall(text):
            path = name.removeprefix("./")
            if path in files and path not in found:
                found.append(path)
                queue.append(path)
    return tuple(found)


def _packages(files: Files) -> frozenset[str]:
    """Names (normalised) that the manifests ask for; extras that bring a server count as that server."""
    project = python_version.pyproject(files)
    lines = [
        line for name in _requirement_files(files) or ("requirements.txt",) for line in files.read(name).splitlines()
    ]
    declared = project.get("project", {}).get("dependencies", [])
    lines += [d for d in declared if isinstance(d, str)] if isinstance(declared, list) else []
    lines += list(project.get("tool", {}).get("poetry", {}).get("dependencies", {}))
    lines += re.findall(r"^\s*\"?([A-Za-z0-9._-]+)\"?\s*=", files.read("Pipfile"), re.MULTILINE)
    lines += re.findall(r'^name = "([^"]+)"', files.read("uv.lock") + files.read("poetry.lock"), re.MULTILINE)
    names = set()
    for line in lines:
        if found := _NAME.match(line):
            names.add(re.sub(r"[-_.]+", "-", found[1]).lower())
            if found[1].lower() == "fastapi" and found[2] and ("standard" in found[2] or "all" in found[2]):
                names.add("uvicorn")
    return frozenset(names)
