"""containerd: Debian's, with the node's own registry directory, and the images that the node needs imported."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from ink_artifacts import oci
from ink_artifacts.errors import SetupError

from ink_local.cluster import LocalCluster
from ink_local.machine import holder as holders
from ink_local.machine.holder import Holder, run_inside
from ink_local.machine.supervise import NodeDaemon
from ink_local.node import image_store

SOCKET = "/run/containerd/containerd.sock"
CNI_PLUGINS = Path("/usr/lib/cni")
"""Where Debian puts the standard CNI plugins."""


def config(cluster: LocalCluster, pause_image: str) -> str:
    """containerd 1.6's configuration.

    restrict_oom_score_adj: without CAP_SYS_RESOURCE no sandbox starts otherwise. Unprivileged ports: CoreDNS binds
    port 53 without any capability.
    """
    return f"""\
version = 2
oom_score = 0
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs", "io.containerd.internal.v1.opt",
  "io.containerd.internal.v1.tracing", "io.containerd.tracing.processor.v1.otlp"]
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause_image}"
  restrict_oom_score_adj = true
  enable_unprivileged_ports = true
  enable_unprivileged_icmp = true
  max_container_log_line_size = 65536
  max_concurrent_downloads = 6
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{cni_bin(cluster)}"
    conf_dir = "/etc/cni/net.d"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "{cluster.paths.certs_d}"
"""


def cni_bin(cluster: LocalCluster) -> Path:
    """One directory with Debian's plugins and Calico's."""
    return cluster.paths.run / "cni-bin"


def link_cni(cluster: LocalCluster, calico: Path) -> None:
    directory = cni_bin(cluster)
    directory.mkdir(parents=True, exist_ok=True)
    for name, target in {**{p.name: p for p in CNI_PLUGINS.iterdir()}, "calico": calico}.items():
        link = directory / name
        if not link.is_symlink() or link.readlink() != target:
            link.unlink(missing_ok=True)
            link.symlink_to(target)


def docker_io_hosts(cluster: LocalCluster) -> str:
    """hosts.toml of docker.io: the registry mirror first, the real one where the machine reaches it."""
    return (
        'server = "https://registry-1.docker.io"\n\n'
        f'[host."http://{cluster.registry_mirror}"]\n  capabilities = ["pull", "resolve"]\n'
    )


def daemon(cluster: LocalCluster, pause_image: str) -> NodeDaemon:
    """certs.d files are read at each pull, so changes of them need no restart."""
    path = cluster.paths.config / "containerd.toml"
    return NodeDaemon(
        name="containerd",
        argv=("containerd", "--config", str(path)),
        files={
            path: config(cluster, pause_image),
            cluster.paths.certs_d / "docker.io" / "hosts.toml": docker_io_hosts(cluster),
        },
        healthy=lambda: answers(cluster),
        grace_seconds=10.0,
        patience_seconds=60.0,
    )


def answers(cluster: LocalCluster) -> bool:
    """Asked through ctr inside the node: its socket is in the node's own /run."""
    holder = holders.find(cluster)
    if holder is None:
        return False
    done = subprocess.run([*holder.enter(), "ctr", "version"], capture_output=True, check=False, timeout=20, cwd="/")
    return done.returncode == 0


def import_images(holder: Holder, archives: Mapping[str, Path]) -> list[str]:
    """Import the OCI archives that are not there yet (reference -> archive), pinned; returns what was imported.

    An archive with a new digest under an old reference counts as not there.
    """
    have = parse_images(_ctr(holder, "images", "list"))
    missing = sorted(name for name, path in archives.items() if oci.digests(path).get(name) != have.get(name, ""))
    for path in sorted({archives[name] for name in missing}):
        _ctr(holder, "images", "import", str(path))
    pin(holder, missing)
    return missing


def parse_images(listing: str) -> dict[str, str]:
    """Reference -> digest, from the table that `ctr images list` prints."""
    rows = [line.split() for line in listing.splitlines()[1:]]
    return {row[0]: row[2] for row in rows if len(row) > 2}


def clean(holder: Holder, platform: Iterable[str]) -> None:
    """Take out of the store what an earlier cluster left: its containers, and images that are not the platform's."""
    left = _ctr(holder, "containers", "list", "-q").split()
    if left:
        _ctr(holder, "containers", "delete", *left)
    images = image_store.unwanted(parse_images(_ctr(holder, "images", "list")), platform)
    if images:
        _ctr(holder, "images", "delete", "--sync", *images)


def pin(holder: Holder, names: Iterable[str]) -> None:
    """Tell the kubelet never to collect these images: they cannot be pulled again."""
    for name in names:
        _ctr(holder, "images", "label", name, "io.cri-containerd.pinned=pinned")


def _ctr(holder: Holder, *arguments: str) -> str:
    try:
        return run_inside(holder, "ctr", "-n", "k8s.io", *arguments)
    except SetupError as failure:
        raise SetupError(
            "containerd refused an image operation",
            seen=failure.seen,
            remedy="read `make logs COMPONENT=containerd`; `make down` and `make up` rebuild the node",
        ) from None
