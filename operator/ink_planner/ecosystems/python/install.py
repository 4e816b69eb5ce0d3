"""How the packages of a Python application are installed: uv, poetry, pdm, pipenv or pip, as its files say."""

import re
import shlex
from dataclasses import dataclass
from typing import Any

from ink_planner.ecosystems.python import interpreter, workspace
from ink_planner.ecosystems.python.workspace import UvMember
from ink_planner.model.errors import StaleLock
from ink_planner.model.files import UTF16_MARK, Files
from ink_planner.model.options import Overrides
from ink_planner.model.plan import Run
from ink_planner.toolkit import formats
from ink_planner.toolkit.tools import PIP_CACHE

NOTHING = "no packages"
_UV_CACHE, _POETRY_CACHE, _PDM_CACHE = "/root/.cache/uv", "/root/.cache/pypoetry", "/root/.cache/pdm"
_INCLUDED = re.compile(r"^[ \t]*(?:-r|--requirement|-c|--constraint)[\s=]+(\S+)", re.MULTILINE)
_NAME = re.compile(r"^[ \t]*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^\]]*\])?")
_REQUIREMENTS = ("requirements.txt", "requirements/production.txt", "requirements/prod.txt", "requirements/base.txt")
_LESS_USUAL = ("requirements-prod.txt", "requirements-production.txt", "requirements.in", "requirements/main.txt")
"""Read where nothing else names the packages."""
_SCRIPT = re.compile(r"^# /// script\s*$\n((?:^#(?: .*)?$\n)+?)^# ///\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Installation:
    """The package manager, the files that it reads, and what runs before and after the sources are there."""

    manager: str
    manifests: tuple[str, ...] = ()
    install: tuple[Run, ...] = ()
    build: tuple[Run, ...] = ()


def choose(files: Files, overrides: Overrides, extra: tuple[str, ...], script: dict[str, Any]) -> Installation:
    """`extra`: packages that the start command needs beyond the application's own; `script`: PEP 723."""
    if overrides.install:
        return Installation("install command", (), (Run(overrides.install, (PIP_CACHE,)),))
    found = _script(script) if script else _chosen(files)
    more = (Run(pip(*extra), (PIP_CACHE,)),) if extra else ()
    if more and not found.install:
        return Installation(found.manager, found.manifests, (), (*more, *found.build))
    return Installation(found.manager, found.manifests, (*found.install, *more), found.build)


def _chosen(files: Files) -> Installation:
    project = interpreter.pyproject(files)
    packaged = "build-system" in project
    if "uv.lock" in files and "pyproject.toml" in files:
        return _uv(files, project, packaged=packaged)
    loose = "poetry" in formats.table(project, "tool") and not project.get("project")
    if "poetry.lock" in files or (loose and not _is_poetry_package(files, project)):
        # a package without a lock file is installed by pip, which is faster
        return _poetry(files, project)
    if "pdm.lock" in files:
        return _pdm(packaged)
    if requirements := requirements_file(files):
        step = Run(f"pip install -r {requirements}", (PIP_CACHE,))
        return Installation("pip", requirement_files(files, requirements), (step,))
    if "Pipfile" in files:
        return _pipenv(files)
    if "pyproject.toml" in files:
        return _pyproject(project, packaged=packaged)
    if "setup.py" in files:
        return Installation("pip", (), (Run("pip install .", (PIP_CACHE,)),))
    return Installation(NOTHING)


def requirements_file(files: Files) -> str | None:
    """What pip is given."""
    if (usual := files.first(*_REQUIREMENTS)) or files.first("Pipfile", "setup.py"):
        return usual
    project = interpreter.pyproject(files)
    named = project.get("project") or formats.table(project, "tool", "poetry")
    return None if named else files.first(*_LESS_USUAL)


def _tool(name: str, package: str) -> Run:
    return Run(f"python -m venv /opt/{name} && /opt/{name}/bin/pip install {package}", (PIP_CACHE,))


def _check_lock(above: Files, project: dict[str, Any]) -> None:
    """Raises StaleLock when uv.lock lacks a package that is asked for: `--frozen` installs what it holds, and no more.

    Names alone count, for many a lock file is behind in what does no harm; those with a condition may be left out.
    """
    listed = formats.toml(above, "uv.lock").get("package")
    own = _normal(str(formats.table(project, "project").get("name")))
    entry = next((p for p in listed or () if isinstance(p, dict) and p.get("name") == own), None)
    if entry is None:
        return
    known = {str(d.get("name")) for d in entry.get("dependencies") or () if isinstance(d, dict)}
    asked = [text for text in _texts(formats.table(project, "project").get("dependencies")) if ";" not in text]
    names = [_normal(found[1]) for text in asked if (found := _NAME.match(text))]
    if missing := [name for name in names if name not in known]:
        raise StaleLock(
            f"uv.lock lacks {', '.join(missing[:5])}, which pyproject.toml asks for: run `uv lock` and commit uv.lock"
        )


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _uv(files: Files, project: dict[str, Any], *, packaged: bool) -> Installation:
    _check_lock(files, project)
    sync = "/opt/uv/bin/uv sync --frozen --no-dev"
    members = formats.table(project, "tool", "uv", "workspace").get("members")
    if members:
        # what the packages of a workspace depend on is known from their own files only
        step = Run(f"{sync} --no-editable --all-packages", (_UV_CACHE,))
        return Installation("uv, a workspace", (), (_tool("uv", "uv"), step))
    install = (_tool("uv", "uv"), Run(f"{sync} --no-install-project", (_UV_CACHE,)))
    paths = formats.table(project, "tool", "uv", "sources").values()
    local = any(isinstance(source, dict) and "path" in source for source in paths)
    # inexact: packages that the start command needs beyond the locked ones stay
    build = (Run(f"{sync} --inexact --no-editable", (_UV_CACHE,)),) if packaged else ()
    return Installation("uv", () if local else ("pyproject.toml", "uv.lock"), install, build)


def _poetry(files: Files, project: dict[str, Any]) -> Installation:
    """The project itself is installed only if it is a package: poetry.lock, and a name without code, are optional."""
    install = (
        _tool("poetry", "poetry"),
        Run("/opt/poetry/bin/poetry install --only main --no-root", (_POETRY_CACHE,)),
    )
    root = _is_poetry_package(files, project)
    build = (Run("pip install --no-deps .", (PIP_CACHE,)),) if root else ()
    manifests = tuple(name for name in ("pyproject.toml", "poetry.lock") if name in files)
    return Installation("poetry", manifests, install, build)


def of_member(member: UvMember, overrides: Overrides, extra: tuple[str, ...]) -> Installation:
    """One package of a uv workspace, with those of its neighbours that it depends on."""
    if overrides.install:
        step = Run(f"cd {member.place} && {overrides.install}", (PIP_CACHE,))
        return Installation("install command", (), (step,))
    _check_lock(member.root, formats.toml(member.root, f"{member.place}/pyproject.toml"))
    frozen = " --frozen" if "uv.lock" in member.root else ""
    sync = f"/opt/uv/bin/uv sync{frozen} --no-dev --no-editable --package {member.name}"
    more = (Run(pip(*extra), (PIP_CACHE,)),) if extra else ()
    label = "uv, a workspace" + ("" if frozen else " without a lock file")
    return Installation(label, (), (_tool("uv", "uv"), Run(sync, (_UV_CACHE,)), *more))


def _is_poetry_package(files: Files, project: dict[str, Any]) -> bool:
    poetry = formats.table(project, "tool", "poetry")
    name = str(poetry.get("name") or formats.table(project, "project").get("name") or "").replace("-", "_").lower()
    code = any(place in files for place in (f"{name}/__init__.py", f"src/{name}/__init__.py", f"{name}.py"))
    package_mode = bool(poetry.get("package-mode", True))
    return package_mode and "build-system" in project and (code or "packages" in poetry)


def _pdm(packaged: bool) -> Installation:
    sync = "/opt/pdm/bin/pdm sync --prod --no-editable --frozen-lockfile"
    install = (_tool("pdm", "pdm"), Run(f"{sync} --no-self", (_PDM_CACHE,)))
    build = (Run(sync, (_PDM_CACHE,)),) if packaged else ()
    return Installation("pdm", ("pyproject.toml", "pdm.lock"), install, build)


def _pipenv(files: Files) -> Installation:
    manifests = tuple(name for name in ("Pipfile", "Pipfile.lock") if name in files)
    flag = "--deploy" if "Pipfile.lock" in files else "--skip-lock"
    step = Run(f"/opt/pipenv/bin/pipenv install {flag}", (PIP_CACHE,))
    return Installation("pipenv", manifests, (_tool("pipenv", "pipenv"), step))


def _pyproject(project: dict[str, Any], *, packaged: bool) -> Installation:
    """Dependencies first, so that a change of the code does not install them again; the package itself afterwards."""
    wanted = _texts(formats.table(project, "project").get("dependencies"))
    if not project.get("project"):
        step = (Run("pip install .", (PIP_CACHE,)),)
        return Installation("pip", (), step) if packaged else Installation(NOTHING)
    install = (Run(pip(*wanted), (PIP_CACHE,)),) if wanted else ()
    build = (Run("pip install .", (PIP_CACHE,)),) if packaged else ()
    return Installation("pip (pyproject.toml)", ("pyproject.toml",), install, build)


def _script(script: dict[str, Any]) -> Installation:
    wanted = _texts(script.get("dependencies"))
    return Installation("pip (inline metadata)", (), (), (Run(pip(*wanted), (PIP_CACHE,)),) if wanted else ())


def inline(text: str) -> dict[str, Any]:
    """The metadata that a script carries in its comments; empty without them."""
    found = _SCRIPT.search(text + "\n")
    if found is None:
        return {}
    return formats.parsed_toml("\n".join(line[1:].removeprefix(" ") for line in found[1].splitlines()))


def pip(*packages: str) -> str:
    """A package's name may not become a flag, nor a second command."""
    return f"pip install {shlex.join(p for p in packages if not p.lstrip().startswith('-'))}"


def requirement_files(files: Files, first: str = "requirements.txt") -> tuple[str, ...]:
    """A requirements file and what it includes; nothing when it needs the sources (`-e .`), which come first then."""
    found, queue = [first], [first]
    while queue:
        path = queue.pop()
        text = files.read(path).removeprefix(UTF16_MARK)
        if re.search(r"^[ \t]*(-e\b|--editable|\.{1,2}(/|\s|$)|file:)", text, re.MULTILINE):
            return ()
        folder = path.rpartition("/")[0]
        for name in _INCLUDED.findall(text):
            included = _beside(folder, name)
            if included in files and included not in found:
                found.append(included)
                queue.append(included)
    return tuple(found)


def _beside(folder: str, name: str) -> str:
    """A path that is relative to `folder`; what leads out of the tree is in no tree."""
    parts = folder.split("/") if folder else []
    for part in name.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in {"", "."}:
            parts.append(part)
    return "/".join(parts)


def packages(files: Files, script: dict[str, Any], member: UvMember | None = None) -> frozenset[str]:
    """Names (normalised) that the manifests ask for; extras that bring a server count as that server."""
    project = interpreter.pyproject(files)
    first = requirements_file(files) or "requirements.txt"
    lines = [line for name in requirement_files(files, first) or (first,) for line in _lines(files, name)]
    lines += _texts(formats.table(project, "project").get("dependencies")) + _texts(script.get("dependencies"))
    lines += list(formats.table(project, "tool", "poetry", "dependencies"))
    lines += list(formats.table(formats.toml(files, "Pipfile"), "packages"))
    locks = files.read("uv.lock") + files.read("poetry.lock") + files.read("pdm.lock")
    lines += re.findall(r'^name = "([^"]+)"', locks, re.MULTILINE)
    names = workspace.locked(member) if member else set()
    for line in lines:
        if found := _NAME.match(line):
            names.add(_normal(found[1]))
            if found[1].lower() == "fastapi" and found[2] and ("standard" in found[2] or "all" in found[2]):
                names.add("uvicorn")
    return frozenset(names)


def _lines(files: Files, name: str) -> list[str]:
    """pip reads what PowerShell writes: UTF-16 with its mark."""
    return files.read(name).removeprefix(UTF16_MARK).splitlines()


def _texts(value: Any) -> list[str]:
    return [v for v in value if isinstance(v, str)] if isinstance(value, list) else []
