"""The operator as a process of the test, and what it talks to when there is no node: an application and a kubelet."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
from support.cluster.control_plane import ROOT
from support.cluster.kube_api import Json, KubeApi, Refused
from support.played.answering import Answering, QuietHandler

SHORT = {
    "INK_LEASE_SECONDS": "3",
    "INK_POLL_SECONDS": "5",
    "INK_ROUTE_SETTLE_SECONDS": "0",
    "INK_CLEANUP_DEADLINE_SECONDS": "2",
    "INK_WATCH": "managed",
    "INK_LOG_LEVEL": "INFO",
}


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class OperatorProcess:
    """`python -m ink_operator` with a kubeconfig; may be started again after it ended."""

    def __init__(self, kubeconfig: Path, log: Path, **settings: str) -> None:
        paths = [str(ROOT / part) for part in ("crds", "operator", "mcp_gateway")]
        self._env = {
            **os.environ,
            "PYTHONPATH": ":".join(paths),
            "KUBECONFIG": str(kubeconfig),
            "INK_LISTEN_PORT": str(free_port()),
            **SHORT,
            **settings,
        }
        self.log = log
        self.bury: Callable[[], None] = lambda: None
        """Called before one that died is started again."""
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ink_operator"], cwd=ROOT, env=self._env, stdout=out, stderr=subprocess.STDOUT
            )

    def ensure(self) -> None:
        """Start it again if it has ended, as the kubelet would."""
        if not self.is_running:
            self.bury()
            self.start()

    def kill(self) -> None:
        """SIGKILL: nothing of it runs any more when this returns."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(timeout=10)

    def stop(self) -> None:
        """SIGTERM, as the kubelet ends a pod: the lease is given back."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(timeout=10)

    def end(self) -> None:
        """Stop it, and make sure, whatever state it is in."""
        if self.is_running:
            self.resume()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.stop()
        if self.is_running:
            self.kill()

    def pause(self) -> None:
        """SIGSTOP: it stands still with all that it was about to do."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    @property
    def metrics(self) -> str:
        """What Prometheus would read; nothing while nobody answers."""
        url = f"http://127.0.0.1:{self._env['INK_LISTEN_PORT']}/metrics"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                text: str = answer.read().decode()
        except OSError:
            return ""
        return text

    def metric(self, name: str, label: str = "") -> float:
        """Sum of a metric over its labels, or those with `label`; 0 while nobody answers."""
        lines = self.metrics.splitlines()
        found = (line.rpartition(" ") for line in lines if re.match(rf"{name}[{{ ]", line) and label in line)
        return sum(float(value) for _, _, value in found)

    @property
    def resident_mib(self) -> tuple[float, float]:
        """Resident memory now, and the most there ever was."""
        assert self._process is not None
        text = Path(f"/proc/{self._process.pid}/status").read_text()
        now, most = (int(text.split(f"{name}:")[1].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
        return now, most

    @property
    def cpu_seconds(self) -> float:
        assert self._process is not None
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def tail(self, lines: int = 60) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


COMMIT = "c" * 40
SILENT = "silent"
PLAYED_ELSEWHERE = "played-elsewhere"
"""Image of containers that this kubelet leaves to others."""
VERDICT = {"ok": True, "digest": "sha256:" + "d" * 64, "pack": "Dockerfile", "ports": [8080]}


class AnsweringApp(Answering):
    """Stands where the operator's neighbours would: every host answers 200, as applications do; the resolver knows one
    commit; the registry has no image. What is asked about a repository or an image whose name has SILENT in it gets
    no answer.
    """

    class _Handler(QuietHandler):
        server: AnsweringApp

        def do_GET(self) -> None:
            if SILENT in self.path:
                self._keep_silent()
            else:
                self.say(404 if self.path.startswith("/v2/") else 200, b"ok\n")

        def do_POST(self) -> None:
            asked = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if SILENT.encode() in asked:
                self._keep_silent()
            else:
                self.say(200, json.dumps({"commit": COMMIT}).encode())

        def _keep_silent(self) -> None:
            self.server.over.wait()
            self.close_connection = True

    def __init__(self) -> None:
        self.over = threading.Event()
        super().__init__(self._Handler)

    def shutdown(self) -> None:
        self.over.set()
        super().shutdown()


class PlayedKubelet:
    """Says of every pod of a service that it runs and is ready, as the kubelet of a node would; a build succeeds.

    A release command ends as it says itself (`exit <code> <words>`); any other runs on.
    """

    def __init__(self, api: KubeApi) -> None:
        self._api = api
        self._over = threading.Event()
        self._awake = threading.Event()
        self._awake.set()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @contextlib.contextmanager
    def asleep(self) -> Iterator[None]:
        """Pods that are made meanwhile wait for a node."""
        self._awake.clear()
        try:
            yield
        finally:
            self._awake.set()

    def stop(self) -> None:
        self._over.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        while not self._over.wait(0.2):
            if not self._awake.is_set():
                continue
            with contextlib.suppress(Refused, OSError, httpx.HTTPError):
                for pod in self._api.get("/api/v1/pods?labelSelector=ml.ink/service")["items"]:
                    if pod["status"].get("phase") == "Pending" and "deletionTimestamp" not in pod["metadata"]:
                        containers = pod["spec"]["containers"]
                        if containers[0]["image"] == PLAYED_ELSEWHERE:
                            continue
                        plays = {"build": succeeded, "release": released}
                        status = plays.get(pod["metadata"]["labels"]["ml.ink/component"], running)(containers)
                        path = "/api/v1/namespaces/{namespace}/pods/{name}/status".format(**pod["metadata"])
                        self._api.merge(path, {"status": status})


def running(containers: list[Json]) -> Json:
    """The status of a pod that runs and is ready."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    kinds = ("PodScheduled", "Initialized", "ContainersReady", "Ready")
    return {
        "phase": "Running",
        "startTime": now,
        "podIP": "10.0.0.9",
        "podIPs": [{"ip": "10.0.0.9"}],
        "conditions": [{"type": kind, "status": "True", "lastTransitionTime": now} for kind in kinds],
        "containerStatuses": [
            {**container_status(one), "ready": True, "started": True, "state": {"running": {"startedAt": now}}}
            for one in containers
        ],
    }


def succeeded(containers: list[Json]) -> Json:
    """The status of a build's pod that has given its verdict."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    ended = {"exitCode": 0, "reason": "Completed", "message": json.dumps(VERDICT), "finishedAt": now, "startedAt": now}
    return {
        "phase": "Succeeded",
        "startTime": now,
        "containerStatuses": [
            {**container_status(one), "ready": False, "state": {"terminated": ended}} for one in containers
        ],
    }


def released(containers: list[Json]) -> Json:
    """The status of a release command's pod that has ended."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    (container,) = containers
    if container["command"][0] != "exit":
        return running(containers)
    _, code, *words = container["command"]
    ended = {"exitCode": int(code), "message": " ".join(words), "finishedAt": now, "startedAt": now}
    return {
        "phase": "Failed" if int(code) else "Succeeded",
        "startTime": now,
        "containerStatuses": [{**container_status(container), "ready": False, "state": {"terminated": ended}}],
    }


def container_status(container: Json) -> Json:
    return {"name": container["name"], "image": container["image"], "imageID": "", "restartCount": 0}
