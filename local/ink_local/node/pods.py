"""The node's own pods: manifests in local/manifests with a few places to fill in."""

from __future__ import annotations

import string
from pathlib import Path

from ink_local.cluster import LocalCluster

FOLDER = Path(__file__).resolve().parents[2] / "manifests"


def coredns(cluster: LocalCluster, image: str) -> str:
    """CoreDNS: names of the cluster, and everything else from the machine's resolvers."""
    return _rendered("coredns.yaml", CLUSTER_DNS=cluster.addresses.dns, IMAGE=image)


def metrics_server(cluster: LocalCluster, image: str) -> str:
    """metrics-server: `kubectl top` and autoscaling on CPU and memory.

    The kubelet's certificate is of the cluster's CA, which metrics-server is given to check it with.
    """
    ca = (cluster.paths.certs / "ca.crt").read_text()
    indented = "\n".join(f"    {line}" for line in ca.strip().splitlines())
    return _rendered("metrics-server.yaml", IMAGE=image, KUBELET_CA=indented)


def volumes(image: str, helper_image: str) -> str:
    """Volumes on demand: the local path provisioner and the default StorageClass.

    `helper_image` needs `sh`: it makes and removes a volume's directory.
    """
    return _rendered("local-path.yaml", IMAGE=image, HELPER_IMAGE=helper_image)


def _rendered(file: str, **values: str) -> str:
    """A manifest with its `${NAME}` places filled in. Raises KeyError for a place without a value."""
    return string.Template((FOLDER / file).read_text()).substitute(values)
