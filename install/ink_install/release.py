"""The chart as a Helm release: installing or upgrading it, and what keeps its pods from becoming ready meanwhile."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ink_artifacts.errors import SetupError
from ink_artifacts.progress import ProgressPrinter

from ink_install.tools import Tools

CHART = Path(__file__).resolve().parents[2] / "charts" / "ink"
HELM_PATIENCE = "300s"
CHECK_SECONDS = 10
_STARTING = ("ContainerCreating", "PodInitializing")


@dataclass(frozen=True)
class HelmRelease:
    """A Helm release's name and namespace."""

    name: str
    namespace: str

    def owns(self, found: Mapping[str, Any]) -> bool:
        """Whether Helm installed the object as part of this release."""
        annotations = found["metadata"].get("annotations") or {}
        return (annotations.get("meta.helm.sh/release-name"), annotations.get("meta.helm.sh/release-namespace")) == (
            self.name,
            self.namespace,
        )


RELEASE = HelmRelease("ink", "ink")


def install(tool: Tools, release: HelmRelease, arguments: Sequence[str], progress: ProgressPrinter) -> None:
    """Install or upgrade, and wait until everything is ready. Raises SetupError that names what is not."""
    where = ["--namespace", release.namespace, "--create-namespace", "--wait", "--timeout", HELM_PATIENCE]
    over = threading.Event()
    with progress.step(f"helm upgrade --install {release.name}", "installed"), ThreadPoolExecutor(1) as pool:
        pool.submit(_report_unready, tool, progress, over)
        try:
            done = tool.attempt(
                tool.helm, "upgrade", "--install", release.name, str(CHART), *where, *arguments, timeout=900
            )
        finally:
            over.set()
        if done.returncode != 0:
            raise SetupError(
                "helm could not install the chart",
                seen="; ".join(unready(tool)) or done.stderr.strip()[-1500:],
                remedy="read `kubectl get pods -A` and `kubectl get events -A`, fix the cause, then run this again",
            )


def _report_unready(tool: Tools, progress: ProgressPrinter, over: threading.Event) -> None:
    """Until `over`: report once what keeps a pod from becoming ready, long before helm gives up."""
    reported: set[str] = set()
    last: set[str] = set()
    while not over.wait(CHECK_SECONDS):
        with contextlib.suppress(SetupError, subprocess.TimeoutExpired):
            now = {" ".join(line.split()[:2]): line for line in unready(tool)}
            for key in sorted(last & now.keys() - reported):
                progress.say(f"    {now[key]}")
                reported.add(key)
            last = set(now)


def unready(tool: Tools) -> list[str]:
    """For each pod of Ink's that is not ready: why, as the kubelet or the scheduler says it."""
    lines = []
    for pod in tool.items("pods", "--all-namespaces", "--selector", "app.kubernetes.io/part-of=ink"):
        name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
        waiting = [
            container["state"]["waiting"]
            for container in pod["status"].get("containerStatuses", [])
            if container.get("state", {}).get("waiting", {}).get("reason") not in (None, *_STARTING)
        ]
        unscheduled = [
            condition
            for condition in pod["status"].get("conditions", [])
            if condition["type"] == "PodScheduled" and condition["status"] != "True"
        ]
        lines += [f"{name}: {one.get('reason', '')} {one.get('message', '')[:300]}" for one in [*waiting, *unscheduled]]
    return lines
