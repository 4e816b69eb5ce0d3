"""etcd: one member, on the node's loopback, client certificates required."""

from __future__ import annotations

from ink_local.cluster import LocalCluster
from ink_local.control_plane import kube
from ink_local.machine.supervise import NodeDaemon


def daemon(cluster: LocalCluster, program: str) -> NodeDaemon:
    """No fsync: the data of a local cluster need not survive a crash of the machine."""
    paths, certs = cluster.paths, cluster.paths.certs
    client, peer = "https://127.0.0.1:2379", "https://127.0.0.1:2380"
    metrics = f"http://{cluster.addresses.node}:2381"
    return NodeDaemon(
        name="etcd",
        argv=(
            program,
            "--name=node",
            f"--data-dir={paths.data / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=node={peer}",
            f"--listen-metrics-urls={metrics}",
            f"--cert-file={certs / 'etcd.crt'}",
            f"--key-file={certs / 'etcd.key'}",
            f"--trusted-ca-file={certs / 'etcd-ca.crt'}",
            "--client-cert-auth=true",
            f"--peer-cert-file={certs / 'etcd.crt'}",
            f"--peer-key-file={certs / 'etcd.key'}",
            f"--peer-trusted-ca-file={certs / 'etcd-ca.crt'}",
            "--peer-client-cert-auth=true",
            "--unsafe-no-fsync=true",
            "--quota-backend-bytes=4294967296",
            "--log-level=warn",
        ),
        inputs=(certs / "etcd.crt", certs / "etcd-ca.crt"),
        healthy=lambda: kube.get(cluster.addresses.node, 2381, "/health") is not None,
        patience_seconds=60.0,
    )
