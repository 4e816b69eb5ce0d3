"""kube-proxy, in nftables mode."""

from __future__ import annotations

import yaml

from ink_local.cluster import LocalCluster
from ink_local.control_plane import certs as certificates
from ink_local.control_plane import kube
from ink_local.machine.supervise import NodeDaemon


def config(cluster: LocalCluster) -> str:
    """KubeProxyConfiguration. The short sync period lets a new endpoint answer at once; conntrack is the machine's."""
    return yaml.safe_dump(
        {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "mode": "nftables",
            "clusterCIDR": str(cluster.addresses.pods),
            "hostnameOverride": cluster.node_name,
            "oomScoreAdj": 0,
            "clientConnection": {"kubeconfig": str(certificates.kubeconfig_path(cluster, "kube-proxy"))},
            "conntrack": {"maxPerCore": 0, "min": 0},
            "nftables": {"minSyncPeriod": "100ms", "syncPeriod": "30s"},
            "healthzBindAddress": f"{cluster.addresses.node}:10256",
            "metricsBindAddress": "127.0.0.1:10249",
        }
    )


def daemon(cluster: LocalCluster, program: str) -> NodeDaemon:
    path = cluster.paths.config / "kube-proxy.yaml"
    return NodeDaemon(
        name="kube-proxy",
        argv=(program, f"--config={path}"),
        files={path: config(cluster)},
        inputs=(cluster.paths.certs / "kube-proxy.crt",),
        healthy=lambda: kube.get(cluster.addresses.node, 10256, "/livez") is not None,
    )
