"""The plan of a repository that is not built by its own Dockerfile, or a sentence on why there is none."""

from dataclasses import replace

from ink_api.reasons import Reason

from ink_planner import registry
from ink_planner.detection import corrupt, unsupported
from ink_planner.detection.detect import detect
from ink_planner.detection.directories import in_a_directory
from ink_planner.model.base_images import BaseImages
from ink_planner.model.errors import CannotPlan, NothingToStart
from ink_planner.model.files import Files
from ink_planner.model.options import Overrides
from ink_planner.model.plan import ImagePlan
from ink_planner.toolkit import quoting, sites

_SHOWN_NAMES = 15


def choose(files: Files, pack: str, overrides: Overrides, images: BaseImages | None = None) -> ImagePlan:
    """`pack`: Auto, Static or Railpack. Raises CannotPlan."""
    if pack == "Railpack":
        raise CannotPlan("this platform has no Railpack frontend: use pack Auto or Dockerfile", Reason.PACK_UNAVAILABLE)
    images = images or registry.base_images()
    if found := corrupt.sentence(files):
        raise CannotPlan(found)
    try:
        plan = sites.plan(files, overrides, images) if pack == "Static" else _found(files, overrides, images)
    except NothingToStart as error:
        if template := unsupported.template(files):
            raise CannotPlan(template) from error
        raise
    if plan is None:
        raise CannotPlan(unsupported.sentence(files) or _nothing(files))
    return plan if plan.directory is not None else replace(plan, directory=files.place)


def examples() -> str:
    """Names of files by which an application is recognised, for a message."""
    return ", ".join(name for ecosystem in registry.most_common_first() for name in ecosystem.examples)


def _nothing(files: Files) -> str:
    return (
        f"nothing here can be built: {seen(files)}; add a Dockerfile, or one of the files by which Ink recognises"
        f" an application: {examples()}"
    )


def _found(files: Files, overrides: Overrides, images: BaseImages) -> ImagePlan | None:
    unplanned: dict[str, CannotPlan] = {}
    try:
        plan = detect(files, overrides, images) or in_a_directory(files, overrides, images, unplanned)
    except NothingToStart:
        # a manifest at the top may be there for the tools of the whole repository
        if plan := in_a_directory(files, overrides, images, {}):
            return plan
        raise
    if plan is None and len(unplanned) == 1 and not files.place and not unsupported.sentence(files):
        name, error = next(iter(unplanned.items()))
        raise type(error)(f"in {quoting.shown(name)}: {error}")
    return plan


def seen(files: Files) -> str:
    """The names at the top, for a message."""
    names = [quoting.shown(name) for name in files.top()]
    if not names:
        return "the directory is empty"
    more = f" and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else ""
    return f"the files are {', '.join(names[:_SHOWN_NAMES])}{more}"
