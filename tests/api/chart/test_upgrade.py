"""Installing again changes nothing; what was drawn once is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.cluster import helm
from support.cluster.control_plane import ControlPlane

SECRETS = (
    ("dp-system", "registry-token"),
    ("dp-system", "registry-node"),
    ("dp-system", "git-keys"),
    ("dp-system", "gateway"),
    ("dp-system", "buildkit-client"),
    ("dp-buildkit", "buildkit-server"),
    ("ink-ingress", "apps-tls"),
)


def seen(plane: ControlPlane) -> dict[str, Any]:
    """The Secrets' data, and the generation of everything that runs."""
    secrets = {name: (plane.kubectl.get("secret", name, namespace) or {}).get("data") for namespace, name in SECRETS}
    workloads = [*plane.kubectl.list("deployments"), *plane.kubectl.list("daemonsets")]
    return secrets | {w["metadata"]["name"] + " runs": w["metadata"]["generation"] for w in workloads}


def test_installing_again_keeps_every_secret_and_restarts_nothing(plane: ControlPlane, tmp_path: Path) -> None:
    before = seen(plane)
    assert all(before.values())
    helm.install(plane.kubeconfig, tmp_path)
    assert seen(plane) == before


def test_a_new_key_for_the_gateway_leaves_the_other_secrets_alone(plane: ControlPlane, tmp_path: Path) -> None:
    before, key = seen(plane), "dk_live_" + "a" * 40
    helm.install(plane.kubeconfig, tmp_path, {"gateway": {"bootstrapApiKey": key}})
    assert plane.kubectl.secret("dp-system", "gateway", "bootstrap-api-key") == key
    after = seen(plane)
    assert after.pop("gateway")["internal-token"] == before.pop("gateway")["internal-token"]
    assert after == before


def test_certificates_of_tenants_outlive_an_upgrade(plane: ControlPlane, tmp_path: Path) -> None:
    """Another seed would refuse every build that runs."""
    own = {"builders": {"shared": False}}
    try:
        helm.install(plane.kubeconfig, tmp_path, own)
        seed = plane.kubectl.secret("dp-system", "buildkit-authority", "seed")
        assert len(seed) == 64
        helm.install(plane.kubeconfig, tmp_path, own)
        assert plane.kubectl.secret("dp-system", "buildkit-authority", "seed") == seed
    finally:
        helm.install(plane.kubeconfig, tmp_path)
