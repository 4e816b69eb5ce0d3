"""The cluster's directory in each cgroup hierarchy: pods below `kubepods`, the node's own daemons below `system`."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path

from ink_artifacts.errors import SetupError

NEEDED = frozenset({"cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids"})
_ROOT = Path("/sys/fs/cgroup")
_V2_CONTROLLERS = ("cpu", "cpuset", "io", "memory", "pids")


@dataclass(frozen=True)
class Layout:
    """`hierarchies`: the mount points that take a directory of ours; `unified`: one cgroup v2 tree."""

    hierarchies: tuple[Path, ...]
    unified: bool


def layout_of(mounts: str) -> Layout:
    """Read /proc/mounts' text. Raises SetupError when no layout that kubelet can use is mounted."""
    rows = [line.split() for line in mounts.splitlines()]
    at = [
        (Path(row[1]), row[2], set(row[3].split(","))) for row in rows if len(row) > 3 and row[2].startswith("cgroup")
    ]
    first = tuple(sorted({path for path, kind, _ in at if kind == "cgroup"}))
    controllers = set[str]().union(*(options for _, kind, options in at if kind == "cgroup"))
    if first and controllers >= NEEDED:
        return Layout(first, unified=False)
    if not first and any(kind == "cgroup2" and path == _ROOT for path, kind, _ in at):
        return Layout((_ROOT,), unified=True)
    missing = ", ".join(sorted(NEEDED - controllers))
    raise SetupError(
        "the cgroup file systems cannot hold a node",
        seen=f"cgroup v1 without {missing}" if first else "neither cgroup v1 nor cgroup v2 at /sys/fs/cgroup",
        remedy="mount cgroup v2 at /sys/fs/cgroup, or every cgroup v1 controller below it, then run this again",
    )


def layout() -> Layout:
    return layout_of(Path("/proc/mounts").read_text())


def create(name: str, found: Layout) -> None:
    """Make the directories, with the cpus and memory nodes a cgroup v1 cpuset wants before it takes a process."""
    for hierarchy in found.hierarchies:
        if found.unified:
            _enable(hierarchy)
        for directory in (hierarchy / name, hierarchy / name / "system"):
            directory.mkdir(exist_ok=True)
            for setting in ("cpuset.cpus", "cpuset.mems"):
                file, above = directory / setting, directory.parent / setting
                if not found.unified and file.exists() and not file.read_text().strip():
                    file.write_text(above.read_text())
        if found.unified:
            _enable(hierarchy / name)


def _enable(directory: Path) -> None:
    have = (directory / "cgroup.controllers").read_text().split()
    (directory / "cgroup.subtree_control").write_text(" ".join(f"+{c}" for c in _V2_CONTROLLERS if c in have))


def procs_files(name: str, found: Layout) -> list[Path]:
    """The files through which a process joins the node's daemons."""
    return [hierarchy / name / "system" / "cgroup.procs" for hierarchy in found.hierarchies]


def remove(name: str, *, wait_seconds: float = 5.0) -> list[Path]:
    """Remove every directory of this name, deepest first; returns those the kernel did not let go in time."""
    deadline = time.monotonic() + wait_seconds
    roots = [path / name for path in _mounts()]
    while True:
        left = [root for root in roots if not _remove_tree(root)]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.05)


def _mounts() -> list[Path]:
    rows = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    return sorted({Path(row[1]) for row in rows if row[2].startswith("cgroup")})


def _remove_tree(root: Path) -> bool:
    for directory, _, _ in os.walk(root, topdown=False):
        with contextlib.suppress(OSError):
            Path(directory).rmdir()
    return not root.exists()
