"""A real etcd and kube-apiserver, booted by the launcher for the time of a test run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ink_artifacts import go_programs
from ink_artifacts.progress import ProgressPrinter
from ink_local import state
from ink_local.cluster import Paths, state_root
from ink_local.control_plane import apiserver
from ink_local.machine import holder as holders
from ink_local.machine import supervise
from support.cluster.kube_api import KubeApi
from support.cluster.kubectl import Kubectl

ROOT = Path(__file__).resolve().parents[3]


def cluster_name(part: str) -> str:
    """Name of a cluster of this test run; INK_TEST_PREFIX keeps two runs at once apart."""
    return os.environ.get("INK_TEST_PREFIX", "ink") + part


@dataclass(frozen=True)
class ControlPlane:
    """A running API server: as kubectl sees it, as HTTP sees it, and the files behind it."""

    name: str
    kubectl: Kubectl
    api: KubeApi
    kubeconfig: Path
    audit_log: Path


def launcher(*args: str, timeout: float = 900) -> str:
    """Run the launcher as `make` does and return its output. Raises AssertionError with it when the launcher fails."""
    paths = [str(ROOT / part) for part in ("install", "local", "crds", "operator", "mcp_gateway")]
    done = subprocess.run(
        [sys.executable, "-m", "ink_local", *args],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": ":".join(paths)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, f"python -m ink_local {' '.join(args)} failed:\n{done.stdout}"
    return done.stdout


@contextmanager
def running(name: str, *flags: str) -> Iterator[ControlPlane]:
    """A control plane of that name; taken down at the end, whatever happened.

    With INK_API_KUBECONFIG in the environment, the one behind that kubeconfig instead, left as it is.
    """
    given = os.environ.get("INK_API_KUBECONFIG")
    try:
        if not given:
            launcher("up", "--name", name, *flags)
        paths = Paths(Path(given).absolute().parent if given else state_root() / name)
        with connected(name, paths) as plane:
            yield plane
    finally:
        if not given:
            launcher("down", "--name", name)


@contextmanager
def connected(name: str, paths: Paths) -> Iterator[ControlPlane]:
    """Clients of a running control plane."""
    api = KubeApi(paths.kubeconfig)
    try:
        yield ControlPlane(name, Kubectl(paths.kubeconfig), api, paths.kubeconfig, paths.audit_log)
    finally:
        api.close()


@contextmanager
def api_server_stopped(plane: ControlPlane, seconds: float) -> Iterator[None]:
    """The API server's process is ended for so long, and started again with the same data."""
    cluster = state.load(plane.kubeconfig.parent.name)
    holder = holders.find(cluster)
    assert holder is not None
    daemon = apiserver.daemon(cluster, str(go_programs.ensure(("kube",), ProgressPrinter())["kube-apiserver"]))
    supervise.stop(cluster, holder, daemon)
    time.sleep(seconds)
    yield
    supervise.ensure(cluster, holder, daemon)
