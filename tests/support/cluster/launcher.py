"""The launcher's command line, and the machine as it is: for tests that boot real nodes."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ink_local.machine import proc
from ink_local.machine.ledger import RUN, SYSCTLS
from support.building.daemons import SMALL_DISK

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Launcher:
    """The command line of the launcher for one cluster."""

    name: str

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Run it without waiting."""
        return subprocess.Popen(
            [sys.executable, "-m", "ink_local", arguments[0], "--name", self.name, *arguments[1:]],
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'install'}:{ROOT / 'local'}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, standard output and standard error."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=400)
        return process.returncode, out, err

    def must(self, *arguments: str) -> str:
        """Standard output of a run that has to succeed."""
        code, out, err = self.run(*arguments)
        assert code == 0, f"{arguments}: {err}"
        return out

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run("status", "--json")[1])
        return found


OTHER_CLUSTER = re.compile(r"\bink-?\d")
"""Interfaces, tables and control groups of local clusters are named by their index."""


def of_machine() -> dict[str, list[str]]:
    """The machine without any cluster's own: what `down` must leave exactly as it was.

    The settings and directories that clusters share count only while no cluster is up.
    """
    others = (RUN / "machine.json").exists()
    settings = [f"{name}={Path('/proc/sys', name).read_text().strip()}" for name in SYSCTLS]
    return {
        "others": ["some"] if others else [],
        "interfaces": without_clusters(lines("ip", "-br", "link")),
        "addresses": without_clusters(lines("ip", "-4", "-br", "address")),
        "routes": without_clusters(lines("ip", "-4", "route", "show", "table", "all")),
        "rules": lines("ip", "rule"),
        "tables": without_clusters(lines("nft", "list", "tables")),
        "mounts": mounts(),
        "directories": [p for p in MOUNT_POINTS if Path(p).exists()] if not others else [],
        "settings": settings if not others else [],
        "namespaces": sorted(p.name for p in Path("/run/netns").iterdir()) if Path("/run/netns").exists() else [],
    }


def traces_of(name: str, index: int) -> dict[str, list[str]]:
    """Everything of one cluster on the machine; all lists are empty when it has gone."""
    own = re.compile(rf"\bink-?{index}\b")
    return {
        "interfaces": [line for line in lines("ip", "-br", "link") if own.search(line)],
        "routes": [line for line in lines("ip", "-4", "route", "show", "table", "all") if own.search(line)],
        "tables": [line for line in lines("nft", "list", "tables") if own.search(line)],
        "control groups": [path for path in control_groups() if path.endswith(f"/ink-{index}-{name}")],
        "processes": processes_of(name),
    }


def mounts() -> list[str]:
    """Mount points, but for the small disks that other tests mount meanwhile."""
    rows = [row.split() for row in Path("/proc/self/mountinfo").read_text().splitlines()]
    return sorted(row[4] for row in rows if SMALL_DISK not in row[row.index("-") :])


def without_clusters(found: list[str]) -> list[str]:
    return [line for line in found if not OTHER_CLUSTER.search(line)]


MOUNT_POINTS = (
    "/var/lib/kubelet",
    "/var/lib/containerd",
    "/var/lib/cni",
    "/etc/cni",
    "/var/log/pods",
    "/run/containerd",
)


def lines(*command: str) -> list[str]:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return sorted(line.strip() for line in done.stdout.splitlines())


def control_groups() -> list[str]:
    roots = [p for p in Path("/sys/fs/cgroup").iterdir() if p.is_dir() and not p.is_symlink()]
    return sorted(str(p) for root in roots for p in root.iterdir() if p.is_dir())


def processes_of(name: str) -> list[str]:
    """Command lines of live processes that name the cluster's directory or carry its holder's mark."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            command = proc.command_of(int(entry.name))
            component = proc.component_of(int(entry.name)) or ""
            if f"/{name}/" in " ".join(command) or component.endswith(f"/{name}"):
                found.append(" ".join(command)[:200])
    return found
