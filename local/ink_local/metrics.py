"""metrics-server: `kubectl top` and autoscaling on CPU and memory."""

from __future__ import annotations

from ink_local.cluster import Cluster
from ink_local.manifests import rendered


def manifest(cluster: Cluster, image: str) -> str:
    """The kubelet's certificate is of the cluster's CA, which metrics-server is given to check it with."""
    ca = (cluster.paths.certs / "ca.crt").read_text()
    indented = "\n".join(f"    {line}" for line in ca.strip().splitlines())
    return rendered("metrics-server.yaml", IMAGE=image, KUBELET_CA=indented)
