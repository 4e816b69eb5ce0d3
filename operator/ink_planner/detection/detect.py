"""Which ecosystem a repository, or one directory of it, belongs to."""

from ink_planner import registry
from ink_planner.model.base_images import BaseImages
from ink_planner.model.errors import NothingToStart
from ink_planner.model.files import Files
from ink_planner.model.options import Overrides
from ink_planner.model.plan import ImagePlan


def detect(files: Files, overrides: Overrides, images: BaseImages | None = None) -> ImagePlan | None:
    """The plan for what is recognised, else None. Raises CannotPlan when it is recognised and something is missing.

    An ecosystem that is there but starts nothing gives way to the next one.
    """
    images = images or registry.base_images()
    missing: list[NothingToStart] = []
    for ecosystem in registry.in_order(files):
        if ecosystem.gives_way(files, registry.others(ecosystem)):
            continue
        try:
            plan = ecosystem.detect(files, overrides, images)
        except NothingToStart as error:
            missing.append(error)
            continue
        if plan is not None:
            return plan
    if missing:
        raise missing[0]
    return None
