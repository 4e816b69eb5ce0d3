"""The machine's loopback port for the apps: 127.0.0.1:8443 (+1000 a cluster) leads to the node's port 443."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

from ink_local.cluster import LocalCluster
from ink_local.machine.supervise import NodeDaemon


def daemon(cluster: LocalCluster) -> NodeDaemon:
    """A process of the node that sits in the machine's network, so that it ends with the node."""
    program = Path(__file__).with_name("forwarder.py")
    return NodeDaemon(
        name="listener",
        argv=(sys.executable, "-I", "-S", str(program), str(cluster.apps_port), cluster.addresses.node, "443"),
        inputs=(program,),
        machine_network=True,
        healthy=lambda: accepts("127.0.0.1", cluster.apps_port),
        patience_seconds=10.0,
    )


def accepts(host: str, port: int) -> bool:
    """Whether something takes connections there."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def port_is_free(port: int) -> bool:
    """Whether the loopback port can be bound."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
