"""Tools and caches of one ecosystem that another one's build needs."""

from ink_planner.model.base_images import BaseImages
from ink_planner.model.errors import NoBaseImage
from ink_planner.model.plan import Copy, Run

NPM_CACHE = "/root/.npm"
PIP_CACHE = "/root/.cache/pip"


def node_tool(images: BaseImages) -> tuple[Copy, ...]:
    """Node and npm, for assets. Raises NoBaseImage."""
    base = images.default("node")
    if base is None:
        raise NoBaseImage("the assets need Node, and this platform has no base image for it: add a Dockerfile")
    return (
        Copy(base.build, "/usr/local/bin/node", "/usr/local/bin/node"),
        Copy(base.build, "/usr/local/lib/node_modules", "/usr/local/lib/node_modules"),
    )


NPM_LINKS = Run(
    "ln -sf ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm"
    " && ln -sf ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx"
)
"""Copied links lead nowhere, so they are created again."""


def composer_tool(images: BaseImages) -> tuple[Copy, ...]:
    """Composer, one file. Raises NoBaseImage."""
    base = images.default("composer")
    if base is None:
        raise NoBaseImage("the packages need Composer, and this platform has no image for it: add a Dockerfile")
    return (Copy(base.build, "/usr/bin/composer", "/usr/local/bin/composer"),)
