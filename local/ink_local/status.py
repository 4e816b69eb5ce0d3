"""What runs of a cluster and what does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ink_local.cluster import LocalCluster
from ink_local.control_plane import kube
from ink_local.machine import holder as holders
from ink_local.machine import supervise

CONTROL_PLANE = ("etcd", "apiserver", "controller-manager")
NODE = ("scheduler", "containerd", "kubelet", "kube-proxy", "felix", "standin", "registry-mirror", "listener")


@dataclass(frozen=True)
class Status:
    """`components`: name -> the machine's pid, None when it does not run."""

    cluster: LocalCluster
    components: dict[str, int | None]
    api_ready: bool
    node_ready: bool

    @property
    def all_well(self) -> bool:
        node = self.node_ready or self.cluster.control_plane_only
        return self.api_ready and node and all(pid is not None for pid in self.components.values())

    def as_json(self) -> dict[str, Any]:
        readiness = {"apiReady": self.api_ready, "nodeReady": self.node_ready, "allWell": self.all_well}
        return {**facts(self.cluster), **readiness, "components": self.components}

    def as_text(self) -> str:
        rows = [f"{name:<20} {'pid ' + str(pid) if pid else 'not running'}" for name, pid in self.components.items()]
        node = (
            [] if self.cluster.control_plane_only else [f"{'node':<20} {'Ready' if self.node_ready else 'not Ready'}"]
        )
        api = f"{'API server':<20} {'ready' if self.api_ready else 'not ready'} at {self.cluster.api_url}"
        return "\n".join([*rows, api, *node])


def facts(cluster: LocalCluster) -> dict[str, Any]:
    """Where everything of a cluster is."""
    a = cluster.addresses
    return {
        "name": cluster.name,
        "index": cluster.index,
        "kubeconfig": str(cluster.kubeconfig),
        "apiUrl": cluster.api_url,
        "nodeName": cluster.node_name,
        "nodeAddress": a.node,
        "podRange": str(a.pods),
        "serviceRange": str(a.services),
        "registryClusterIP": a.registry,
        "appsPort": cluster.apps_port,
        "appsCA": str(cluster.paths.ca),
        "certsD": str(cluster.paths.certs_d),
        "logs": str(cluster.paths.log),
        "auditLog": str(cluster.paths.audit_log),
    }


def look(cluster: LocalCluster) -> Status:
    """Look at the processes and ask the API server."""
    names = CONTROL_PLANE if cluster.control_plane_only else (*CONTROL_PLANE, *NODE)
    holder = holders.find(cluster)
    pids: dict[str, int | None] = {"holder": holder.pid if holder else None}
    for name in names:
        seen = supervise.find(cluster, holder, name) if holder else None
        pids[name] = seen.pid if seen else None
    api = holder is not None and kube.api_get(cluster, "/readyz") is not None
    return Status(cluster, pids, api, api and kube.node_ready(cluster))
