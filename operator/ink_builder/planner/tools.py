"""Tools of one ecosystem that another one's build needs."""

from ink_builder.planner.images import Images
from ink_builder.planner.model import Copy, Run, Unavailable


def node_tool(images: Images) -> tuple[Copy, ...]:
    """Node and npm, for assets. Raises Unavailable."""
    base = images.default("node")
    if base is None:
        raise Unavailable("the assets need Node, and this platform has no base image for it: add a Dockerfile")
    return (
        Copy(base.build, "/usr/local/bin/node", "/usr/local/bin/node"),
        Copy(base.build, "/usr/local/lib/node_modules", "/usr/local/lib/node_modules"),
    )


NPM_LINKS = Run(
    "ln -sf ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm"
    " && ln -sf ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx"
)
"""Copied links lead nowhere, so they are made anew."""


def composer_tool(images: Images) -> tuple[Copy, ...]:
    """Composer, one file. Raises Unavailable."""
    base = images.default("composer")
    if base is None:
        raise Unavailable("the packages need Composer, and this platform has no image with it: add a Dockerfile")
    return (Copy(base.build, "/usr/bin/composer", "/usr/local/bin/composer"),)
