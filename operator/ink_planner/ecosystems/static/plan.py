"""Recognises a site of plain files; toolkit/sites.py plans it."""

from ink_planner.model.base_images import BaseImages
from ink_planner.model.ecosystem import Signs
from ink_planner.model.files import Files
from ink_planner.model.options import Overrides
from ink_planner.model.plan import ImagePlan
from ink_planner.toolkit import sites

_PAPERS = ("LICENSE", "LICENCE", "COPYING", "README", "CNAME")


def belongs_to_another(files: Files, others: Signs) -> bool:
    """A page beside a program is a part of that program."""
    return others.are_in(files) or _is_template(files)


def detect(files: Files, overrides: Overrides, images: BaseImages) -> ImagePlan | None:
    """An index.html at the top, or in the only directory there is."""
    directories = [name for name in files.top() if name.endswith("/") and not name.startswith(".")]
    plain = all(name.endswith(("/", ".md", ".txt")) or name.startswith(".") or name in _PAPERS for name in files.top())
    alone = plain and directories in [[f"{name}/"] for name in sites.OUTPUTS]
    if "index.html" in files or (alone and f"{directories[0]}index.html" in files):
        return sites.plan(files, overrides, images)
    return None


def _is_template(files: Files) -> bool:
    """Whether the page is only a part, from which Jekyll makes the page."""
    return "_config.yml" in files and files.read("index.html").startswith("---")
