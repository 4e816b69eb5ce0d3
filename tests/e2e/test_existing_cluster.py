"""`make up CLUSTER=existing` on a cluster of Kubernetes, CNI and containerd alone, set up as README.md says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from ink_local import containerd, existing, install, nodefiles, state
from ink_local import holder as holders
from ink_local.cluster import Cluster
from support.cluster import helm
from support.cluster.control_plane import ROOT, cluster_name, launcher
from support.cluster.kube_api import KubeApi
from support.cluster.kubectl import Kubectl
from support.outside.agent import Agent
from support.outside.platform import SAMPLES, Platform
from support.outside.web import fetch
from support.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.full, pytest.mark.timeout(1500)]

NAME = cluster_name("bare")
OURS = "app.kubernetes.io/part-of=ink"
OURS_ON_NODES = re.compile(rf"registry\.ink\.local/(ink-|({'|'.join(nodefiles.OTHERS)}):)")
VOLATILE = ("events", "leases", "csinodes", "pods", "replicasets", "controllerrevisions", "endpoint", "metrics.k8s.io")


@pytest.fixture(scope="module")
def bare() -> Iterator[Cluster]:
    """A cluster whose node has none of Ink's images and no profile for BuildKit."""
    try:
        launcher("up", "--name", NAME)
        cluster = state.load(NAME)
        for name in on_node(cluster, "ctr", "-n", "k8s.io", "images", "list", "-q").split():
            if OURS_ON_NODES.match(name):
                on_node(cluster, "ctr", "-n", "k8s.io", "images", "delete", "--sync", name)
        seccomp(cluster).unlink()
        kubectl = Kubectl(cluster.kubeconfig)
        eventually(lambda: not any(map(OURS_ON_NODES.match, listed(kubectl))), within=120, what="the node lists none")
        yield cluster
    finally:
        launcher("down", "--name", NAME)


def on_node(cluster: Cluster, *argv: str) -> str:
    """Output of a command on the node, as its administrator would run it there."""
    holder = holders.find(cluster)
    assert holder is not None
    return holders.run_inside(holder, *argv)


def seccomp(cluster: Cluster) -> Path:
    """The file that the node knows as /var/lib/kubelet/seccomp/buildkit.json."""
    return cluster.paths.kubelet_root / "seccomp" / "buildkit.json"


def make(cluster: Cluster, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`make` with the cluster's KUBECONFIG, whatever its exit code; stderr is in stdout."""
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=ROOT,
        env={**os.environ, "KUBECONFIG": str(cluster.kubeconfig)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
        check=False,
    )


def inventory(kubectl: Kubectl) -> set[str]:
    """Every object of the cluster that somebody made on purpose: `resource namespace name`."""
    kinds = [
        kind
        for kind in kubectl.run("api-resources", "--verbs=list", "--output=name").split()
        if not any(word in kind for word in VOLATILE)
    ]
    row = '{range .items[*]}{.apiVersion} {.kind} {.metadata.namespace} {.metadata.name}{"\\n"}{end}'
    return set(kubectl.run("get", ",".join(kinds), "-A", f"--output=jsonpath={row}").splitlines())


def values(cluster: Cluster, folder: Path) -> Path:
    """What README.md asks the administrator for; the mirror stands for a way to docker.io."""
    file = folder / "my-values.yaml"
    certificate = {"certificate": cluster.paths.apps_certificate.read_text(), "key": cluster.paths.apps_key.read_text()}
    file.write_text(
        yaml.safe_dump(
            {
                "platform": {"domain": "localhost", "port": cluster.apps_port},
                "registry": {"clusterIP": cluster.addresses.registry},
                "ingress": {"tls": certificate},
                "builders": {"mirrors": {"docker.io": [{"host": cluster.hub, "insecure": True}]}},
            }
        )
    )
    return file


def test_a_service_goes_live_on_an_existing_cluster_and_nothing_but_crds_stays(bare: Cluster, tmp_path: Path) -> None:
    kubectl = Kubectl(bare.kubeconfig)
    before = inventory(kubectl)
    made = make(bare, "node-files")
    assert made.returncode == 0, made.stdout
    up = ("up", "CLUSTER=existing", f"VALUES=dist/values.yaml {values(bare, tmp_path)}")

    refused = make(bare, *up)
    assert refused.returncode != 0
    assert "does not hold images of Ink" in refused.stdout
    assert "ctr -n k8s.io images import" in refused.stdout
    assert inventory(kubectl) == before

    for archive in sorted((existing.DIST / "images").iterdir()):
        on_node(bare, "ctr", "-n", "k8s.io", "images", "import", str(archive))
    shutil.copyfile(existing.DIST / "buildkit.json", seccomp(bare))
    eventually(lambda: listed(kubectl) >= imported(bare), within=120, what="the node says that it has the images")

    installed = make(bare, *up)
    assert installed.returncode == 0, installed.stdout
    assert f"https://localhost:{bare.apps_port}/mcp" in installed.stdout
    hosts = bare.paths.certs_d / install.REGISTRY / "hosts.toml"
    hosts.parent.mkdir(parents=True)
    shutil.copyfile(existing.DIST / "hosts.toml", hosts)

    tested = helm.run("test", helm.RELEASE, "--namespace", helm.NAMESPACE, kubeconfig=bare.kubeconfig)
    assert tested.returncode == 0, tested.stdout + tested.stderr
    goes_live(bare, kubectl, tmp_path)
    again = make(bare, *up)
    assert again.returncode == 0, again.stdout

    taken_away(bare, kubectl)
    eventually(
        lambda: left(kubectl, before) == [],
        within=180,
        what="the end of all but CRDs",
        state=lambda: str(left(kubectl, before)),
    )


def listed(kubectl: Kubectl) -> set[str]:
    """Images that the node says it has."""
    return {name for node in kubectl.list("nodes") for one in node["status"]["images"] for name in one["names"] or ()}


def imported(cluster: Cluster) -> set[str]:
    """Images that are in its container runtime under names of Ink's."""
    rows = containerd.parse_images(on_node(cluster, "ctr", "-n", "k8s.io", "images", "list"))
    return {name for name in rows if name.startswith("registry.ink.local/ink-")}


def goes_live(cluster: Cluster, kubectl: Kubectl, scratch: Path) -> None:
    """An agent's way, and a visitor through the node's own port 443."""
    key = kubectl.secret("dp-system", "gateway", "bootstrap-api-key")
    ca = cluster.paths.ca
    agent = Agent(f"https://localhost:{cluster.apps_port}/mcp", ca, key)
    eventually(
        lambda: fetch(agent.url.replace("/mcp", "/healthz"), ca).status == 200, within=60, what="the gateway answers"
    )
    workspace = str(agent.ok("whoami")["workspace"])
    api = KubeApi(cluster.kubeconfig)
    try:
        hello = Platform(cluster, kubectl, api, agent, ca, scratch, workspace).deploy(
            "hello", SAMPLES / "hello-dockerfile"
        )
    finally:
        api.close()
    assert (hello.visit().status, hello.visit().body) == (200, "Hello from a Dockerfile, v1\n")
    at_node = ["--connect-to", f"::{cluster.addresses.node}:443"]
    said = subprocess.run(
        ["curl", "--silent", "--show-error", "--fail", "--cacert", str(ca), "--noproxy", "*", *at_node, hello.url],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert said.stdout == "Hello from a Dockerfile, v1\n", said.stderr


def taken_away(cluster: Cluster, kubectl: Kubectl) -> None:
    """README.md's commands: the services, the release, then what Helm keeps because it is users' data."""
    kubectl.run("delete", "inksvc", "--all", "--all-namespaces", "--timeout=120s", timeout=150)
    gone = helm.run("uninstall", helm.RELEASE, "--namespace", helm.NAMESPACE, "--wait", kubeconfig=cluster.kubeconfig)
    assert gone.returncode == 0, gone.stderr
    for selector in (OURS, "app.kubernetes.io/managed-by=ink"):
        kubectl.run("delete", "namespace", "--selector", selector, "--timeout=150s", timeout=180)
    kubectl.delete("namespace", helm.NAMESPACE)


def left(kubectl: Kubectl, before: set[str]) -> list[str]:
    """What was not there before, but for the CRDs and the API group that the API server makes of them."""
    kept = (" CustomResourceDefinition ", " APIService ")
    new = inventory(kubectl) - before
    return sorted(one for one in new if not (one.endswith(".ml.ink") and any(kind in one for kind in kept)))
