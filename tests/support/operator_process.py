"""The operator as a process of the test, and what it talks to when there is no node: an application and a kubelet."""

from __future__ import annotations

import contextlib
import http.server
import os
import signal
import socket
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

from support.control_plane import ROOT
from support.kube_api import Json, KubeApi, Refused

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
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ink_operator"], cwd=ROOT, env=self._env, stdout=out, stderr=subprocess.STDOUT
            )

    def ensure(self) -> None:
        """Start it again if it has ended, as the kubelet would."""
        if not self.is_running:
            self.start()

    def kill(self) -> None:
        """SIGKILL: nothing of it runs any more when this returns."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(timeout=10)

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def tail(self, lines: int = 60) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


class AnsweringApp(http.server.ThreadingHTTPServer):
    """Stands where the ingress and an application would: every host answers 200."""

    class _Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "3")
            self.end_headers()
            self.wfile.write(b"ok\n")

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), self._Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class PlayedKubelet:
    """Says of every pod of a service that it runs and is ready, as the kubelet of a node would.

    Pods of release commands end at once instead: `exit <code> <words>` is a command that it knows.
    """

    def __init__(self, api: KubeApi) -> None:
        self._api = api
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        while not self._over.wait(0.2):
            with contextlib.suppress(Refused, OSError):
                for pod in self._api.get("/api/v1/pods?labelSelector=ml.ink/service")["items"]:
                    if pod["status"].get("phase") == "Pending" and "deletionTimestamp" not in pod["metadata"]:
                        act = self._end if "release" in pod["metadata"]["labels"].values() else self._make_ready
                        act(pod["metadata"]["namespace"], pod["metadata"]["name"], pod["spec"])

    def _end(self, namespace: str, name: str, spec: Json) -> None:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        (container,) = spec["containers"]
        _, code, *words = container["command"]
        ended = {"exitCode": int(code), "message": " ".join(words), "finishedAt": now, "startedAt": now}
        stated = {"name": container["name"], "image": container["image"], "imageID": "", "ready": False}
        status = {
            "phase": "Failed" if int(code) else "Succeeded",
            "startTime": now,
            "containerStatuses": [{**stated, "restartCount": 0, "state": {"terminated": ended}}],
        }
        self._api.merge(f"/api/v1/namespaces/{namespace}/pods/{name}/status", {"status": status})

    def _make_ready(self, namespace: str, name: str, spec: Json) -> None:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        containers = spec["containers"]
        kinds = ("PodScheduled", "Initialized", "ContainersReady", "Ready")
        status = {
            "phase": "Running",
            "startTime": now,
            "podIP": "10.0.0.9",
            "podIPs": [{"ip": "10.0.0.9"}],
            "conditions": [{"type": kind, "status": "True", "lastTransitionTime": now} for kind in kinds],
            "containerStatuses": [
                {
                    "name": container["name"],
                    "image": container["image"],
                    "imageID": "",
                    "ready": True,
                    "started": True,
                    "restartCount": 0,
                    "state": {"running": {"startedAt": now}},
                }
                for container in containers
            ],
        }
        self._api.merge(f"/api/v1/namespaces/{namespace}/pods/{name}/status", {"status": status})
