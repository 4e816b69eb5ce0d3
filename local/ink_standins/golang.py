"""The Go toolchain for the stand-in of `golang`: the machine's own, which compiles the cluster's programs too."""

from __future__ import annotations

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path

_LEFT_OUT = ("test", "doc", "api", "misc")


@cache
def toolchain() -> tuple[Path, str] | None:
    """Where it lies and its version, such as 1.26.8; None without one."""
    if shutil.which("go") is None:
        return None
    argv = ["go", "env", "-json", "GOROOT", "GOVERSION"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd="/")
    if done.returncode != 0:
        return None
    found: dict[str, str] = json.loads(done.stdout)
    return Path(found["GOROOT"]), found["GOVERSION"].removeprefix("go").partition("-")[0]


def minor() -> str:
    """`1.26`; empty without a toolchain."""
    found = toolchain()
    return ".".join(found[1].split(".")[:2]) if found else ""


def install(root: Path) -> None:
    """Put it where the public image has it, `go` on the usual path beside it."""
    found = toolchain()
    if found is None:
        return
    shutil.copytree(
        found[0],
        root / "usr/local/go",
        symlinks=True,
        ignore=lambda folder, names: [n for n in names if n in _LEFT_OUT and Path(folder) == found[0]],
    )
    for program in ("go", "gofmt"):
        (root / "usr/local/bin" / program).symlink_to(f"../go/bin/{program}")
    (root / "go").mkdir()
