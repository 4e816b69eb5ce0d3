"""Whether an existing cluster can take the chart: decisions only, on what kubectl and helm printed.

Each function returns the problems it finds, none when there are none.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ink_artifacts.errors import SetupError
from ink_artifacts.platform_images import PREFIX

from ink_install.release import HelmRelease

Json = Mapping[str, Any]
LISTED_IMAGES = 50
"""A kubelet lists no more images than this; a shorter list is complete."""
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"


def is_hook(manifest: Json) -> bool:
    """Helm's tests and hooks are no part of what is installed."""
    return "helm.sh/hook" in (manifest["metadata"].get("annotations") or {})


def named(found: Json) -> str:
    """Kind, namespace and name, as a person says them."""
    namespace = found["metadata"].get("namespace")
    return f"{found['kind']} {f'{namespace}/' if namespace else ''}{found['metadata']['name']}"


def is_service(manifest: Json, name: str) -> bool:
    """Whether it is the Service of this name."""
    return (manifest["kind"], manifest["metadata"]["name"]) == ("Service", name)


def collisions(found: Iterable[Json], release: HelmRelease) -> list[SetupError]:
    """`found`: those objects of the cluster that the chart would make."""
    others = [named(one) for one in found if not release.owns(one)]
    if not others:
        return []
    more = f" and {len(others) - 5} more" if len(others) > 5 else ""
    return [
        SetupError(
            "the cluster already has objects with the chart's names that this Helm release did not create",
            seen=", ".join(others[:5]) + more,
            remedy="choose other names (values namespaces.*, tenants.namespace, ingress.className), or delete them",
        )
    ]


def storage(rendered: Iterable[Json], classes: Iterable[Json]) -> list[SetupError]:
    """`classes`: the cluster's StorageClasses."""
    offered = {one["metadata"]["name"]: one for one in classes}
    default = any((one["metadata"].get("annotations") or {}).get(DEFAULT_CLASS) == "true" for one in offered.values())
    claims = [one for one in rendered if one["kind"] == "PersistentVolumeClaim"]
    asked = {one["spec"].get("storageClassName", "") for one in claims}
    problems = []
    if "" in asked and not default:
        problems.append(
            SetupError(
                "the cluster has no default StorageClass",
                seen=", ".join(offered) or "no StorageClass at all",
                remedy="set className in gateway.storage, git.storage, registry.storage and builders.storage, "
                f"or annotate a StorageClass with {DEFAULT_CLASS}=true",
            )
        )
    unknown = sorted(asked - {"", *offered})
    if unknown:
        problems.append(
            SetupError(
                "the values name a StorageClass that the cluster does not have",
                seen=", ".join(unknown),
                remedy=f"choose one of {', '.join(offered)}" if offered else "install that StorageClass first",
            )
        )
    return problems


def host_ports(rendered: Iterable[Json], pods: Iterable[Json]) -> list[SetupError]:
    """`pods`: all pods of the cluster."""
    wanted: dict[int, str] = {}
    for one in rendered:
        for port in _host_ports(_pod_spec(one)):
            wanted[port] = one["metadata"]["namespace"]
    taken = sorted(
        {
            f"{port} by pod {pod['metadata']['namespace']}/{pod['metadata']['name']}"
            for pod in pods
            for port in _host_ports(pod["spec"])
            if port in wanted and pod["metadata"]["namespace"] != wanted[port]
        }
    )
    if not taken:
        return []
    return [
        SetupError(
            "ports that Ink's Traefik needs on the nodes are already in use",
            seen=", ".join(taken[:4]),
            remedy="choose other ports (ingress.hostPorts), or use the ingress controller that is there: set "
            "ingress.enabled=false, ingress.className, ingress.url, ingress.podLabels and namespaces.ingress",
        )
    ]


def absent_images(rendered: Iterable[Json], nodes: Iterable[Json]) -> list[SetupError]:
    """Images that nobody can pull, as their names lead nowhere, and that a node for them does not hold."""
    nodes = list(nodes)
    absent: dict[str, set[str]] = {}
    for image, pod in _local_images(rendered):
        for node in nodes:
            listed = node["status"].get("images") or []
            held = any(image in (one.get("names") or []) for one in listed)
            if not held and len(listed) < LISTED_IMAGES and _may_run(pod, node):
                absent.setdefault(node["metadata"]["name"], set()).add(image)
    return [
        SetupError(
            f"the node {node} does not hold images of Ink",
            seen=", ".join(sorted(missing)),
            remedy="run `make node-files`, then on that node `ctr -n k8s.io images import FILE` for each file of "
            "dist/images/, wait a minute until the node reports them, and install with VALUES=dist/values.yaml; "
            "or name images in a registry of your own in images.*",
        )
        for node, missing in sorted(absent.items())
    ]


def _local_images(rendered: Iterable[Json]) -> Iterator[tuple[str, Json]]:
    """Images of names that no registry serves, each with the spec of a pod that runs it."""
    for one in rendered:
        pod = _pod_spec(one)
        for container in pod.get("containers", []):
            if container["image"].startswith(PREFIX):
                yield container["image"], pod
            settings = {entry["name"]: str(entry.get("value", "")) for entry in container.get("env", [])}
            if settings.get("INK_BUILDER_IMAGE", "").startswith(PREFIX):
                yield settings["INK_BUILDER_IMAGE"], json.loads(settings.get("INK_BUILD_POOL") or "{}")


def _pod_spec(one: Json) -> Json:
    """Of a workload's manifest; empty for other kinds."""
    template = (one.get("spec") or {}).get("template") or {}
    spec: Json = template.get("spec") or {} if isinstance(template, Mapping) else {}
    return spec


def _host_ports(pod: Json) -> set[int]:
    """Ports of the node that a pod listens on."""
    own_network = pod.get("hostNetwork", False)
    return {
        port.get("hostPort") or port["containerPort"]
        for container in pod.get("containers", [])
        for port in container.get("ports") or []
        if port.get("hostPort") or own_network
    }


def _may_run(pod: Json, node: Json) -> bool:
    """Whether the scheduler could put the pod there; a pod with tolerations is taken to tolerate every taint."""
    labels = node["metadata"].get("labels") or {}
    matches = all(labels.get(key) == value for key, value in (pod.get("nodeSelector") or {}).items())
    closed = any(taint["effect"] != "PreferNoSchedule" for taint in node["spec"].get("taints") or [])
    return matches and (not closed or bool(pod.get("tolerations")))
