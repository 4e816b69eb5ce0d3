"""CoreDNS: names of the cluster, and everything else from the machine's resolvers."""

from __future__ import annotations

from ink_local.cluster import Cluster
from ink_local.manifests import rendered


def manifest(cluster: Cluster, image: str) -> str:
    return rendered("coredns.yaml", CLUSTER_DNS=cluster.addresses.dns, IMAGE=image)
