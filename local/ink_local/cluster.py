"""Who a local cluster is: its name, addresses, paths and ports. Pure: nothing here touches the machine."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from ink_artifacts.errors import SetupError

MAX_CLUSTERS = 8
"""Pod ranges are 10.244 to 10.251: the ranges above, where virtual machines find their resolvers, stay reachable."""

_NAME = re.compile(r"[a-z]([a-z0-9-]{0,14}[a-z0-9])?")


@dataclass(frozen=True)
class Addresses:
    """The addresses of the cluster with this index; no two indexes share any."""

    index: int

    @property
    def link(self) -> IPv4Network:
        """The /30 between the machine and the node."""
        return IPv4Network((int(IPv4Address("10.240.0.0")) + 4 * self.index, 30))

    @property
    def host(self) -> str:
        """The machine's end of the link, the node's default gateway."""
        return str(self.link[1])

    @property
    def node(self) -> str:
        """The node's own address: API server, host ports, the registry mirror."""
        return str(self.link[2])

    @property
    def pods(self) -> IPv4Network:
        """The range pods get their addresses from."""
        return IPv4Network(f"10.{244 + self.index}.0.0/24")

    @property
    def services(self) -> IPv4Network:
        """The range of ClusterIPs."""
        return IPv4Network(f"10.{96 + self.index}.0.0/16")

    @property
    def api_service(self) -> str:
        """The ClusterIP of the API server."""
        return str(self.services[1])

    @property
    def dns(self) -> str:
        """The ClusterIP of CoreDNS."""
        return str(self.services[10])

    @property
    def registry(self) -> str:
        """The ClusterIP kept free for the registry that the chart installs (`.50`)."""
        return str(self.services[50])


@dataclass(frozen=True)
class Paths:
    """Where a cluster keeps its files."""

    root: Path

    @property
    def certs(self) -> Path:
        return self.root / "certs"

    @property
    def config(self) -> Path:
        """Rendered configuration of the components."""
        return self.root / "config"

    @property
    def certs_d(self) -> Path:
        """containerd's registry directory: `<registry host>/hosts.toml`, read at each pull."""
        return self.root / "certs.d"

    @property
    def data(self) -> Path:
        """etcd, images, containers and volumes: removed by `down` unless asked to keep them."""
        return self.root / "data"

    @property
    def run(self) -> Path:
        """Process identities and marks of the present boot."""
        return self.root / "run"

    @property
    def log(self) -> Path:
        return self.root / "log"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.root / "kubeconfig"

    @property
    def ca(self) -> Path:
        """Certificate of the CA that signed the apps' wildcard certificate: give it to curl or a browser."""
        return self.root / "ca.crt"

    @property
    def apps_certificate(self) -> Path:
        return self.certs / "apps.crt"

    @property
    def apps_key(self) -> Path:
        return self.certs / "apps.key"

    @property
    def apps_secret(self) -> Path:
        """Manifest of the TLS Secret `apps-wildcard` (no namespace: give one to kubectl apply)."""
        return self.root / "apps-tls.yaml"

    @property
    def audit_log(self) -> Path:
        return self.log / "audit.log"

    @property
    def kubelet_root(self) -> Path:
        return self.data / "kubelet"


@dataclass(frozen=True)
class LocalCluster:
    """One local cluster. Everything else about it follows from `name`, `index` and `state_root`."""

    name: str
    index: int
    state_root: Path
    control_plane_only: bool = False

    @property
    def addresses(self) -> Addresses:
        return Addresses(self.index)

    @property
    def paths(self) -> Paths:
        return Paths(self.state_root / self.name)

    @property
    def kubeconfig(self) -> Path:
        return self.paths.kubeconfig

    @property
    def node_name(self) -> str:
        return f"ink-{self.name}"

    @property
    def interface(self) -> str:
        """The machine's end of the link; named by index, so that a collision with another program is seen."""
        return f"ink{self.index}"

    @property
    def nft_table(self) -> str:
        """The one netfilter table on the machine that is this cluster's (family ip)."""
        return f"ink-{self.index}"

    @property
    def cgroup(self) -> str:
        """Name of the cluster's directory in every cgroup hierarchy."""
        return f"ink-{self.index}-{self.name}"

    @property
    def api_url(self) -> str:
        return f"https://{self.addresses.node}:6443"

    @property
    def apps_port(self) -> int:
        """The loopback port on the machine that leads to Traefik's HTTPS port."""
        return 8443 + 1000 * self.index

    @property
    def registry_mirror(self) -> str:
        """host:port of the registry mirror on the node, which serves the stand-ins for docker.io's images."""
        return f"{self.addresses.node}:5001"


def state_root() -> Path:
    """$INK_STATE, or ~/.local/state/ink."""
    given = os.environ.get("INK_STATE")
    return Path(given).absolute() if given else Path.home() / ".local" / "state" / "ink"


def checked_name(name: str) -> str:
    """`name` itself. Raises SetupError when it cannot name a node, a cgroup and a directory alike."""
    if not _NAME.fullmatch(name):
        raise SetupError(
            "this cluster name cannot be used",
            seen=repr(name),
            remedy="use 1 to 16 lower-case letters, digits and dashes; begin with a letter, end with a letter or digit",
        )
    return name
