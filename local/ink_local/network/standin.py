"""The stand-in for every address that must not be reached: a network namespace joined to the node, and its server.

Attack tests send real packets to private ranges; they end here and are answered with the address that was asked for,
so that a test can tell "the policy held" from "nobody was there".
"""

from __future__ import annotations

import sys
from pathlib import Path

from ink_local.cluster import LocalCluster
from ink_local.machine import supervise
from ink_local.machine.holder import Holder, run
from ink_local.machine.supervise import NodeDaemon
from ink_local.network import link

_NODE_END, _FAR_END = "198.18.0.1", "198.18.0.2"
_LINK = "standin"


def daemon(cluster: LocalCluster) -> NodeDaemon:
    """The server, in an empty network namespace of its own."""
    program = Path(__file__).with_name("standin_server.py")
    ready = cluster.paths.run / "standin.listening"
    return NodeDaemon(
        name="standin",
        argv=(sys.executable, "-I", "-S", str(program), str(ready)),
        inputs=(program,),
        own_network=True,
        healthy=ready.exists,
        patience_seconds=20.0,
    )


def node_routes() -> str:
    """`ip -batch` lines in the node."""
    lines = [f"address replace {_NODE_END}/30 dev {_LINK}", f"link set {_LINK} up"]
    return "\n".join([*lines, *(f"route replace {net} via {_FAR_END} dev {_LINK}" for net in link.INSIDE), ""])


def far_routes() -> str:
    """`ip -batch` lines in the stand-in: every address but the link's is its own."""
    return f"link set lo up\naddress replace {_FAR_END}/30 dev eth0\nlink set eth0 up\n" + "".join(
        f"route replace local {net} dev lo\n" for net in link.INSIDE
    )


def ensure(cluster: LocalCluster, holder: Holder) -> bool:
    """Run the server and lead the ranges to it; returns whether anything had to be started."""
    wanted = daemon(cluster)
    if not supervise.is_current(cluster, holder, wanted):
        (cluster.paths.run / "standin.listening").unlink(missing_ok=True)
    started = supervise.ensure(cluster, holder, wanted)
    seen = supervise.find(cluster, holder, wanted.name)
    pid = seen.pid if seen else 0
    inside = link.in_network(holder.pid)
    if _LINK not in run([*inside, "ip", "-o", "link", "show"]):
        run([*inside, "ip", "link", "add", _LINK, "type", "veth", "peer", "name", "eth0", "netns", str(pid)])
    run([*link.in_network(pid), "ip", "-batch", "-"], text_input=far_routes())
    run([*inside, "ip", "-batch", "-"], text_input=node_routes())
    return started
