"""What the chart renders to: the whole of it as golden files, and what single values change."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from support.cluster.helm import CHART, Manifest
from unit.chart.looking import one

ROOT = CHART.parents[1]
GOLDEN = ROOT / "tests" / "golden" / "chart"


def comparable(manifests: list[Manifest]) -> str:
    """Sorted, without the CRDs (they are compared elsewhere) and without what is drawn anew at each rendering."""
    shown = []
    for manifest in manifests:
        if manifest["kind"] == "CustomResourceDefinition":
            continue
        if manifest["kind"] == "Secret":
            shown.append({**manifest, "data": dict.fromkeys(manifest.get("data", {}), "(drawn)")})
        else:
            shown.append(manifest)
    shown.sort(key=lambda m: (m["kind"], m["metadata"].get("namespace", ""), m["metadata"]["name"]))
    return yaml.safe_dump_all(shown, sort_keys=True, width=120)


def test_the_local_rendering_is_the_golden_one(local: list[Manifest]) -> None:
    """Run with INK_GOLDEN=write to accept a change, and review it as a diff."""
    file, seen = GOLDEN / "local.yaml", comparable(local)
    if os.environ.get("INK_GOLDEN") == "write":
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(seen)
    assert seen == file.read_text()


@pytest.mark.parametrize("file", sorted((ROOT / "crds" / "generated").glob("*.yaml")), ids=lambda file: file.stem)
def test_the_charts_crds_are_the_generated_ones(file: Path, plain: list[Manifest]) -> None:
    copy = CHART / "files" / "crds" / file.name
    assert copy.read_text() == file.read_text(), "run 'make crds'"
    generated = yaml.safe_load(file.read_text())
    rendered = one(plain, "CustomResourceDefinition", generated["metadata"]["name"])
    assert rendered["spec"] == generated["spec"]
    assert rendered["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


def test_what_a_buildkitd_for_each_tenant_changes_is_the_golden_one(
    local: list[Manifest], tenants: list[Manifest]
) -> None:
    """Only what differs: the daemons' namespace, the operator's rights and confines."""
    same = {comparable([manifest]) for manifest in local}
    file, seen = GOLDEN / "tenants.yaml", comparable([m for m in tenants if comparable([m]) not in same])
    if os.environ.get("INK_GOLDEN") == "write":
        file.write_text(seen)
    assert seen == file.read_text()


def test_data_outlives_the_release(plain: list[Manifest]) -> None:
    secrets = {"registry-token", "registry-node", "build-logs", "git-keys", "gateway", "sealing-keys"}
    for manifest in plain:
        known = manifest["kind"] == "Secret" and manifest["metadata"]["name"] in secrets
        if known or manifest["kind"] in ("Namespace", "PersistentVolumeClaim"):
            assert manifest["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep", manifest["metadata"][
                "name"
            ]


def test_a_postgres_url_frees_the_gateway_from_its_volume(rendered: Callable[[Manifest], list[Manifest]]) -> None:
    manifests = rendered({"gateway": {"replicas": 3, "database": {"url": "postgresql+asyncpg://u:p@db/ink"}}})
    gateway = one(manifests, "Deployment", "gateway")
    assert gateway["spec"]["replicas"] == 3
    assert gateway["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert not [
        m for m in manifests if m["kind"] == "PersistentVolumeClaim" and m["metadata"]["name"] == "gateway-data"
    ]


def test_with_an_ingress_class_of_ones_own_traefik_stays_out(rendered: Callable[[Manifest], list[Manifest]]) -> None:
    manifests = rendered(
        {
            "ingress": {
                "enabled": False,
                "className": "nginx",
                "url": "https://ingress.example.com",
                "podLabels": {"app": "nginx"},
            },
            "namespaces": {"ingress": "ingress-nginx"},
        }
    )
    assert not [m for m in manifests if m["metadata"]["name"] in ("traefik", "ink-ingressclass", "unrouted")]
    assert one(manifests, "Ingress", "git")["spec"]["ingressClassName"] == "nginx"
    peers = one(manifests, "NetworkPolicy", "git")["spec"]["ingress"][0]["from"]
    assert {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}},
        "podSelector": {"matchLabels": {"app": "nginx"}},
    } in peers


def test_pools_place_the_pods(rendered: Callable[[Manifest], list[Manifest]]) -> None:
    pools = {
        name: {"nodeSelector": {f"ml.ink/pool-{name}": "true"}, "tolerations": [{"key": name, "operator": "Exists"}]}
        for name in ("run", "build", "ops", "ctrl")
    }
    manifests = rendered({"pools": pools})
    placed = {
        m["metadata"]["name"]: next(iter(m["spec"]["template"]["spec"]["nodeSelector"])).removeprefix("ml.ink/pool-")
        for m in manifests
        if m["kind"] in ("Deployment", "DaemonSet")
    }
    assert placed == {
        "operator": "ctrl", "resolver": "ctrl", "gateway": "ctrl", "build-logs": "ctrl",
        "git": "ops", "registry": "ops", "buildkitd": "build", "traefik": "run",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"builders": {"tenant": {"storage": {"ephemeral": "yes"}}}}, "ephemeral"),
        ({"gateway": {"replicas": 2}}, "gateway.database.url"),
        ({"ingress": {"tls": {"certificate": "x"}}}, "ingress.tls.key"),
        ({"network": {"deniedCIDR": []}}, "deniedCIDR"),
        ({"gateway": {"bootstrapApiKey": "secret"}}, "bootstrapApiKey"),
        ({"platform": {"port": 0}}, "port"),
        ({"builders": {"scan": {"image": "warn"}}}, "builders.sbom.enabled"),
        ({"builders": {"platform": "arm64"}}, "platform"),
        ({"builders": {"provenance": "full"}}, "provenance"),
    ],
)
def test_values_that_cannot_work_are_refused_with_a_word(
    values: Manifest, words: str, refusal: Callable[[Manifest], str]
) -> None:
    assert words in refusal(values)
