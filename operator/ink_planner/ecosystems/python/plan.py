"""Pack Python: packages into a virtual environment; the start command from the code."""

import re
from collections.abc import Iterable
from contextlib import suppress

from ink_planner.ecosystems.python import apps, django, install, interpreter, pins, start, workspace
from ink_planner.ecosystems.python.apps import PythonStart
from ink_planner.ecosystems.python.workspace import UvMember
from ink_planner.model.base_images import BaseImages
from ink_planner.model.errors import CannotPlan, NothingToStart
from ink_planner.model.files import Files
from ink_planner.model.options import Overrides
from ink_planner.model.plan import ImagePlan, Run
from ink_planner.toolkit import formats, sites, sources
from ink_planner.toolkit.tools import PIP_CACHE

_VENV, _PACKAGES = "/opt/venv", "/opt/packages"
_MKDOCS, _DOCUMENTS = "MkDocs", "site"
_MANIFESTS = ("requirements.txt", "pyproject.toml", "setup.py", "Pipfile", "manage.py")
_LIBRARIES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "psycopg2": (("gcc", "libc6-dev", "libpq-dev"), ("libpq5",)),
    "mysqlclient": (("gcc", "libc6-dev", "default-libmysqlclient-dev", "pkg-config"), ("libmariadb3",)),
    "pycairo": (("gcc", "libc6-dev", "libcairo2-dev", "pkg-config"), ("libcairo2",)),
    "weasyprint": ((), ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0")),
    "python-ldap": (("gcc", "libc6-dev", "libldap2-dev", "libsasl2-dev"), ("libldap-2.5-0", "libsasl2-2")),
    "opencv-python": ((), ("libgl1", "libglib2.0-0")),
    "uwsgi": (("gcc", "libc6-dev"), ()),
}
"""Packages that come without their C libraries: what building them needs, and what running them needs."""
_COMPILER = (("gcc", "g++", "libc6-dev"), ())
_COMPILED: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "psycopg2-binary": _LIBRARIES["psycopg2"],
    "lxml": (("libxml2-dev", "libxslt1-dev"), ("libxml2", "libxslt1.1")),
    "pillow": (("libjpeg62-turbo-dev", "zlib1g-dev", "libfreetype-dev"), ("libjpeg62-turbo", "libfreetype6")),
    "cffi": (("libffi-dev",), ()),
}
"""The same, of packages that usually bring them along: for a Python for which they have no wheel."""


def detect(files: Files, overrides: Overrides, images: BaseImages) -> ImagePlan | None:
    """A manifest of Python's tools, or a script that can be started. Raises CannotPlan."""
    if member := workspace.member(files):
        return _plan(files, overrides, images, member)
    try:
        return _plan(files, overrides, images)
    except NothingToStart:
        if plan := _only_program(files, overrides, images):
            return plan
        raise


def _only_program(files: Files, overrides: Overrides, images: BaseImages) -> ImagePlan | None:
    """Of a workspace: the one package that can be started. Raises CannotPlan when several can."""
    plans: dict[str, ImagePlan] = {}
    for member in workspace.members(files):
        with suppress(CannotPlan):
            if plan := _plan(files.below(member.place), overrides, images, member):
                plans[member.place] = plan
    if len(plans) > 1:
        raise CannotPlan(
            f"this is a workspace with several applications: {', '.join(plans)}; set source.git.rootDirectory to one of"
            " them, or describe them in ink.yaml"
        )
    return next(iter(plans.values()), None)


def _plan(files: Files, overrides: Overrides, images: BaseImages, member: UvMember | None = None) -> ImagePlan | None:
    documents = files.first("mkdocs.yml", "mkdocs.yaml")
    requirements = install.requirements_file(files)
    scripts = (path for path in files.with_suffix(".py") if path != "__init__.py")
    why = files.first(*_MANIFESTS) or requirements or documents or next(scripts, None)
    if why is None:
        return None
    if requirements is None:
        formats.check_toml(files, "pyproject.toml")
    script = _inline_metadata(files)
    packages = install.packages(files, script, member)
    home = "" if overrides.start else start.home(files)
    scope = files.below(home) if home else files
    found = _start(scope, overrides, packages, files.read(documents) if documents else None)
    requires = script.get("requires-python")
    above = member.root if member else None
    base, version = interpreter.choose(files, images, requires if isinstance(requires, str) else None, above)
    installation = (
        install.of_member(member, overrides, found.extra_packages)
        if member
        else install.choose(files, overrides, found.extra_packages, script)
    )
    if installation.manager == install.NOTHING and not script and found.note != _MKDOCS:
        _all_packages_named(scope)
    place = f"{member.place}/{home}".rstrip("/") if member else home
    build = overrides.build or found.build or django.collect_static(scope, found.command)
    if build and (folder := (member.place if member else "") if overrides.build else place):
        build = f"cd {folder} && {build}"
    libraries = _libraries(packages, pins.without_wheel(files, base.number[1]))
    plan = ImagePlan(
        pack="Python",
        image=base.build,
        run_image=base.run,
        directory=member.root.place if member else None,
        start=found.command,
        start_why=found.note,
        why=f"the workspace's package {member.place}" if member else why,
        versions=(version,),
        manager=installation.manager,
        build_packages=_flat(build for build, _ in libraries),
        run_packages=_flat(run for _, run in libraries),
        manifests=installation.manifests,
        setup=(Run(f"python -m venv {_VENV}"),),
        install=installation.install,
        build=(*installation.build, *_linked(found, place), *([Run(build, (PIP_CACHE,))] if build else [])),
        build_environment=_environment("build"),
        run_environment=(*_environment("run"), *_import_path(scope, place, found)),
        artifacts=((_VENV, _VENV), ("/app", "/app"), *(((_PACKAGES, _PACKAGES),) if found.package else ())),
        workdir=f"/app/{place}".rstrip("/"),
        port=found.port,
        notes=sources.loopback_note(found.note, scope.read(found.note)),
    )
    if found.note != _MKDOCS:
        return plan
    return sites.served(plan, f"{place}/{_DOCUMENTS}".lstrip("/"), "MkDocs", images)


def _start(scope: Files, overrides: Overrides, packages: frozenset[str], documents: str | None) -> PythonStart:
    """`documents`: the settings of MkDocs, where there are some. Raises NothingToStart."""
    if overrides.start:
        return PythonStart(overrides.start, note="the start command given")
    if found := start.find(scope, packages):
        return found
    if documents is not None:
        return _mkdocs(documents, packages)
    raise NothingToStart(
        "this is Python, but no start command was found: set a start command, add a Procfile with a line"
        " `web: …`, or name the program main.py or app.py"
    )


def _mkdocs(settings: str, packages: frozenset[str]) -> PythonStart:
    """Documents instead of a program. The tools that the settings name are added where no manifest does."""
    wanted = ["mkdocs"] + (["mkdocs-material"] if re.search(r"\bname:\s*[\"']?material\b", settings) else [])
    missing = () if any(name.startswith("mkdocs") for name in packages) else tuple(wanted)
    return PythonStart("mkdocs", missing, _MKDOCS, f"mkdocs build --site-dir {_DOCUMENTS}")


def _inline_metadata(files: Files) -> dict[str, object]:
    """Of the script that is started, where no manifest says what to install."""
    if files.first(*_MANIFESTS) or install.requirements_file(files):
        return {}
    program = start.program(files)
    return install.inline(files.read(program)) if program else {}


def _all_packages_named(files: Files) -> None:
    """Without any manifest nothing is installed: what the program imports then fails at its start."""
    if missing := start.missing_packages(files):
        path, modules = missing
        # of a program further down, its own directory may say it
        kind = NothingToStart if "/" in path else CannotPlan
        conda = files.first("environment.yml", "environment.yaml")
        raise kind(
            f"{ascii(path)[1:-1]} imports {', '.join(modules[:10])}, but no file says which packages to install: add a"
            " requirements.txt that lists them" + (f"; {conda} is for conda, which Ink does not use" if conda else "")
        )


def _libraries(packages: frozenset[str], compiled: list[str]) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Of the system, to build and to run. `compiled`: packages without a wheel for the chosen Python."""
    found = [needs for name, needs in _LIBRARIES.items() if name in packages]
    return found + ([_COMPILER, *(_COMPILED[name] for name in compiled if name in _COMPILED)] if compiled else [])


def _flat(groups: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for group in groups for name in group))


def _linked(found: PythonStart, place: str) -> tuple[Run, ...]:
    """A directory whose modules know it by its name is found by that name."""
    if found.package is None:
        return ()
    return (Run(f"mkdir -p {_PACKAGES} && ln -s {f'/app/{place}'.rstrip('/')} {_PACKAGES}/{found.package}"),)


def _import_path(files: Files, home: str, found: PythonStart) -> tuple[tuple[str, str], ...]:
    if found.package:
        return (("PYTHONPATH", _PACKAGES),)
    root = apps.source_root(files)
    return (("PYTHONPATH", f"/app/{home}/{root}".replace("//", "/")),) if root else ()


def _environment(stage: str) -> tuple[tuple[str, str], ...]:
    shared = (("PATH", f"{_VENV}/bin:$PATH"), ("VIRTUAL_ENV", _VENV), ("PYTHONUNBUFFERED", "1"))
    if stage == "run":
        return (*shared, ("PYTHONDONTWRITEBYTECODE", "1"))
    return (
        *shared,
        ("PIP_DISABLE_PIP_VERSION_CHECK", "1"),
        ("PIP_ROOT_USER_ACTION", "ignore"),
        ("UV_PROJECT_ENVIRONMENT", _VENV),
        ("UV_PYTHON", f"{_VENV}/bin/python"),
        ("UV_LINK_MODE", "copy"),
        ("UV_PYTHON_DOWNLOADS", "never"),
        ("POETRY_VIRTUALENVS_CREATE", "false"),
        ("POETRY_NO_INTERACTION", "1"),
    )
