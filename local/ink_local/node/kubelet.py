"""kubelet: cgroupfs driver under the cluster's own cgroup, labels of every pool, a seccomp profile for BuildKit."""

from __future__ import annotations

import json

import yaml
from ink_install.node_files import SECCOMP_PROFILE

from ink_local.cluster import LocalCluster
from ink_local.control_plane import certs as certificates
from ink_local.control_plane import kube
from ink_local.machine.supervise import NodeDaemon
from ink_local.network import link
from ink_local.node import containerd

LABELS = {f"ml.ink/pool-{pool}": "true" for pool in ("build", "ctrl", "ops", "run")}
"""The one node stands for every pool."""


def config(cluster: LocalCluster) -> str:
    """KubeletConfiguration.

    Absolute eviction thresholds: the disk is the machine's, and percentages of it evict. No image collection: pinned
    images cannot be fetched again, and a local cluster is short-lived.
    """
    certs = cluster.paths.certs
    return yaml.safe_dump(
        {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": cluster.addresses.node,
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": str(certs / "ca.crt")},
            },
            "authorization": {"mode": "Webhook"},
            "tlsCertFile": str(certs / "kubelet-server.crt"),
            "tlsPrivateKeyFile": str(certs / "kubelet-server.key"),
            "readOnlyPort": 0,
            "healthzBindAddress": cluster.addresses.node,
            "containerRuntimeEndpoint": f"unix://{containerd.SOCKET}",
            "failCgroupV1": False,
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{cluster.cgroup}",
            "clusterDomain": "cluster.local",
            "clusterDNS": [cluster.addresses.dns],
            "resolvConf": str(cluster.paths.config / "resolv.conf"),
            "oomScoreAdj": 0,
            "maxOpenFiles": 20000,
            "maxPods": 240,
            "failSwapOn": False,
            "imageGCHighThresholdPercent": 100,
            "imagePullCredentialsVerificationPolicy": "NeverVerify",
            "serializeImagePulls": False,
            "maxParallelImagePulls": 6,
            "registryPullQPS": 0,
            "evictionHard": {
                "memory.available": "200Mi",
                "nodefs.available": "1Gi",
                "nodefs.inodesFree": "10000",
                "imagefs.available": "1Gi",
                "imagefs.inodesFree": "10000",
            },
        }
    )


def daemon(cluster: LocalCluster, program: str) -> NodeDaemon:
    """The node registers without taints, with the labels of the pools that it stands for."""
    path, certs = cluster.paths.config / "kubelet.yaml", cluster.paths.certs
    servers = "".join(f"nameserver {address}\n" for address in link.machine_resolvers())
    labels = ",".join(f"{key}={value}" for key, value in sorted(LABELS.items()))
    return NodeDaemon(
        name="kubelet",
        # containerd answers before its CRI plugin does, and the kubelet does not wait for it.
        starts=5,
        argv=(
            program,
            f"--config={path}",
            f"--kubeconfig={certificates.kubeconfig_path(cluster, 'kubelet')}",
            f"--hostname-override={cluster.node_name}",
            f"--node-ip={cluster.addresses.node}",
            *([f"--node-labels={labels}"] if labels else []),
        ),
        files={
            path: config(cluster),
            cluster.paths.config / "resolv.conf": servers,
            cluster.paths.kubelet_root / "seccomp" / "buildkit.json": json.dumps(
                json.loads(SECCOMP_PROFILE.read_text())
            ),
        },
        inputs=(certs / "kubelet.crt", certs / "kubelet-server.crt", certs / "ca.crt"),
        healthy=lambda: kube.get(cluster.addresses.node, 10248, "/healthz") is not None,
        grace_seconds=5.0,
    )
