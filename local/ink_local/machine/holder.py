"""The node's namespaces: mount, network, pid, hostname and IPC, held open by one process.

Ending that process ends every process of the node with it, and the mounts and interfaces go with them.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ink_artifacts.errors import SetupError

from ink_local.cluster import LocalCluster
from ink_local.machine import cgroups, proc

BINDS = {
    "/var/lib/kubelet": "kubelet",
    "/var/lib/containerd": "containerd",
    "/var/lib/cni": "cni",
    "/etc/cni/net.d": "cni-conf",
    "/var/log/pods": "pod-logs",
    "/var/log/containers": "container-logs",
    "/opt/local-path-provisioner": "volumes",
}
"""Where programs expect their data -> directory of the cluster mounted there, in the node's mount namespace alone."""

_MOUNTED = "namespaces.ready"


@dataclass(frozen=True)
class Holder:
    """`outer` is unshare (its end is the holder's end), `pid` the holder itself, by the machine's numbers."""

    outer: proc.Seen
    pid: int

    @property
    def pid_namespace(self) -> str:
        return proc.namespace_of(self.pid, "pid") or ""

    def enter(self, *, network: bool = True) -> list[str]:
        """Command line that runs what follows inside the node; without `network`, on the machine's own network."""
        kinds = ("-m", "-n", "-p", "-u", "-i") if network else ("-m", "-p", "-u", "-i")
        return ["nsenter", "-t", str(self.pid), *kinds, "--"]


def find(cluster: LocalCluster) -> Holder | None:
    """The cluster's holder, if it lives and is really ours."""
    recorded = proc.read_identity(cluster.paths.run / "holder.id")
    if recorded is None or proc.start_time(recorded.pid) != recorded.start:
        return None
    if proc.component_of(recorded.pid) != _component(cluster):
        return None
    try:
        children = Path(f"/proc/{recorded.pid}/task/{recorded.pid}/children").read_text().split()
    except OSError:
        return None
    return Holder(proc.Seen(recorded.pid, recorded), int(children[0])) if children else None


def is_ready(cluster: LocalCluster) -> bool:
    """Whether the last `start` got to its end."""
    return (cluster.paths.run / _MOUNTED).exists()


def mark_ready(cluster: LocalCluster) -> None:
    (cluster.paths.run / _MOUNTED).touch()


def start(cluster: LocalCluster, program: Path, procs_files: Iterable[Path]) -> Holder:
    """Make the namespaces, with `program` (which must reap orphans) holding them, and mount the node's directories."""
    run = cluster.paths.run
    (run / _MOUNTED).unlink(missing_ok=True)
    argv = ["unshare", "--mount", "--net", "--pid", "--uts", "--ipc", "--fork", "--kill-child", "--mount-proc"]
    proc.spawn(
        [*argv, "--propagation", "private", str(program)],
        enter=(),
        identity=run / "holder.id",
        log=cluster.paths.log / "holder.log",
        env={"PATH": os.environ.get("PATH", os.defpath), proc.COMPONENT_VARIABLE: _component(cluster)},
        cgroup_procs=procs_files,
    )
    deadline = time.monotonic() + 10
    while (holder := _started(cluster)) is None:
        if time.monotonic() > deadline:
            raise SetupError(
                "the node's namespaces could not be created",
                seen=(cluster.paths.log / "holder.log").read_text()[-300:].strip(),
                remedy="run as root on a kernel with mount, network, pid, uts and ipc namespaces",
            )
        time.sleep(0.01)
    for target, source in BINDS.items():
        (cluster.paths.data / source).mkdir(parents=True, exist_ok=True)
        Path(target).mkdir(parents=True, exist_ok=True)
    run_inside(holder, "sh", "-ec", mount_script(cluster))
    return holder


def _started(cluster: LocalCluster) -> Holder | None:
    """The holder once it has its own namespaces and its program (before that it is a copy of unshare)."""
    holder = find(cluster)
    if holder is None or proc.namespace_of(holder.pid, "pid") == proc.namespace_of(os.getpid(), "pid"):
        return None
    return None if (proc.command_of(holder.pid) or ["unshare"])[0] == "unshare" else holder


def mount_script(cluster: LocalCluster) -> str:
    """Mounts of the node. Made private first (by unshare), shared then: nothing travels back to the machine."""
    binds = [f"mount --bind '{cluster.paths.data / source}' {target}" for target, source in BINDS.items()]
    return "\n".join(
        [
            "mount -t tmpfs -o mode=755 tmpfs /run",
            *binds,
            "mount --make-rshared /",
            f"hostname {cluster.node_name}",
            "echo 1 > /proc/sys/net/ipv4/ip_forward",
        ]
    )


def run_inside(holder: Holder, *argv: str, text_input: str | None = None) -> str:
    """Run a short command inside the node; returns its output. Raises SetupError with what it printed when it fails."""
    return run([*holder.enter(), *argv], text_input=text_input)


def run(argv: list[str], *, text_input: str | None = None, timeout_seconds: float = 120.0) -> str:
    """Run a short command and return its output. Raises SetupError with what it printed when it fails."""
    done = subprocess.run(
        argv, input=text_input, capture_output=True, text=True, check=False, timeout=timeout_seconds, cwd="/"
    )
    if done.returncode != 0:
        words = next((argv[i + 1 :] for i, word in enumerate(argv) if word == "--"), argv)
        raise SetupError(
            f"`{' '.join(words[:6])}` failed",
            seen=(done.stderr or done.stdout).strip()[-600:],
            remedy="read the logs (`make logs`); `make down` and `make up` start over",
        )
    return done.stdout


def stop(cluster: LocalCluster) -> None:
    """End the holder and wait until no process of its pid namespace is left."""
    holder = find(cluster)
    if holder is None:
        return
    namespace = holder.pid_namespace
    proc.end(holder.outer, grace_seconds=0)
    deadline = time.monotonic() + 20
    while namespace and any(True for _ in proc.in_pid_namespace(namespace)):
        if time.monotonic() > deadline:
            raise SetupError(
                "some processes of the node do not end",
                seen=namespace,
                remedy="look for processes in state D (`ps -eo pid,stat,cmd`), then run this again",
            )
        time.sleep(0.02)
    (cluster.paths.run / "holder.id").unlink(missing_ok=True)


def remove_cgroups(cluster: LocalCluster) -> None:
    """Remove the cluster's cgroup directories. Raises SetupError when some process still sits in one."""
    left = cgroups.remove(cluster.cgroup)
    if left:
        raise SetupError(
            "control groups of the node could not be removed",
            seen=", ".join(str(path) for path in left),
            remedy="end the processes listed in their cgroup.procs files, then run `make down` again",
        )


def _component(cluster: LocalCluster) -> str:
    return f"holder:{cluster.paths.root}"
