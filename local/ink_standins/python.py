"""Root filesystems for the stand-ins of Python's public images: Debian's Python, where those images have theirs.

With Python's C headers, as the public images have them: without them no package is compiled.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from ink_artifacts.cache import remove
from ink_artifacts.rootfs import Recipe, compile_python, ensure, run


def finish_python(root: Path) -> None:
    """Make `/usr/local` what it is in the public Python images: python and pip there, packages in site-packages."""
    run(["chroot", str(root), "python3", "-m", "venv", "--system-site-packages", "/usr/local"], "venv")
    version = next((root / "usr/lib").glob("python3.*")).name
    remove(root / "usr/lib" / version / "EXTERNALLY-MANAGED")
    for script in ("activate", "activate.csh", "activate.fish", "Activate.ps1"):
        remove(root / "usr/local/bin" / script)
    for cache in [*root.glob("usr/lib/python3*/**/__pycache__"), *root.glob("usr/local/lib/**/__pycache__")]:
        remove(cache)
    compile_python(root, [f"/usr/lib/{version}", f"/usr/local/lib/{version}"])


def finish_python_313(root: Path) -> None:
    """The same; Dockerfiles written for 3.12 find the folders that they name."""
    finish_python(root)
    (root / "usr/local/lib/python3.12").symlink_to("python3.13")


# "usr-is-merged" says that the tree begins as one: without it Debian installs perl to make it so.
_PACKAGES = ("ca-certificates", "netbase", "python3", "python3-venv", "tzdata", "usr-is-merged")
_SOURCES = (Path(__file__),)

PYTHON_311 = Recipe("python-3.11", "bookworm", _PACKAGES, finish=finish_python, sources=_SOURCES)
PYTHON_313 = Recipe("python-3.13", "trixie", _PACKAGES, finish=finish_python_313, sources=_SOURCES)


def headers(version: str, suite: str) -> Callable[[Path], None]:
    """What puts the headers of `version` into a tree: two folders of a package that brings a compiler along."""
    recipe = Recipe(f"headers-{version}", suite, ("base-passwd", f"libpython{version}-dev"), bare=True)

    def install(root: Path) -> None:
        made = ensure(recipe)
        for folder in ("usr/include", "usr/include/x86_64-linux-gnu"):
            place = f"{folder}/python{version}"
            shutil.copytree(made / place, root / place, dirs_exist_ok=True)

    return install
