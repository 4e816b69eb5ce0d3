"""kube-apiserver: RBAC and node authorisation, aggregation, and an audit log of every write."""

from __future__ import annotations

import yaml

from ink_local.cluster import LocalCluster
from ink_local.control_plane import kube
from ink_local.machine.supervise import NodeDaemon


def audit_policy() -> str:
    """Metadata of every write, no bodies; reads are not logged."""
    writes = ["create", "update", "patch", "delete", "deletecollection"]
    return yaml.safe_dump(
        {
            "apiVersion": "audit.k8s.io/v1",
            "kind": "Policy",
            "omitStages": ["RequestReceived"],
            "rules": [{"level": "Metadata", "verbs": writes}, {"level": "None"}],
        }
    )


def daemon(cluster: LocalCluster, program: str) -> NodeDaemon:
    """Admission is Kubernetes' own default, and NodeRestriction, as on any hardened cluster."""
    a, certs, config = cluster.addresses, cluster.paths.certs, cluster.paths.config
    policy = config / "audit-policy.yaml"
    return NodeDaemon(
        name="apiserver",
        argv=(
            program,
            f"--advertise-address={a.node}",
            "--secure-port=6443",
            f"--service-cluster-ip-range={a.services}",
            "--allow-privileged=true",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--profiling=false",
            f"--client-ca-file={certs / 'ca.crt'}",
            f"--tls-cert-file={certs / 'apiserver.crt'}",
            f"--tls-private-key-file={certs / 'apiserver.key'}",
            "--etcd-servers=https://127.0.0.1:2379",
            f"--etcd-cafile={certs / 'etcd-ca.crt'}",
            f"--etcd-certfile={certs / 'apiserver-etcd.crt'}",
            f"--etcd-keyfile={certs / 'apiserver-etcd.key'}",
            f"--kubelet-certificate-authority={certs / 'ca.crt'}",
            f"--kubelet-client-certificate={certs / 'apiserver-kubelet.crt'}",
            f"--kubelet-client-key={certs / 'apiserver-kubelet.key'}",
            "--kubelet-preferred-address-types=InternalIP",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-account-key-file={certs / 'sa.pub'}",
            f"--service-account-signing-key-file={certs / 'sa.key'}",
            f"--requestheader-client-ca-file={certs / 'front-proxy-ca.crt'}",
            "--requestheader-allowed-names=front-proxy-client",
            "--requestheader-username-headers=X-Remote-User",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            f"--proxy-client-cert-file={certs / 'front-proxy.crt'}",
            f"--proxy-client-key-file={certs / 'front-proxy.key'}",
            f"--audit-policy-file={policy}",
            f"--audit-log-path={cluster.paths.audit_log}",
            "--audit-log-maxsize=200",
            "--audit-log-maxbackup=1",
        ),
        files={policy: audit_policy()},
        inputs=(certs / "apiserver.crt", certs / "ca.crt", certs / "front-proxy.crt", certs / "sa.pub"),
        healthy=lambda: kube.api_get(cluster, "/readyz") is not None,
        grace_seconds=3.0,
    )
