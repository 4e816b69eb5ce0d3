"""Components as processes of the node: started, recognised, restarted when dead or when their configuration changed."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ink_artifacts.errors import SetupError

from ink_local.cluster import LocalCluster
from ink_local.machine import cgroups, proc
from ink_local.machine.holder import Holder


@dataclass(frozen=True)
class NodeDaemon:
    """One process of the node.

    `files` are written before it starts; a change of them, of `argv`, of `env` or of a file in `inputs` restarts it.
    `healthy` answers quickly whether it does its work. `own_network` gives it an empty network namespace;
    `machine_network` the machine's. `grace_seconds`: between the request to end and the force.
    `starts`: how often it is started when it ends at once, for a program that gives up when another is not quite ready.
    """

    name: str
    argv: tuple[str, ...]
    healthy: Callable[[], bool]
    files: Mapping[Path, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[Path, ...] = ()
    own_network: bool = False
    machine_network: bool = False
    grace_seconds: float = 5.0
    patience_seconds: float = 120.0
    starts: int = 1

    def fingerprint(self) -> str:
        """Hash of everything that a running process would have to be restarted for."""
        inputs = {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in self.inputs}
        files = {str(path): text for path, text in self.files.items()}
        return hashlib.sha256(
            json.dumps([self.argv, files, dict(self.env), inputs], sort_keys=True).encode()
        ).hexdigest()


def find(cluster: LocalCluster, holder: Holder, name: str) -> proc.Seen | None:
    """The component's process, if the recorded one still runs inside this holder."""
    recorded = proc.read_identity(cluster.paths.run / f"{name}.id")
    if recorded is None:
        return None
    return next((seen for seen in proc.in_pid_namespace(holder.pid_namespace) if seen.identity == recorded), None)


def is_current(cluster: LocalCluster, holder: Holder, daemon: NodeDaemon) -> bool:
    """Whether the component runs with the configuration that it should have."""
    mark = cluster.paths.run / f"{daemon.name}.sha256"
    same = mark.exists() and mark.read_text() == daemon.fingerprint()
    return same and find(cluster, holder, daemon.name) is not None


def start(cluster: LocalCluster, holder: Holder, daemon: NodeDaemon) -> bool:
    """Bring the component to its present configuration; returns whether a process had to be started."""
    if is_current(cluster, holder, daemon):
        return False
    stop(cluster, holder, daemon)
    for path, text in daemon.files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    base = {"PATH": os.environ.get("PATH", os.defpath), "HOME": "/root", "LANG": "C.UTF-8"}
    enter = holder.enter(network=not daemon.machine_network)
    proc.spawn(
        daemon.argv,
        enter=[*enter, "unshare", "--net"] if daemon.own_network else enter,
        identity=cluster.paths.run / f"{daemon.name}.id",
        log=log_path(cluster, daemon.name),
        env={**base, **daemon.env, proc.COMPONENT_VARIABLE: daemon.name},
        cgroup_procs=cgroups.procs_files(cluster.cgroup, cgroups.layout()),
    )
    (cluster.paths.run / f"{daemon.name}.sha256").write_text(daemon.fingerprint())
    return True


def stop(cluster: LocalCluster, holder: Holder, daemon: NodeDaemon) -> None:
    """End the component's process, and what a process that died without its identity being known left running."""
    seen = find(cluster, holder, daemon.name)
    if seen is not None:
        proc.end(seen, grace_seconds=daemon.grace_seconds, group=True)
    for stray in list(proc.in_pid_namespace(holder.pid_namespace)):
        shim = Path((proc.command_of(stray.pid) or [""])[0]).name.startswith("containerd-shim")
        if proc.component_of(stray.pid) == daemon.name and not shim:
            proc.end(stray, grace_seconds=daemon.grace_seconds)


def wait_healthy(cluster: LocalCluster, holder: Holder, daemon: NodeDaemon) -> None:
    """Wait until it is healthy. Raises SetupError, with the end of its log, when it died or took too long."""
    began = time.monotonic()
    while not daemon.healthy():
        waited = time.monotonic() - began
        dead = waited > 1 and find(cluster, holder, daemon.name) is None
        if dead or waited > daemon.patience_seconds:
            log = log_path(cluster, daemon.name)
            raise SetupError(
                f"{daemon.name} {'ended at once' if dead else f'is not ready after {daemon.patience_seconds:.0f} s'}",
                seen=tail(log),
                remedy=f"read {log}; `make up` tries again, `make down` and `make up` start over",
            )
        time.sleep(0.05)


def ensure(cluster: LocalCluster, holder: Holder, daemon: NodeDaemon) -> bool:
    """Start it if need be and wait until it is healthy. One restart is tried when it hangs unhealthily."""
    started = start(cluster, holder, daemon)
    if not started and not _healthy_within(daemon, 5.0):
        stop(cluster, holder, daemon)
        started = start(cluster, holder, daemon)
    for _ in range(1, daemon.starts):
        try:
            wait_healthy(cluster, holder, daemon)
            return started
        except SetupError:
            if find(cluster, holder, daemon.name) is not None:
                raise
            start(cluster, holder, daemon)
    wait_healthy(cluster, holder, daemon)
    return started


def _healthy_within(daemon: NodeDaemon, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not daemon.healthy():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def log_path(cluster: LocalCluster, name: str) -> Path:
    return cluster.paths.log / f"{name}.log"


def tail(path: Path, *, size: int = 600) -> str:
    """The last characters of a log, on one line each as they are; empty when there is no log."""
    try:
        return path.read_bytes()[-size:].decode(errors="replace").strip()
    except OSError:
        return ""
