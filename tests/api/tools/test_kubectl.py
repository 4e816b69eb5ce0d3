"""What a person sees with kubectl: columns, short names, explain, the examples."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from support.cluster.control_plane import ROOT, ControlPlane
from support.cluster.kube_api import KubeApi
from support.resources.specs import custom_resource, path_of

HEALTH = ROOT / "charts/ink/files/argocd/health.lua"
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
NOW = "2026-01-01T00:00:00Z"


def ready(status: str, reason: str, *, generation: int = 1) -> dict[str, object]:
    fixed = {"type": "Ready", "message": "", "lastTransitionTime": NOW}
    return {**fixed, "status": status, "reason": reason, "observedGeneration": generation}


@pytest.fixture
def shop(control_plane: ControlPlane, namespace: str) -> str:
    """A service that has failed; its namespace."""
    control_plane.api.create(path_of("InkService", namespace), custom_resource("InkService"))
    path = f"/apis/ml.ink/v1alpha1/namespaces/{namespace}/inkservices/shop/status"
    status = {
        "conditions": [ready("False", "BuildFailed")],
        "url": "https://shop.example.com",
        "commit": "0123456789abcdef0123456789abcdef01234567",
    }
    control_plane.api.merge(path, {"status": status})
    return namespace


def test_get_shows_the_state_at_one_glance(control_plane: ControlPlane, shop: str) -> None:
    head, row = control_plane.kubectl.run("get", "inksvc", "-n", shop).splitlines()
    assert head.split() == ["NAME", "READY", "REASON", "URL", "COMMIT", "AGE"]
    assert row.split()[:4] == ["shop", "False", "BuildFailed", "https://shop.example.com"]


def test_wide_shows_the_image_and_the_replicas_too(control_plane: ControlPlane, shop: str) -> None:
    head = control_plane.kubectl.run("get", "inksvc", "-n", shop, "-o", "wide").splitlines()[0]
    assert head.split()[-3:] == ["AGE", "IMAGE", "REPLICAS"]


@pytest.mark.parametrize("word", ["ink", "inksvc", "inkservice", "inkservices.ml.ink"])
def test_every_name_of_the_kind_finds_it(control_plane: ControlPlane, shop: str, word: str) -> None:
    assert "shop" in control_plane.kubectl.run("get", word, "-n", shop, "-o", "name")


@pytest.mark.parametrize(
    ("field", "says"),
    [
        ("inksvc", "A repository or an image that runs and has a URL."),
        ("inksvc.spec.source.git.branch", "every push to it deploys"),
        ("inksvc.spec.health.startupGrace", "How long a start may take"),
        ("inksvc.status.observedGeneration", "metadata.generation"),
        ("inksvc.spec.build", "Everything is optional: Ink detects what it can."),
        ("inksvc.spec.build.installCommand", "such as `npm ci`. Not used with a Dockerfile."),
        ("inksvc.spec.resources.limits.memory", "Memory, such as `256Mi`."),
        ("inksvc.spec.volumes.deletionPolicy", "Retain keeps the claim and its data"),
        ("inksvc.status.revisions", "The last revisions, newest first."),
        ("inkres.spec.type", "Kind of backing service"),
        ("inkres.spec.deletionPolicy", "removes them after a last backup"),
        ("inkres.status.secretName", "Secret beside this object with the connection"),
        ("inkdom.spec.zone", "The zone"),
        ("inkdom.spec.records.name", "or `@` for the zone itself"),
        ("inkdom.status.verification", "TXT record to create at the present DNS provider"),
    ],
)
def test_explain_is_documentation(control_plane: ControlPlane, field: str, says: str) -> None:
    assert says in " ".join(control_plane.kubectl.run("explain", field).split())


@pytest.mark.parametrize(
    ("word", "columns"),
    [
        ("inkres", ["NAME", "READY", "REASON", "TYPE", "SECRET", "AGE", "PROVIDER", "REGION", "SIZE", "ENDPOINT"]),
        ("inkdom", ["NAME", "READY", "REASON", "ZONE", "AGE", "EXPIRES", "CERTIFICATE", "UNTIL", "NAMESERVERS"]),
    ],
)
def test_the_other_kinds_have_their_columns(
    control_plane: ControlPlane, namespace: str, word: str, columns: list[str]
) -> None:
    kind = {"inkres": "InkResource", "inkdom": "InkDomain"}[word]
    control_plane.api.create(path_of(kind, namespace), custom_resource(kind))
    assert control_plane.kubectl.run("get", word, "-n", namespace, "-o", "wide").splitlines()[0].split() == columns


def test_wait_ends_when_the_newest_spec_is_ready(control_plane: ControlPlane, shop: str) -> None:
    """Ready of an older generation does not count."""
    path = f"/apis/ml.ink/v1alpha1/namespaces/{shop}/inkservices/shop/status"
    wait = ("wait", "inksvc/shop", "-n", shop, "--for=condition=Ready")
    control_plane.api.merge(path, {"status": {"conditions": [ready("True", "Ready", generation=0)]}})
    assert "timed out" in control_plane.kubectl.attempt(*wait, "--timeout=1s").stderr
    control_plane.api.merge(path, {"status": {"conditions": [ready("True", "Ready")]}})
    control_plane.kubectl.run(*wait, "--timeout=10s")


def test_the_documented_command_teaches_argo_cd(control_plane: ControlPlane, api: KubeApi, namespace: str) -> None:
    """docs/gitops.md, in another namespace: the keys of others stay."""
    where = f"/api/v1/namespaces/{namespace}/configmaps"
    meta = {"name": "argocd-cm", "namespace": namespace}
    api.create(where, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"url": "x"}})
    page = (ROOT / "docs" / "gitops.md").read_text()
    command = next(block for block in page.split("```sh\n") if block.startswith("kubectl create configmap"))
    command = command.split("```")[0].replace("--namespace argocd", f"--namespace {namespace}")
    programs = str(Path(control_plane.kubectl.argv()[0]).parent)
    shell = {"KUBECONFIG": str(control_plane.kubeconfig), "PATH": f"{programs}:{os.environ['PATH']}"}
    subprocess.run(["bash", "-euo", "pipefail", "-c", command], cwd=ROOT, env={**os.environ, **shell}, check=True)
    data = api.get(f"{where}/argocd-cm")["data"]
    kinds = ("InkService", "InkResource", "InkDomain")
    assert set(data) == {"url", *(f"resource.customizations.health.ml.ink_{kind}" for kind in kinds)}
    assert data["resource.customizations.health.ml.ink_InkDomain"] == HEALTH.read_text()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_accepted_as_it_stands(control_plane: ControlPlane, namespace: str, example: Path) -> None:
    """Strictly: kubectl warns of no unknown field, and server-side apply takes it too."""
    kubectl = control_plane.kubectl
    for flag in ("--server-side=false", "--server-side"):
        done = kubectl.attempt("apply", "--dry-run=server", flag, "-n", namespace, "-f", str(example))
        assert (done.returncode, done.stderr) == (0, "")
