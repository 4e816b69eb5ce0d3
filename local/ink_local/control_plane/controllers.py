"""kube-controller-manager and kube-scheduler.

Started once the API server is ready: earlier they only fill their logs with refusals. Their default request rate makes
a young cluster wait for seconds.
"""

from __future__ import annotations

from ink_local.cluster import LocalCluster
from ink_local.control_plane import certs as certificates
from ink_local.control_plane import kube
from ink_local.machine.supervise import NodeDaemon

_FAST = ("--kube-api-qps=300", "--kube-api-burst=600", "--leader-elect=false", "--profiling=false")


def controller_manager(cluster: LocalCluster, program: str) -> NodeDaemon:
    """No node address ranges are given out: the one node's range is in its CNI configuration."""
    certs = cluster.paths.certs
    return NodeDaemon(
        name="controller-manager",
        argv=(
            program,
            *_flags(cluster, "controller-manager"),
            "--use-service-account-credentials=true",
            f"--root-ca-file={certs / 'ca.crt'}",
            f"--service-account-private-key-file={certs / 'sa.key'}",
            f"--cluster-signing-cert-file={certs / 'ca.crt'}",
            f"--cluster-signing-key-file={certs / 'ca.key'}",
            f"--client-ca-file={certs / 'ca.crt'}",
            f"--requestheader-client-ca-file={certs / 'front-proxy-ca.crt'}",
        ),
        inputs=(certs / "ca.crt", certs / "controller-manager.crt"),
        healthy=lambda: _healthz(cluster, 10257),
    )


def scheduler(cluster: LocalCluster, program: str) -> NodeDaemon:
    return NodeDaemon(
        name="scheduler",
        argv=(program, *_flags(cluster, "scheduler")),
        inputs=(cluster.paths.certs / "scheduler.crt",),
        healthy=lambda: _healthz(cluster, 10259),
    )


def _flags(cluster: LocalCluster, user: str) -> tuple[str, ...]:
    """The flags of both."""
    kubeconfig = certificates.kubeconfig_path(cluster, user)
    ways = ("kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig")
    return (*(f"--{way}={kubeconfig}" for way in ways), f"--bind-address={cluster.addresses.node}", *_FAST)


def _healthz(cluster: LocalCluster, port: int) -> bool:
    """These two serve a self-signed certificate of the moment; their health is public and worth no trust."""
    return kube.get(cluster.addresses.node, port, "/healthz", context=kube.unverified()) is not None
