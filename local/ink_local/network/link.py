"""The node's network: one veth to the machine, routes, and a netfilter table on the machine for outbound limits.

Order matters: the routes that keep private ranges inside are there before any default route is.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
from ipaddress import IPv4Address, ip_address
from pathlib import Path

from ink_artifacts.errors import SetupError

from ink_local.cluster import LocalCluster
from ink_local.machine.holder import Holder, run

INSIDE = (
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "169.254.169.254/32",
    "198.51.100.0/24",
)
"""Never reached through the machine: private ranges, CGNAT, the metadata address, and a test range that plays the
public internet. The stand-in answers for them; without it they are unreachable."""

_CALICO_GATEWAY = "169.254.1.1"
_UNREACHABLE_METRIC = 4096


def resolvers(resolv_conf: str, upstream_conf: str = "") -> list[str]:
    """IPv4 name servers the node can use; those on loopback are replaced by `upstream_conf`'s (systemd-resolved)."""

    def servers(text: str) -> list[str]:
        rows = [line.split() for line in text.splitlines()]
        found = [row[1] for row in rows if len(row) > 1 and row[0] == "nameserver"]
        return [a for a in found if ":" not in a and not ip_address(a).is_loopback]

    usable = servers(resolv_conf) or servers(upstream_conf)
    if not usable:
        raise SetupError(
            "the machine has no DNS resolver that the node can use",
            seen="/etc/resolv.conf has no IPv4 address outside loopback",
            remedy="add a nameserver line to /etc/resolv.conf with an address that is reachable over the network",
        )
    return usable


def machine_resolvers() -> list[str]:
    upstream = Path("/run/systemd/resolve/resolv.conf")
    return resolvers(Path("/etc/resolv.conf").read_text(), upstream.read_text() if upstream.exists() else "")


def machine_mtu() -> int:
    """MTU of the interface that holds the machine's default route; 1500 without one."""
    routes = json.loads(run(["ip", "-j", "-4", "route", "show", "default"]) or "[]")
    return int(Path(f"/sys/class/net/{routes[0]['dev']}/mtu").read_text()) if routes else 1500


def host_batch(cluster: LocalCluster) -> str:
    """`ip -batch` lines on the machine; every one may be repeated."""
    a = cluster.addresses
    return (
        f"address replace {a.host}/30 dev {cluster.interface}\n"
        f"link set {cluster.interface} up\n"
        f"route replace {a.services} via {a.node} dev {cluster.interface}\n"
        f"route replace {a.pods} via {a.node} dev {cluster.interface}\n"
    )


def node_batch(cluster: LocalCluster) -> str:
    """`ip -batch` lines in the node, without outbound routes yet.

    The service range is on the link, so that the node's own processes reach ClusterIPs and kube-proxy drops those
    that no Service has. The kernel answers a pod's ARP for its gateway only when it has a route to that address.
    """
    a = cluster.addresses
    walls = "".join(f"route replace unreachable {net} metric {_UNREACHABLE_METRIC}\n" for net in INSIDE)
    return (
        "link set lo up\n"
        f"address replace {a.node}/30 dev eth0\n"
        "link set eth0 up\n"
        f"{walls}"
        f"route replace unreachable {a.pods} metric {_UNREACHABLE_METRIC}\n"
        f"route replace {a.services} dev eth0 src {a.node}\n"
        f"route replace {_CALICO_GATEWAY}/32 dev eth0\n"
    )


def outbound_batch(cluster: LocalCluster, dns: list[str]) -> str:
    """`ip -batch` lines in the node: the resolvers and, last, the default route."""
    host = cluster.addresses.host
    resolver_routes = "".join(
        f"route replace {address}/32 via {host} dev eth0\n" for address in dns if _inside(address)
    )
    return f"{resolver_routes}route replace default via {host} dev eth0\n"


def _inside(address: str) -> bool:
    return not ip_address(address).is_global


def nft_rules(cluster: LocalCluster, dns: list[str]) -> str:
    """The machine's table: out of the node go web requests and names to the machine's resolvers, nothing else."""
    table, link = cluster.nft_table, cluster.interface
    servers = ", ".join(dns)
    ranges = ", ".join(INSIDE)
    return f"""\
table ip {table}
delete table ip {table}
table ip {table} {{
  chain from_node {{
    ct state established,related accept
    ip daddr {{ {servers} }} udp dport 53 accept
    ip daddr {{ {servers} }} tcp dport 53 accept
    ip daddr {{ {ranges} }} drop
  }}
  chain forward {{
    type filter hook forward priority filter - 10; policy accept;
    iifname "{link}" jump from_node
    iifname "{link}" tcp dport {{ 80, 443 }} accept
    iifname "{link}" drop
    oifname "{link}" ct state established,related accept
    oifname "{link}" drop
  }}
  chain input {{
    type filter hook input priority filter - 10; policy accept;
    iifname "{link}" jump from_node
    iifname "{link}" icmp type echo-request accept
    iifname "{link}" drop
  }}
  chain postrouting {{
    type nat hook postrouting priority srcnat; policy accept;
    oifname != "{link}" ip saddr {cluster.addresses.link} masquerade
  }}
}}
"""


def connect(cluster: LocalCluster, holder: Holder) -> None:
    """Join the node to the machine. Safe to repeat; outbound traffic stays blocked."""
    if not Path(f"/sys/class/net/{cluster.interface}").exists():
        mtu = str(machine_mtu())
        run(["ip", "link", "add", cluster.interface, "mtu", mtu, "type", "veth",
             "peer", "name", "eth0", "mtu", mtu, "netns", str(holder.pid)])  # fmt: skip
    run(["ip", "-batch", "-"], text_input=host_batch(cluster))
    run([*in_network(holder.pid), "ip", "-batch", "-"], text_input=node_batch(cluster))


def open_outbound(cluster: LocalCluster, holder: Holder) -> None:
    """Let web requests and names out of the node. The limits on the machine come first."""
    dns = machine_resolvers()
    run(["nft", "-f", "-"], text_input=nft_rules(cluster, dns))
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    if forwarding_is_refused():
        for direction in ("-i", "-o"):
            if not _accepted(cluster, direction):
                run(["iptables", "-I", "FORWARD", direction, cluster.interface, "-j", "ACCEPT"])
    run([*in_network(holder.pid), "ip", "-batch", "-"], text_input=outbound_batch(cluster, dns))


def forwarding_is_refused() -> bool:
    """Whether another program (Docker does) drops what it does not know; our table cannot overrule that."""
    chain = ["nft", "list", "chain", "ip", "filter", "FORWARD"]
    return "policy drop" in subprocess.run(chain, capture_output=True, text=True, check=False).stdout


def _accepted(cluster: LocalCluster, direction: str) -> bool:
    rule = ["iptables", "-C", "FORWARD", direction, cluster.interface, "-j", "ACCEPT"]
    return subprocess.run(rule, capture_output=True, check=False).returncode == 0


def disconnect(cluster: LocalCluster) -> None:
    """Remove the table, what was inserted among another program's rules, and the interface with its routes."""
    if forwarding_is_refused():
        for direction in ("-i", "-o"):
            if _accepted(cluster, direction):
                run(["iptables", "-D", "FORWARD", direction, cluster.interface, "-j", "ACCEPT"])
    if cluster.nft_table in run(["nft", "list", "tables", "ip"]).split():
        run(["nft", "delete", "table", "ip", cluster.nft_table])
    link = Path(f"/sys/class/net/{cluster.interface}")
    # The kernel takes it away with the node's namespace, at a moment of its own.
    with contextlib.suppress(SetupError):
        if link.exists():
            run(["ip", "link", "delete", cluster.interface])
    if link.exists():
        raise SetupError(
            "the node's network link is still there", seen=cluster.interface, remedy="run `make down` again"
        )


def in_network(pid: int) -> list[str]:
    """Command line that runs what follows in the network namespace of the machine's process `pid`."""
    return ["nsenter", f"--net=/proc/{pid}/ns/net", "--"]


def conflicting_routes(cluster: LocalCluster, routes: list[dict[str, object]]) -> list[str]:
    """Routes of the machine (`ip -j route`) that overlap the cluster's ranges through another interface."""
    a = cluster.addresses
    ours = (a.link, a.pods, a.services)
    found = []
    for route in routes:
        destination = str(route["dst"])
        if destination == "default" or route.get("dev") == cluster.interface:
            continue
        network, _, bits = destination.partition("/")
        first = IPv4Address(network)
        last = IPv4Address(int(first) + 2 ** (32 - int(bits or 32)) - 1)
        if int(bits or 32) >= 16 and any(first <= net[-1] and last >= net[0] for net in ours):
            found.append(destination)
    return found
