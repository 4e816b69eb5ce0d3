"""The one directory of a repository that holds an application, where the top holds none."""

from dataclasses import replace

from ink_planner.detection.detect import detect
from ink_planner.model.base_images import BaseImages
from ink_planner.model.errors import CannotPlan, NothingToStart
from ink_planner.model.files import Files
from ink_planner.model.options import Overrides
from ink_planner.model.plan import ImagePlan
from ink_planner.toolkit import quoting

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


def in_a_directory(
    files: Files, overrides: Overrides, images: BaseImages, unplanned: dict[str, CannotPlan]
) -> ImagePlan | None:
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
        shown = [f"{quoting.shown(name)} ({plan.pack})" for name, plan in plans.items()]
        more = [f"{len(shown) - _SHOWN_DIRECTORIES} more"] if len(shown) > _SHOWN_DIRECTORIES else []
        listed = ", ".join([*shown[:_SHOWN_DIRECTORIES], *more])
        raise NothingToStart(
            f"there are several applications: {listed}; set source.git.rootDirectory to one of them, or describe them"
            " in ink.yaml"
        )
    if not plans or files.place:
        return None
    name, plan = next(iter(plans.items()))
    left = [f"{quoting.shown(other)} is skipped: {error}" for other, error in list(unplanned.items())[:_MOST_LEFT]]
    notes = (*plan.notes, f"the application is in {name}", *left)
    return replace(plan, directory=name if plan.directory is None else plan.directory, notes=notes)


def _plans(
    files: Files, names: list[str], overrides: Overrides, images: BaseImages, unplanned: dict[str, CannotPlan]
) -> dict[str, ImagePlan]:
    """Directory -> plan, of those that hold an application."""
    plans: dict[str, ImagePlan] = {}
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
    return [name for name in found if quoting.is_plain(name)][:_MOST_DIRECTORIES]


def _manifest(files: Files, overrides: Overrides, images: BaseImages) -> bool:
    """Whether a language's own manifest is there: a page or a Dockerfile so far down need not be an application."""
    try:
        found = detect(files, overrides, images)
    except CannotPlan:
        return False
    return found is not None and found.pack != "Static"


def _own_dockerfile(name: str, files: Files) -> ImagePlan | None:
    """What stands for a directory that says itself how it is built; one for builds alone holds what builds another."""
    path = files.first("Dockerfile", "dockerfile") if name not in _FOR_BUILDS else None
    return ImagePlan(pack="Dockerfile", image="", run_image="", start="", why=path) if path else None


def _candidates(files: Files) -> list[str]:
    names = [name.rstrip("/") for name in files.top() if name.endswith("/") and not name.startswith(".")]
    kept = [name for name in names if name not in _NOT_APPLICATIONS and "{" not in name and not quoting.is_odd(name)]
    return kept[:_MOST_DIRECTORIES]
