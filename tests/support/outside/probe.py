"""Connections tried from inside a pod, and what became of each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from support.cluster.kubectl import Kubectl
from support.outside.platform import Platform

PRIVATE = ("10.201.7.7", "172.16.9.9", "192.168.5.5", "100.64.3.3", "169.254.169.254")
"""An address of each private range, of carriers' networks, and the metadata service: the stand-in answers on all."""
PUBLIC = "198.51.100.7"
"""The stand-in as an address of the public internet."""
MAIL = (25, 465, 587)

SCRIPT = """
import json, socket, sys, threading
NAME = b"\\x0akubernetes\\x07default\\x03svc\\x07cluster\\x05local\\0"
QUERY = bytes.fromhex("2b2b01000001000000000000") + NAME + bytes.fromhex("00010001")
def packet(target):
    host, _, port = target.removeprefix("udp/").rpartition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(0.8)
        s.connect((host, int(port)))
        for attempt in range(3):
            s.send(QUERY)
            try:
                said = s.recv(512)
                return "open" if said[:2] == QUERY[:2] else "open " + said.decode(errors="replace").strip()
            except TimeoutError:
                pass
    return "timeout"
def one(target):
    try:
        found[target] = packet(target) if target.startswith("udp/") else connection(target)
    except OSError as e:
        found[target] = type(e).__name__ + " " + str(e)
def connection(target):
    host, _, port = target.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), 2.5) as s:
            s.settimeout(2.5)
            try:
                said = s.recv(200).decode(errors="replace").strip()
            except TimeoutError:
                said = ""
            return ("open " + said).strip()
    except TimeoutError:
        return "timeout"
found, threads = {}, [threading.Thread(target=one, args=(t,)) for t in sys.argv[1:]]
[t.start() for t in threads]; [t.join() for t in threads]
print(json.dumps(found))
"""
"""Python of the pod itself, 3.10 or newer. The stand-in says its name at once to a client that is silent, and answers
any packet; a DNS server answers the packet, which is a question."""


def connect(kubectl: Kubectl, namespace: str, pod: str, targets: Iterable[str]) -> Mapping[str, str]:
    """`host:port` or `udp/host:port` -> `open <what was said>`, `timeout`, or the error.

    `timeout` is how a policy's drop looks.
    """
    text = kubectl.exec(namespace, pod, "python3", "-c", SCRIPT, *targets, timeout=60)
    found: dict[str, str] = json.loads(text)
    return found


def is_open(outcome: str) -> bool:
    """Whether the connection was made."""
    return outcome.startswith("open")


def control_plane_targets(platform: Platform) -> list[str]:
    """The API server by its Service and by the node's address, the kubelet."""
    addresses = platform.cluster.addresses
    return [f"{addresses.api_service}:443", f"{addresses.node}:6443", f"{addresses.node}:10250"]


def platform_targets(platform: Platform) -> list[str]:
    """Parts of Ink that are none of a tenant's business."""
    ports = {
        ("dp-system", "gateway"): (8081,),
        ("dp-system", "git"): (8081,),
        ("dp-system", "resolver"): (8080,),
        ("dp-system", "build-logs"): (8080,),
        ("dp-system", "registry"): (5000, 5001),
        ("dp-buildkit", "buildkitd"): (1234,),
    }
    targets = []
    for (namespace, name), numbers in ports.items():
        service = platform.kubectl.get("service", name, namespace)
        assert service is not None, f"no Service {namespace}/{name}"
        targets += [f"{service['spec']['clusterIP']}:{number}" for number in numbers]
    return targets
