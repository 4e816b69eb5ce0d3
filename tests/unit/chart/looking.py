"""Finding things in rendered manifests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from support.cluster.helm import Manifest

WORKLOADS = ("Deployment", "DaemonSet", "StatefulSet", "Job", "CronJob")


def one(manifests: Sequence[Manifest], kind: str, name: str, namespace: str | None = None) -> Manifest:
    """The manifest of that kind and name."""
    found = [m for m in manifests if m["kind"] == kind and m["metadata"]["name"] == name]
    found = [m for m in found if namespace is None or m["metadata"].get("namespace") == namespace]
    assert len(found) == 1, f"{kind} {name}: {len(found)} times"
    return found[0]


def pods(manifests: Sequence[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """(name, pod template or pod) of everything that runs."""
    for manifest in manifests:
        if manifest["kind"] in WORKLOADS:
            yield manifest["metadata"]["name"], {**manifest["spec"]["template"], "namespace": namespace(manifest)}
        elif manifest["kind"] == "Pod":
            yield manifest["metadata"]["name"], {**manifest, "namespace": namespace(manifest)}


def namespace(manifest: Manifest) -> str:
    """The namespace it says; "" for what has none."""
    return str(manifest["metadata"].get("namespace", ""))


def environment(manifests: Sequence[Manifest], deployment: str) -> dict[str, str]:
    """The variables of a deployment's only container, Secrets among them as they were rendered."""
    import base64

    (container,) = one(manifests, "Deployment", deployment)["spec"]["template"]["spec"]["containers"]
    found: dict[str, str] = {}
    for variable in container["env"]:
        source: Any = variable.get("valueFrom", {}).get("secretKeyRef")
        if source is None:
            found[variable["name"]] = variable["value"]
        else:
            data = one(manifests, "Secret", source["name"], "dp-system")["data"]
            found[variable["name"]] = base64.b64decode(data[source["key"]]).decode()
    return found
