"""kube-controller-manager and kube-scheduler.

Started once the API server is ready: earlier they only fill their logs with refusals. Their default request rate makes
a young cluster wait for seconds.
"""

from __future__ import annotations

from ink_local import certs as certificates
from ink_local import kube
from ink_local.cluster import Cluster
from ink_local.supervise import Daemon

_FAST = ("--kube-api-qps=300", "--kube-api-burst=600", "--leader-elect=false", "--profiling=false")


def controller_manager(cluster: Cluster, program: str) -> Daemon:
    """No node address ranges are given out: the one node's range is in its CNI configuration."""
    certs = cluster.paths.certs
    user = certificates.kubeconfig_path(cluster, "controller-manager")
    return Daemon(
        name="controller-manager",
        argv=(
            program,
            f"--kubeconfig={user}",
            f"--authentication-kubeconfig={user}",
            f"--authorization-kubeconfig={user}",
            f"--bind-address={cluster.addresses.node}",
            "--use-service-account-credentials=true",
            f"--root-ca-file={certs / 'ca.crt'}",
            f"--service-account-private-key-file={certs / 'sa.key'}",
            f"--cluster-signing-cert-file={certs / 'ca.crt'}",
            f"--cluster-signing-key-file={certs / 'ca.key'}",
            f"--client-ca-file={certs / 'ca.crt'}",
            f"--requestheader-client-ca-file={certs / 'front-proxy-ca.crt'}",
            *_FAST,
        ),
        inputs=(certs / "ca.crt", certs / "controller-manager.crt"),
        healthy=lambda: _healthz(cluster, 10257),
    )


def scheduler(cluster: Cluster, program: str) -> Daemon:
    user = certificates.kubeconfig_path(cluster, "scheduler")
    return Daemon(
        name="scheduler",
        argv=(
            program,
            f"--kubeconfig={user}",
            f"--authentication-kubeconfig={user}",
            f"--authorization-kubeconfig={user}",
            f"--bind-address={cluster.addresses.node}",
            *_FAST,
        ),
        inputs=(cluster.paths.certs / "scheduler.crt",),
        healthy=lambda: _healthz(cluster, 10259),
    )


def _healthz(cluster: Cluster, port: int) -> bool:
    """These two serve a self-signed certificate of the moment; their health is public and worth no trust."""
    return kube.get(cluster.addresses.node, port, "/healthz", context=kube.unverified()) is not None
