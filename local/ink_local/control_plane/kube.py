"""A small client for the node's API server: enough to wait and to look; manifests go through kubectl."""

from __future__ import annotations

import http.client
import json
import ssl
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ink_artifacts.errors import SetupError

from ink_local.cluster import LocalCluster


def tls(ca: Path, certificate: Path, key: Path) -> ssl.SSLContext:
    """Client context that trusts `ca` alone and shows `certificate`."""
    context = ssl.create_default_context(cafile=str(ca))
    context.load_cert_chain(certificate, key)
    return context


def unverified() -> ssl.SSLContext:
    """Client context that trusts anybody: for health checks of components with self-signed certificates only."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def get(
    host: str, port: int, path: str, *, context: ssl.SSLContext | None = None, timeout: float = 3.0
) -> bytes | None:
    """The body of a 200 answer; None for anything else, refusals and time-outs included. `timeout` in seconds."""
    connection: http.client.HTTPConnection
    if context is None:
        connection = http.client.HTTPConnection(host, port, timeout=timeout)
    else:
        connection = http.client.HTTPSConnection(host, port, timeout=timeout, context=context)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return body if answer.status == 200 else None


def api_get(cluster: LocalCluster, path: str) -> bytes | None:
    """GET from the API server as the administrator."""
    certs = cluster.paths.certs
    if not (certs / "admin.key").exists():
        return None
    context = tls(certs / "ca.crt", certs / "admin.crt", certs / "admin.key")
    return get(cluster.addresses.node, 6443, path, context=context)


def api_object(cluster: LocalCluster, path: str) -> dict[str, Any] | None:
    """The object at `path`; None when the API server does not give it."""
    body = api_get(cluster, path)
    return json.loads(body) if body is not None else None


def condition(obj: dict[str, Any] | None, kind: str) -> bool:
    """Whether the object's condition of this type is True."""
    conditions = (obj or {}).get("status", {}).get("conditions", [])
    return any(c["type"] == kind and c["status"] == "True" for c in conditions)


def node_ready(cluster: LocalCluster) -> bool:
    return condition(api_object(cluster, f"/api/v1/nodes/{cluster.node_name}"), "Ready")


def deployment_available(cluster: LocalCluster, namespace: str, name: str) -> bool:
    return condition(api_object(cluster, f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}"), "Available")


def wait_for(what: str, check: Callable[[], bool], *, seconds: float, remedy: str) -> None:
    """Poll `check` until it is true. Raises SetupError after `seconds`."""
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            raise SetupError(f"{what} within {seconds:.0f} s", remedy=remedy)
        time.sleep(0.1)


def apply(cluster: LocalCluster, kubectl: Path, manifests: str) -> None:
    """Server-side apply of a YAML stream; tried three times, since a young API server still misses defaults."""
    argv = [str(kubectl), "--kubeconfig", str(cluster.kubeconfig), "apply", "--server-side", "--force-conflicts"]
    said = ""
    for _ in range(3):
        done = subprocess.run(
            [*argv, "--field-manager=ink-local", "-f", "-"],
            input=manifests,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if done.returncode == 0:
            return
        said = done.stderr.strip()[-600:]
        time.sleep(0.5)
    raise SetupError(
        "the cluster rejected a manifest", seen=said, remedy=f"read `make logs NAME={cluster.name} COMPONENT=apiserver`"
    )
