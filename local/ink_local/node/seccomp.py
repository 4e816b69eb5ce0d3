"""BuildKit's seccomp profile, which the installer brings to nodes: made once for each version of containerd.

buildkitd runs RUN steps in containers of its own, for which the runtime's default profile lacks two system calls
(`keyctl`, `pivot_root`). The profile is that default, as containerd renders it for buildkitd's capabilities, with one
rule in front. It is read from the OCI configuration of a pod that is started for this and removed.
"""

from __future__ import annotations

import json
from typing import Any

from ink_artifacts import go_programs
from ink_artifacts.errors import SetupError
from ink_install.node_files import SECCOMP_PROFILE

from ink_local.cluster import LocalCluster
from ink_local.control_plane import kube
from ink_local.machine import holder as holders

ADDED = ("keyctl", "pivot_root")
CAPABILITIES = (
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "NET_RAW",
    "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_ADMIN", "SYS_CHROOT",
)  # fmt: skip
_POD = "seccomp-sample"


def pod(image: str) -> dict[str, Any]:
    """A pod with buildkitd's capabilities under the runtime's default profile."""
    security = {
        "capabilities": {"drop": ["ALL"], "add": list(CAPABILITIES)},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    container = {"name": "sample", "image": image, "securityContext": security}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0, "automountServiceAccountToken": False}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": _POD, "namespace": "default"}, "spec": spec}


def profile(runtime_default: dict[str, Any]) -> dict[str, Any]:
    """The default profile with the missing system calls allowed; the first matching rule counts."""
    rules = [{"names": list(ADDED), "action": "SCMP_ACT_ALLOW"}, *runtime_default["syscalls"]]
    return {**runtime_default, "syscalls": rules}


def read_default(cluster: LocalCluster) -> dict[str, Any]:
    """`linux.seccomp` of a container that runs under the runtime's default."""
    holder = holders.find(cluster)
    if holder is None:
        raise SetupError(f"the cluster {cluster.name!r} is not running", remedy=f"make up NAME={cluster.name}")
    kubectl = go_programs.ensure(["kube"])["kubectl"]
    kube.apply(cluster, kubectl, json.dumps(pod(_pause_image(holder))))
    path = f"/api/v1/namespaces/default/pods/{_POD}"
    try:
        kube.wait_for(
            "the sample pod is not ready",
            lambda: kube.condition(kube.api_object(cluster, path), "Ready"),
            seconds=60,
            remedy=f"read `kubectl describe pod {_POD}`",
        )
        seen = kube.api_object(cluster, path) or {}
        identity = seen["status"]["containerStatuses"][0]["containerID"].removeprefix("containerd://")
        folder = f"/run/containerd/io.containerd.runtime.v2.task/k8s.io/{identity}"
        found: dict[str, Any] = json.loads(holders.run_inside(holder, "cat", f"{folder}/config.json"))["linux"][
            "seccomp"
        ]
    finally:
        holders.run([str(kubectl), "--kubeconfig", str(cluster.kubeconfig), "delete", "pod", _POD, "--wait=false"])
    return found


def _pause_image(holder: holders.Holder) -> str:
    names = holders.run_inside(holder, "ctr", "-n", "k8s.io", "images", "list", "-q").split()
    return next(name for name in names if "/pause:" in name)


def write(cluster: LocalCluster) -> None:
    """Replace the profile by what this running cluster's containerd has as its default, with what BuildKit needs."""
    SECCOMP_PROFILE.write_text(json.dumps(profile(read_default(cluster)), indent=1) + "\n")
