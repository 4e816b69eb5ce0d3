"""The custom resources of examples/, to be applied side by side, and what they refer to."""

from __future__ import annotations

from collections.abc import Iterator

import yaml
from support.cluster.control_plane import ROOT
from support.cluster.kube_api import Json


def examples() -> Iterator[Json]:
    """Those of examples/, each under the name of its file and with a host of its own."""
    for path in sorted((ROOT / "examples").glob("*.yaml")):
        found = yaml.safe_load(path.read_text())
        found["metadata"]["name"] = path.stem
        found["spec"].pop("subdomain", None)
        if "release" in found["spec"]:  # the played node ends a command only if that says how
            found["spec"]["release"]["command"] = ["exit", "0", "done"]
        yield found


KINDS = {"secretRef": "Secret", "secretKeyRef": "Secret", "pullSecretRef": "Secret"}
KINDS |= {"configMapRef": "ConfigMap", "configMapKeyRef": "ConfigMap"}


def referred(found: list[Json]) -> list[Json]:
    """The Secrets and ConfigMaps that they name, with the keys that they want."""
    made: dict[tuple[str, str], Json] = {}
    for kind, reference in mentions(found):
        meta = {"name": reference["name"]}
        empty = {"apiVersion": "v1", "kind": kind, "metadata": meta, "data": {}}
        made.setdefault((kind, reference["name"]), empty)["data"] |= {reference.get("key", "password"): "eA=="}
    return list(made.values())


def mentions(node: object) -> Iterator[tuple[str, Json]]:
    """Kind, and the reference itself."""
    if isinstance(node, dict):
        yield from ((KINDS[name], value) for name, value in node.items() if name in KINDS)
    for value in node.values() if isinstance(node, dict) else node if isinstance(node, list) else []:
        yield from mentions(value)
