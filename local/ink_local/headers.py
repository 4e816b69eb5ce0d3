"""Python's C headers for the stand-ins of its public images, which have them: without them no package is compiled."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from ink_local.rootfs import Recipe, ensure


def of(version: str, suite: str) -> Callable[[Path], None]:
    """What puts the headers of `version` into a tree: two folders of a package that brings a compiler along."""
    recipe = Recipe(f"headers-{version}", suite, ("base-passwd", f"libpython{version}-dev"), bare=True)

    def install(root: Path) -> None:
        made = ensure(recipe)
        for folder in ("usr/include", "usr/include/x86_64-linux-gnu"):
            place = f"{folder}/python{version}"
            shutil.copytree(made / place, root / place, dirs_exist_ok=True)

    return install
