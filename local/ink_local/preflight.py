"""What a boot needs, checked before anything is changed; each refusal names a remedy."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess
from pathlib import Path

from ink_artifacts import gobuild
from ink_artifacts.cache import cache_dir
from ink_artifacts.components import COMPONENTS
from ink_artifacts.errors import SetupError

from ink_local.cluster import LocalCluster
from ink_local.machine import cgroups, holder
from ink_local.network import link, listener
from ink_local.node import images

FREE_DISK_GIB = 8
BUILD_DISK_GIB = 25
"""What the cache needs while programs and images are built: Go's own caches are most of it."""
FREE_MEMORY_MIB = 2048
INOTIFY_INSTANCES = 32
"""What a whole node opens of them, with some room: the kernel's default is 128 for all processes of a user."""
_TOOLS = ("ip", "nsenter", "unshare", "mount", "setpriv")


def check_privilege() -> None:
    """Raises SetupError unless this is root."""
    if os.geteuid() != 0:
        raise SetupError(
            "the local cluster needs root", seen=f"uid {os.geteuid()}", remedy="run the same command with sudo -E"
        )


def check(cluster: LocalCluster) -> None:
    """Raises SetupError for the first thing that prevents booting this cluster."""
    check_privilege()
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if missing:
        raise SetupError("programs are missing", seen=", ".join(missing), remedy="apt-get install iproute2 util-linux")
    cgroups.layout()
    _check_state_place(cluster)
    if not cluster.control_plane_only:
        link.machine_resolvers()
        _check_file_systems()
    if holder.find(cluster) is None:
        _check_room(cluster)
        _check_inotify(INOTIFY_INSTANCES // (2 if cluster.control_plane_only else 1))
        _check_addresses(cluster)


def _check_state_place(cluster: LocalCluster) -> None:
    hidden = next((path for path in ("/run", *holder.BINDS) if cluster.paths.root.is_relative_to(path)), None)
    if hidden or not str(cluster.paths.root).isprintable() or any(c in str(cluster.paths.root) for c in " '\":,"):
        raise SetupError(
            "the state directory cannot be used",
            seen=str(cluster.paths.root),
            remedy="set INK_STATE to a path without spaces or quotes that is not below "
            + ", ".join(("/run", *holder.BINDS)),
        )


def _check_file_systems() -> None:
    known = Path("/proc/filesystems").read_text().split()
    if "overlay" not in known:
        raise SetupError("the kernel does not support the overlay file system", remedy="load it: modprobe overlay")


def _check_room(cluster: LocalCluster) -> None:
    building = must_build(cluster)
    for path, needed in ((cluster.paths.root, FREE_DISK_GIB), (cache_dir(), BUILD_DISK_GIB if building else 0)):
        existing = next(p for p in (path, *path.parents) if p.exists())
        free = shutil.disk_usage(existing).free / 2**30
        if free < needed:
            raise SetupError(
                "there is not enough free disk space" + (" to build the cluster's programs" if building else ""),
                seen=f"{free:.1f} GiB free at {existing}",
                remedy=f"free {needed} GiB, or point INK_STATE and INK_CACHE at a larger disk",
            )
    rows = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    free_mib = int(rows["MemAvailable"].split()[0]) // 1024
    if free_mib < FREE_MEMORY_MIB:
        raise SetupError(
            "there is not enough free memory", seen=f"{free_mib} MiB available", remedy=f"free {FREE_MEMORY_MIB} MiB"
        )


def must_build(cluster: LocalCluster) -> bool:
    """Whether the cache lacks a program or an image that this cluster starts from."""
    if cluster.control_plane_only:
        return not all(gobuild.home(COMPONENTS[name]).is_dir() for name in ("pause", "kube"))
    return not images.all_made()


def _check_inotify(wanted: int) -> None:
    """The kubelet ends at once, naming neither cause nor remedy, when the kernel gives it no more of these."""
    libc = ctypes.CDLL(None, use_errno=True)
    opened: list[int] = []
    while len(opened) < wanted and (descriptor := libc.inotify_init1(os.O_CLOEXEC)) >= 0:
        opened.append(descriptor)
    for descriptor in opened:
        os.close(descriptor)
    if len(opened) < wanted:
        limit = Path("/proc/sys/fs/inotify/max_user_instances").read_text().strip()
        raise SetupError(
            "the kernel's limit on inotify instances leaves too few for another node",
            seen=f"{len(opened)} of the {wanted} needed are left, fs.inotify.max_user_instances is {limit}",
            remedy="run `sysctl -w fs.inotify.max_user_instances=1024`, or take another cluster down",
        )


def _check_addresses(cluster: LocalCluster) -> None:
    """Only while the cluster is down: afterwards the routes and the port are its own."""
    routes = json.loads(subprocess.run(["ip", "-j", "-4", "route"], capture_output=True, text=True, check=True).stdout)
    taken = link.conflicting_routes(cluster, routes)
    if taken:
        raise SetupError(
            "the machine already uses some of the cluster's addresses",
            seen=f"a route to {taken[0]}",
            remedy="choose another index from 0 to 7, such as make up INDEX=1 (or --index 1)",
        )
    if not cluster.control_plane_only and not listener.port_is_free(cluster.apps_port):
        raise SetupError(
            f"port {cluster.apps_port} on 127.0.0.1 is already in use",
            seen=_who_listens(cluster.apps_port),
            remedy="stop that program, or choose another index: make up INDEX=1 (or --index 1) listens on 9443",
        )


def _who_listens(port: int) -> str:
    said = subprocess.run(["ss", "-Hltnp", f"sport = :{port}"], capture_output=True, text=True, check=False).stdout
    return " ".join(said.split()[-1:]) or "another program"
