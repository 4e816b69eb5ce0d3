"""`build`: everything that a local cluster and Ink are made of, into the cache."""

from __future__ import annotations

from collections.abc import Iterable

from ink_artifacts import go_programs, own_images, packages
from ink_artifacts.components import COMPONENTS, ON_REQUEST
from ink_artifacts.progress import ProgressPrinter
from ink_standins.images import bases_of_own_images

from ink_local.node import images

IMAGES = "images"
CHOICES = (*COMPONENTS, IMAGES)


def build(only: Iterable[str], progress: ProgressPrinter) -> None:
    """Build what the cache lacks of `only`, or of everything that is not built on request alone."""
    names = list(only) or [name for name in CHOICES if name not in ON_REQUEST]
    if IMAGES in names:
        packages.ensure(progress)
    go_programs.ensure([name for name in names if name in COMPONENTS], progress)
    if IMAGES in names:
        images.ensure(progress)
        own_images.ensure(bases_of_own_images(progress), progress)
