"""Certificates of a local cluster."""

from __future__ import annotations

import base64
import ssl
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store
from ink_local.cluster import LocalCluster
from ink_local.control_plane import certs


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> LocalCluster:
    made = LocalCluster("dev", 0, tmp_path_factory.mktemp("state"))
    certs.ensure(made)
    return made


def load(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_every_leaf_is_of_its_own_ca(cluster: LocalCluster) -> None:
    for leaf in certs.leaves(cluster):
        certificate = load(cluster.paths.certs / f"{leaf.name}.crt")
        certificate.verify_directly_issued_by(load(cluster.paths.certs / f"{leaf.ca}.crt"))


@pytest.mark.parametrize("host", ["hello.apps.localhost", "git.localhost", "localhost", "mcp.localhost"])
def test_a_strict_client_takes_the_apps_certificate(cluster: LocalCluster, host: str) -> None:
    store = Store([load(cluster.paths.ca)])
    verifier = PolicyBuilder().store(store).build_server_verifier(x509.DNSName(host))
    assert verifier.verify(load(cluster.paths.apps_certificate), [])


def test_openssl_takes_certificate_and_key_together(cluster: LocalCluster) -> None:
    ssl.create_default_context(cafile=str(cluster.paths.ca)).load_cert_chain(
        cluster.paths.apps_certificate, cluster.paths.apps_key
    )


def test_keys_are_nobody_elses_to_read(cluster: LocalCluster) -> None:
    secret = [*cluster.paths.certs.glob("*.key"), cluster.kubeconfig, cluster.paths.apps_secret]
    assert {path.stat().st_mode & 0o077 for path in secret} == {0}


def test_the_secret_manifest_holds_the_apps_certificate(cluster: LocalCluster) -> None:
    secret = yaml.safe_load(cluster.paths.apps_secret.read_text())
    assert secret["type"] == "kubernetes.io/tls"
    assert base64.b64decode(secret["data"]["tls.crt"]) == cluster.paths.apps_certificate.read_bytes()


def test_a_second_run_changes_no_file(cluster: LocalCluster) -> None:
    before = {path: path.stat().st_mtime_ns for path in cluster.paths.root.rglob("*") if path.is_file()}
    certs.ensure(cluster)
    assert before == {path: path.stat().st_mtime_ns for path in cluster.paths.root.rglob("*") if path.is_file()}


def test_the_kubelet_is_the_node_that_rbac_knows(cluster: LocalCluster) -> None:
    subject = load(cluster.paths.certs / "kubelet.crt").subject.rfc4514_string()
    assert subject == "CN=system:node:ink-dev,O=system:nodes"
