"""What must be so before anything is changed; each refusal names a remedy."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess
from pathlib import Path

from ink_local import baseimages, cgroups, gobuild, holder, listener, network
from ink_local.buildcache import cache_dir
from ink_local.cluster import Cluster
from ink_local.components import APT_PACKAGES, COMPONENTS
from ink_local.errors import LocalError
from ink_local.ticker import Ticker

FREE_DISK_GIB = 8
BUILD_DISK_GIB = 25
"""What the cache needs while programs and images are built: Go's own caches are most of it."""
FREE_MEMORY_MIB = 2048
INOTIFY_INSTANCES = 32
"""What a whole node opens of them, with some room: the kernel's default is 128 for all processes of a user."""
_TOOLS = ("ip", "nsenter", "unshare", "mount", "setpriv")


def check_privilege() -> None:
    """Raises LocalError unless this is root."""
    if os.geteuid() != 0:
        raise LocalError("the local cluster needs root", seen=f"uid {os.geteuid()}", remedy="run the same with sudo -E")


def check(cluster: Cluster) -> None:
    """Raises LocalError for the first thing that stands in the way of booting this cluster."""
    check_privilege()
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if missing:
        raise LocalError("programs are missing", seen=", ".join(missing), remedy="apt-get install iproute2 util-linux")
    cgroups.layout()
    _check_state_place(cluster)
    if not cluster.control_plane_only:
        network.machine_resolvers()
        _check_file_systems()
    if holder.find(cluster) is None:
        _check_room(cluster)
        _check_inotify(INOTIFY_INSTANCES // (2 if cluster.control_plane_only else 1))
        _check_addresses(cluster)


def _check_state_place(cluster: Cluster) -> None:
    hidden = next((path for path in ("/run", *holder.BINDS) if cluster.paths.root.is_relative_to(path)), None)
    if hidden or not str(cluster.paths.root).isprintable() or any(c in str(cluster.paths.root) for c in " '\":,"):
        raise LocalError(
            "the state directory cannot be used",
            seen=str(cluster.paths.root),
            remedy="set INK_STATE to a plain path outside /run and the directories that the node mounts over",
        )


def _check_file_systems() -> None:
    known = Path("/proc/filesystems").read_text().split()
    if "overlay" not in known:
        raise LocalError("the kernel has no overlay file system", remedy="load it: modprobe overlay")


def _check_room(cluster: Cluster) -> None:
    building = must_build(cluster)
    for path, needed in ((cluster.paths.root, FREE_DISK_GIB), (cache_dir(), BUILD_DISK_GIB if building else 0)):
        existing = next(p for p in (path, *path.parents) if p.exists())
        free = shutil.disk_usage(existing).free / 2**30
        if free < needed:
            raise LocalError(
                "there is too little room on the disk" + (" to build the cluster's programs" if building else ""),
                seen=f"{free:.1f} GiB free at {existing}",
                remedy=f"make {needed} GiB free, or set INK_STATE and INK_CACHE to a larger disk",
            )
    rows = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    free_mib = int(rows["MemAvailable"].split()[0]) // 1024
    if free_mib < FREE_MEMORY_MIB:
        raise LocalError(
            "there is too little memory", seen=f"{free_mib} MiB available", remedy=f"make {FREE_MEMORY_MIB} MiB free"
        )


def must_build(cluster: Cluster) -> bool:
    """Whether the cache lacks a program or an image that this cluster starts from."""
    if cluster.control_plane_only:
        return not all(gobuild.home(COMPONENTS[name]).is_dir() for name in ("pause", "kube"))
    try:
        images = [*baseimages.platform_images(), *baseimages.public_images()]
    except LocalError:  # a program that goes into an image is not installed yet
        return True
    built = all(gobuild.home(component).is_dir() for component in COMPONENTS.values())
    return not (built and all(baseimages.archive_of(image).exists() for image in images))


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
        raise LocalError(
            "the kernel's limit of inotify instances leaves no room for another node",
            seen=f"{len(opened)} of {wanted} left, fs.inotify.max_user_instances is {limit}",
            remedy="sysctl -w fs.inotify.max_user_instances=1024, or take another cluster down",
        )


def _check_addresses(cluster: Cluster) -> None:
    """Only while the cluster is down: afterwards the routes and the port are its own."""
    routes = json.loads(subprocess.run(["ip", "-j", "-4", "route"], capture_output=True, text=True, check=True).stdout)
    taken = network.foreign_routes(cluster, routes)
    if taken:
        raise LocalError(
            "the machine already uses addresses of the cluster",
            seen=f"route to {taken[0]}",
            remedy="choose another index: make up INDEX=1 (to 7), or --index 1",
        )
    if not cluster.control_plane_only and not listener.port_is_free(cluster.apps_port):
        raise LocalError(
            f"port {cluster.apps_port} on 127.0.0.1 is taken",
            seen=_who_listens(cluster.apps_port),
            remedy="end that program, or choose another index: make up INDEX=1, or --index 1, listens on 9443",
        )


def _who_listens(port: int) -> str:
    said = subprocess.run(["ss", "-Hltnp", f"sport = :{port}"], capture_output=True, text=True, check=False).stdout
    return " ".join(said.split()[-1:]) or "another program"


def install_packages(ticker: Ticker) -> None:
    """Install the Debian packages that are missing. Raises LocalError when that is not possible."""
    names = list(APT_PACKAGES)
    show = ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *names]
    try:
        rows = subprocess.run(show, capture_output=True, text=True, check=False).stdout.splitlines()
    except FileNotFoundError:
        rows = []
    missing = sorted(set(names) - {row.split()[0] for row in rows if row.endswith(" installed")})
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise LocalError(
            "programs are missing", seen=", ".join(missing), remedy="install them; this is not a Debian machine"
        )
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with ticker.step(f"installing {len(missing)} Debian packages"):
        for command in (["update"], ["install", "-y", "--no-install-recommends", *missing]):
            done = subprocess.run(
                ["apt-get", "-q", *command], capture_output=True, text=True, check=False, env=environment
            )
            if done.returncode != 0 and command[0] == "install":
                raise LocalError(
                    "Debian packages cannot be installed",
                    seen=done.stderr.strip()[-300:],
                    remedy=f"apt-get install {' '.join(missing)}",
                )
