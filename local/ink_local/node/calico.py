"""Calico as the network and its policy engine: the CNI plugin, felix, and the three objects that they read."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

import yaml
from ink_artifacts import files
from ink_artifacts.cache import cache_dir, key_of
from ink_artifacts.components import COMPONENTS
from ink_artifacts.errors import SetupError

from ink_local.cluster import LocalCluster
from ink_local.control_plane import certs as certificates
from ink_local.control_plane import kube
from ink_local.machine.supervise import NodeDaemon
from ink_local.network import link

MODULE = "github.com/projectcalico/calico"


def crds() -> str:
    """Calico's CustomResourceDefinitions, out of the very module that felix is built from; kept in the cache."""
    folder = COMPONENTS["calico"].folder
    path = cache_dir() / f"calico-crds-{key_of((folder / 'go.sum').read_bytes())}.yaml"
    if path.exists():
        return path.read_text()
    done = subprocess.run(
        ["go", "mod", "download", "-json", MODULE], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise SetupError(
            "Calico's Go module could not be downloaded",
            seen=done.stderr.strip()[-300:],
            remedy="check that the module proxy (go env GOPROXY) is reachable, then run this again",
        )
    manifests = sorted((Path(json.loads(done.stdout)["Dir"]) / "libcalico-go" / "config" / "crd").glob("*.yaml"))
    text = "\n---\n".join(file.read_text() for file in manifests)
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write(path, text, mode=0o644)
    return text


def objects(cluster: LocalCluster) -> str:
    """What calico/node would write: without ClusterInformation felix waits and the plugin fails.

    natOutgoing lets pods out under the node's address.
    """
    api = "crd.projectcalico.org/v1"
    guid = hashlib.sha256(str(cluster.paths.root).encode()).hexdigest()[:32]
    pool = {
        "cidr": str(cluster.addresses.pods),
        "blockSize": 26,
        "ipipMode": "Never",
        "vxlanMode": "Never",
        "natOutgoing": True,
        "nodeSelector": "all()",
        "allowedUses": ["Workload", "Tunnel"],
    }
    information = {
        "clusterGUID": guid,
        "calicoVersion": COMPONENTS["calico"].version,
        "clusterType": "k8s,kdd",
        "datastoreReady": True,
    }
    felix = {"logSeverityScreen": "Warning", "reportingInterval": "0s"}
    return yaml.safe_dump_all(
        [
            {"apiVersion": api, "kind": kind, "metadata": {"name": name}, "spec": spec}
            for kind, name, spec in (
                ("ClusterInformation", "default", information),
                ("IPPool", "default-ipv4-ippool", pool),
                ("FelixConfiguration", "default", felix),
            )
        ]
    )


def conflist(cluster: LocalCluster) -> str:
    """The CNI configuration; addresses come from host-local with the range given here, not from the API."""
    user = str(certificates.kubeconfig_path(cluster, "calico"))
    plugin = {
        "type": "calico",
        "log_level": "warning",
        "log_file_path": str(cluster.paths.log / "cni.log"),
        "datastore_type": "kubernetes",
        "nodename": cluster.node_name,
        "nodename_file_optional": True,
        "mtu": link.machine_mtu(),
        "ipam": {"type": "host-local", "ranges": [[{"subnet": str(cluster.addresses.pods)}]]},
        "policy": {"type": "k8s"},
        "kubernetes": {"kubeconfig": user},
    }
    portmap = {"type": "portmap", "snat": True, "capabilities": {"portMappings": True}}
    return json.dumps({"name": "calico", "cniVersion": "1.0.0", "plugins": [plugin, portmap]}, indent=1)


def daemon(cluster: LocalCluster, program: str) -> NodeDaemon:
    """felix. It exits on purpose when its configuration objects change, hence the loop."""
    user = str(certificates.kubeconfig_path(cluster, "calico"))
    return NodeDaemon(
        name="felix",
        argv=("/bin/sh", "-c", 'while :; do "$0"; sleep 0.3; done', program),
        env={
            "KUBECONFIG": user,
            "DATASTORE_TYPE": "kubernetes",
            "FELIX_DATASTORETYPE": "kubernetes",
            "FELIX_FELIXHOSTNAME": cluster.node_name,
            "FELIX_IPTABLESBACKEND": "nft",
            "FELIX_IPV6SUPPORT": "false",
            "FELIX_DEFAULTENDPOINTTOHOSTACTION": "ACCEPT",
            "FELIX_BPFENABLED": "false",
            "FELIX_XDPENABLED": "false",
            "FELIX_IPINIPENABLED": "false",
            "FELIX_VXLANENABLED": "false",
            "FELIX_WIREGUARDENABLED": "false",
            "FELIX_AWSSRCDSTCHECK": "DoNothing",
            "FELIX_USAGEREPORTINGENABLED": "false",
            "FELIX_LOGFILEPATH": "none",
            "FELIX_LOGSEVERITYFILE": "none",
            "FELIX_LOGSEVERITYSYS": "none",
            "FELIX_LOGSEVERITYSCREEN": "warning",
            "FELIX_HEALTHENABLED": "true",
            "FELIX_HEALTHHOST": cluster.addresses.node,
            "FELIX_HEALTHPORT": "9099",
        },
        files={cluster.paths.data / "cni-conf" / "10-calico.conflist": conflist(cluster)},
        inputs=(cluster.paths.certs / "calico.crt",),
        healthy=lambda: kube.get(cluster.addresses.node, 9099, "/readiness") is not None,
    )
