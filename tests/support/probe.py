"""Connections tried from inside a pod, and what became of each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from support.kubectl import Kubectl

SCRIPT = """
import json, socket, sys, threading
def one(target):
    host, _, port = target.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), 2.5) as s:
            s.settimeout(2.5)
            try:
                said = s.recv(200).decode(errors="replace").strip()
            except TimeoutError:
                said = ""
            found[target] = ("open " + said).strip()
    except TimeoutError:
        found[target] = "timeout"
    except OSError as e:
        found[target] = type(e).__name__ + " " + str(e)
found, threads = {}, [threading.Thread(target=one, args=(t,)) for t in sys.argv[1:]]
[t.start() for t in threads]; [t.join() for t in threads]
print(json.dumps(found))
"""
"""Python of the pod itself, 3.10 or newer. The stand-in says its name at once to a client that is silent."""


def connect(kubectl: Kubectl, namespace: str, pod: str, targets: Iterable[str]) -> Mapping[str, str]:
    """`host:port` -> `open <what was said>`, `timeout`, or the error. `timeout` is how a policy's drop looks."""
    text = kubectl.exec(namespace, pod, "python3", "-c", SCRIPT, *targets, timeout=60)
    found: dict[str, str] = json.loads(text)
    return found


def is_open(outcome: str) -> bool:
    """Whether the connection was made."""
    return outcome.startswith("open")
