"""Which pack a repository needs."""

from collections.abc import Callable
from dataclasses import replace

from ink_api.reasons import Reason

from ink_builder.errors import BuildError
from ink_builder.planner import (
    common,
    damage,
    deno,
    dotnet,
    elixir,
    foreign,
    go,
    hugo,
    java,
    node,
    php,
    python,
    ruby,
    rust,
    static,
    versions,
)
from ink_builder.planner.files import Files
from ink_builder.planner.images import Images
from ink_builder.planner.model import (
    CannotPlan,
    MissingFile,
    MissingPackage,
    MissingProgram,
    NothingToStart,
    Overrides,
    Plan,
    StaleLock,
    Unavailable,
    Unsatisfiable,
)

Provider = Callable[[Files, Overrides, Images], Plan | None]
PROVIDERS: tuple[Provider, ...] = (
    static.detect, hugo.detect, elixir.detect, php.detect, ruby.detect, java.detect, dotnet.detect, rust.detect,
    go.detect, deno.detect, node.detect, python.detect,
)  # fmt: skip
"""In this order: languages whose repositories often hold another one's manifest, for their assets, come first."""

_EXPECTED = (
    "a Dockerfile, index.html (static site), or what the language's own tools read: package.json, deno.json,"
    " requirements.txt, pyproject.toml, main.py, go.mod, Cargo.toml, pom.xml, build.gradle, Gemfile, composer.json,"
    " mix.exs, a .csproj, hugo.toml, mkdocs.yml"
)
_SHOWN_NAMES = 15
_SHOWN_DIRECTORIES = 8
_MOST_DIRECTORIES = 40
_MOST_LEFT = 3
_FOR_BUILDS = frozenset({"build", "ci"})
_NOT_APPLICATIONS = frozenset(
    {
        "docs", "doc", "test", "tests", "e2e", "cypress", "examples", "example", "scripts", "vendor", "tools", "hooks",
        "docker", "deploy", "deployment", "infra", "terraform", "k8s", "helm", "charts", "bench", "benchmarks",
        "templates", "layouts", "views", "themes",
    }
)  # fmt: skip


def detect(files: Files, overrides: Overrides, images: Images | None = None) -> Plan | None:
    """The plan for what is recognised, else None. Raises CannotPlan when it is recognised and something is missing.

    An ecosystem that is there but starts nothing gives way to the next one.
    """
    images = images or Images()
    missing: list[NothingToStart] = []
    # manage.py is Django's, whatever builds its assets
    order = (python.detect, *PROVIDERS) if "manage.py" in files else PROVIDERS
    for provider in order:
        try:
            plan = provider(files, overrides, images)
        except NothingToStart as error:
            missing.append(error)
            continue
        if plan is not None:
            return plan
    if missing:
        raise missing[0]
    return None


def choose(files: Files, pack: str, overrides: Overrides, images: Images | None = None) -> Plan:
    """The plan for a repository that is not built by its own Dockerfile. Raises BuildError (PackNotDetected, …)."""
    if pack == "Railpack":
        raise BuildError(Reason.PACK_UNAVAILABLE, "this platform has no Railpack frontend: use pack Auto or Dockerfile")
    images = images or Images()
    if found := damage.sentence(files):
        raise BuildError(Reason.PACK_NOT_DETECTED, found)
    try:
        plan = static.plan(files, overrides, images) if pack == "Static" else _found(files, overrides, images)
    except Unavailable as error:
        raise BuildError(Reason.PACK_UNAVAILABLE, str(error)) from error
    except Unsatisfiable as error:
        raise BuildError(Reason.VERSION_MISMATCH, str(error)) from error
    except StaleLock as error:
        raise BuildError(Reason.LOCK_FILE_OUTDATED, str(error)) from error
    except MissingFile as error:
        raise BuildError(Reason.FILE_NOT_FOUND, str(error)) from error
    except MissingPackage as error:
        raise BuildError(Reason.DEPENDENCY_NOT_FOUND, str(error)) from error
    except MissingProgram as error:
        raise BuildError(Reason.COMMAND_NOT_FOUND, str(error)) from error
    except NothingToStart as error:
        raise BuildError(Reason.PACK_NOT_DETECTED, foreign.unmade(files) or str(error)) from error
    except CannotPlan as error:
        raise BuildError(Reason.PACK_NOT_DETECTED, str(error)) from error
    if plan is None:
        raise BuildError(Reason.PACK_NOT_DETECTED, f"{foreign.known(files) or _nothing(files)}")
    return plan if plan.directory is not None else replace(plan, directory=files.place)


def _nothing(files: Files) -> str:
    return f"nothing here can be built: {seen(files)}; add {_EXPECTED}"


def _found(files: Files, overrides: Overrides, images: Images) -> Plan | None:
    unplanned: dict[str, CannotPlan] = {}
    try:
        plan = detect(files, overrides, images) or _in_a_directory(files, overrides, images, unplanned)
    except NothingToStart:
        # a manifest at the top may be there for the tools of the whole repository
        if plan := _in_a_directory(files, overrides, images, {}):
            return plan
        raise
    if plan is None and len(unplanned) == 1 and not files.place and not foreign.known(files):
        name, error = next(iter(unplanned.items()))
        raise type(error)(f"in {versions.shown(name)}: {error}")
    return plan


def _in_a_directory(
    files: Files, overrides: Overrides, images: Images, unplanned: dict[str, CannotPlan]
) -> Plan | None:
    """The plan of the one directory that holds an application. Raises NothingToStart when several do.

    `unplanned` receives those that hold one in which something is missing.
    """
    near = _candidates(files)
    plans = _plans(files, near, overrides, images, unplanned)
    if not plans and not unplanned:
        plans = {
            name: plan
            for name, plan in _plans(files, _deeper(files, near), overrides, images, {}).items()
            if plan.pack not in {"Static", "Dockerfile"} or _manifest(files.below(name), overrides, images)
        }
    if len(plans) > 1:
        shown = [f"{versions.shown(name)} ({plan.pack})" for name, plan in plans.items()]
        more = [f"{len(shown) - _SHOWN_DIRECTORIES} more"] if len(shown) > _SHOWN_DIRECTORIES else []
        listed = ", ".join([*shown[:_SHOWN_DIRECTORIES], *more])
        raise NothingToStart(
            f"there are several applications: {listed}; set source.git.rootDirectory to one of them, or describe them"
            " in ink.yaml"
        )
    if not plans or files.place:
        return None
    name, plan = next(iter(plans.items()))
    left = [f"{versions.shown(other)} is left out: {error}" for other, error in list(unplanned.items())[:_MOST_LEFT]]
    notes = (*plan.notes, f"the application lies in {name}", *left)
    return replace(plan, directory=name if plan.directory is None else plan.directory, notes=notes)


def _plans(
    files: Files, names: list[str], overrides: Overrides, images: Images, unplanned: dict[str, CannotPlan]
) -> dict[str, Plan]:
    """Directory -> plan, of those that hold an application."""
    plans: dict[str, Plan] = {}
    for name in names:
        inside = files.below(name)
        try:
            found = _own_dockerfile(name, inside) or detect(inside, overrides, images)
        except NothingToStart:
            continue
        except CannotPlan as error:
            unplanned[name] = error
            continue
        if found is not None:
            plans[name] = found
    return plans


def _deeper(files: Files, near: list[str]) -> list[str]:
    """What lies one directory further down: `apps/web`, `code/server`."""
    found = [f"{name}/{inside}" for name in near for inside in _candidates(files.below(name))]
    return [name for name in found if common.plain(name)][:_MOST_DIRECTORIES]


def _manifest(files: Files, overrides: Overrides, images: Images) -> bool:
    """Whether a language's own manifest is there: a page or a Dockerfile so far down need not be an application."""
    try:
        found = detect(files, overrides, images)
    except CannotPlan:
        return False
    return found is not None and found.pack != "Static"


def _own_dockerfile(name: str, files: Files) -> Plan | None:
    """What stands for a directory that says itself how it is built; one for builds alone holds what builds another."""
    path = files.first("Dockerfile", "dockerfile") if name not in _FOR_BUILDS else None
    return Plan(pack="Dockerfile", image="", run_image="", start="", why=path) if path else None


def _candidates(files: Files) -> list[str]:
    names = [name.rstrip("/") for name in files.top() if name.endswith("/") and not name.startswith(".")]
    kept = [name for name in names if name not in _NOT_APPLICATIONS and "{" not in name and not versions.odd(name)]
    return kept[:_MOST_DIRECTORIES]


def seen(files: Files) -> str:
    """The names at the top, for a message."""
    names = [versions.shown(name) for name in files.top()]
    if not names:
        return "the directory is empty"
    more = f" and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else ""
    return f"the files are {', '.join(names[:_SHOWN_NAMES])}{more}"
