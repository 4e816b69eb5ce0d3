"""Ending a container's process from the machine, as a crash does: no signal handler runs, nothing is tidied up."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

from support.cluster.kubectl import Json, Kubectl


def container_processes(container_id: str) -> list[int]:
    """Machine pids in the control group of a container (`containerd://<id>` or the id)."""
    wanted = container_id.rpartition("/")[2]
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if wanted in (entry / "cgroup").read_text():
                    found.append(int(entry.name))
    return found


def kill_containers(pods: list[Json]) -> int:
    """SIGKILL to every process of the pods' running containers; returns how many there were."""
    killed = 0
    for pod in pods:
        for container in pod["status"].get("containerStatuses", []):
            if "running" not in container["state"]:
                continue
            for pid in container_processes(container["containerID"]):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    killed += 1
    return killed


def crash(kubectl: Kubectl, namespace: str, selector: str) -> int:
    """Crash the pods of a selector at once; returns the number of processes that ended."""
    return kill_containers(kubectl.list("pods", namespace, selector))
