"""Certificates and kubeconfigs: EC P-256, made once a cluster, renewed when less than a week is left."""

from __future__ import annotations

import base64
import datetime as dt
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from ink_artifacts import files

from ink_local.cluster import LocalCluster

APPS_SECRET = "apps-wildcard"
APPS_HOSTS = ("apps.localhost", "localhost", "git.localhost", "mcp.localhost", "registry.localhost")
"""Named one by one: OpenSSL takes no wildcard directly below a top-level name."""
_CA_DAYS, _LEAF_DAYS, _RENEW_DAYS = 3650, 365, 7
_SERVER, _CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH


@dataclass(frozen=True)
class Leaf:
    """One certificate to make. `names` are DNS names and IP addresses; `server` adds server use to client use."""

    name: str
    ca: str
    common_name: str
    organisation: str = ""
    names: tuple[str, ...] = ()
    server: bool = False


CAS = {"ca": "Ink local Kubernetes CA", "front-proxy-ca": "Ink local front proxy CA", "etcd-ca": "Ink local etcd CA"}
KUBECONFIGS = ("admin", "controller-manager", "scheduler", "kubelet", "kube-proxy", "calico")


def leaves(cluster: LocalCluster) -> list[Leaf]:
    """Every certificate of the node. Default RBAC knows the users and groups by these very names."""
    addresses, node = cluster.addresses, cluster.node_name
    service = "kubernetes.default.svc"
    api_names = (
        *("kubernetes", "kubernetes.default", service, f"{service}.cluster.local", "localhost", node),
        *("127.0.0.1", addresses.node, addresses.api_service),
    )
    return [
        Leaf("apiserver", "ca", "kube-apiserver", names=api_names, server=True),
        Leaf("apiserver-kubelet", "ca", "kube-apiserver-kubelet-client", "system:masters"),
        Leaf("front-proxy", "front-proxy-ca", "front-proxy-client"),
        Leaf("etcd", "etcd-ca", "etcd", names=("localhost", "127.0.0.1"), server=True),
        Leaf("apiserver-etcd", "etcd-ca", "kube-apiserver"),
        Leaf("admin", "ca", "ink-local-admin", "system:masters"),
        Leaf("controller-manager", "ca", "system:kube-controller-manager"),
        Leaf("scheduler", "ca", "system:kube-scheduler"),
        Leaf("kubelet", "ca", f"system:node:{node}", "system:nodes"),
        Leaf("kubelet-server", "ca", node, names=(node, addresses.node, "127.0.0.1"), server=True),
        Leaf("kube-proxy", "ca", "system:kube-proxy"),
        Leaf("calico", "ca", "ink-local-calico", "system:masters"),
    ]  # fmt: skip


def ensure(cluster: LocalCluster) -> None:
    """Make whatever is missing or about to expire, and the kubeconfigs, the apps' certificate and its Secret."""
    directory = cluster.paths.certs
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o700)
    for name, common_name in CAS.items():
        _ensure_ca(directory, name, common_name)
    for leaf in leaves(cluster):
        _ensure_leaf(directory, leaf)
    if not (directory / "sa.key").exists():
        key = ec.generate_private_key(ec.SECP256R1())
        files.write(directory / "sa.pub", _public_pem(key))
        files.write(directory / "sa.key", _key_pem(key))
    for user in KUBECONFIGS:
        path = cluster.kubeconfig if user == "admin" else kubeconfig_path(cluster, user)
        files.write(path, _kubeconfig(cluster, user).encode())
    _ensure_apps(cluster)


def kubeconfig_path(cluster: LocalCluster, user: str) -> Path:
    """Kubeconfig of a component."""
    return cluster.paths.certs / f"{user}.kubeconfig"


def _ensure_apps(cluster: LocalCluster) -> None:
    directory = cluster.paths.certs
    _ensure_ca(directory, "apps-ca", f"Ink local apps CA ({cluster.name})")
    hosts = ("*.apps.localhost", *APPS_HOSTS, "*.localhost", "127.0.0.1", cluster.addresses.node)
    _ensure_leaf(directory, Leaf("apps", "apps-ca", "apps.localhost", names=hosts, server=True))
    files.write(cluster.paths.ca, (directory / "apps-ca.crt").read_bytes(), mode=0o644)
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"name": APPS_SECRET},
        "data": {
            "tls.crt": _b64(cluster.paths.apps_certificate.read_bytes()),
            "tls.key": _b64(cluster.paths.apps_key.read_bytes()),
        },
    }
    files.write(cluster.paths.apps_secret, yaml.safe_dump(secret).encode())


def _ensure_ca(directory: Path, name: str, common_name: str) -> None:
    if _good_for(directory / f"{name}.crt", days=_LEAF_DAYS + _RENEW_DAYS):
        return
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = (
        _builder(subject, subject, key, _CA_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    files.write(directory / f"{name}.key", _key_pem(key))
    files.write(directory / f"{name}.crt", builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))


def _ensure_leaf(directory: Path, leaf: Leaf) -> None:
    path, ca_path = directory / f"{leaf.name}.crt", directory / f"{leaf.ca}.crt"
    if _good_for(path, days=_RENEW_DAYS) and path.stat().st_mtime >= ca_path.stat().st_mtime:
        return
    ca = x509.load_pem_x509_certificate(ca_path.read_bytes())
    ca_key = serialization.load_pem_private_key((directory / f"{leaf.ca}.key").read_bytes(), None)
    if not isinstance(ca_key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{leaf.ca}.key is not an elliptic curve key")
    key = ec.generate_private_key(ec.SECP256R1())
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, leaf.common_name)]
    if leaf.organisation:
        attributes.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, leaf.organisation))
    builder = (
        _builder(x509.Name(attributes), ca.subject, key, _LEAF_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([_CLIENT, *([_SERVER] if leaf.server else [])]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
    )
    if leaf.names:
        builder = builder.add_extension(x509.SubjectAlternativeName([_name(n) for n in leaf.names]), critical=False)
    files.write(directory / f"{leaf.name}.key", _key_pem(key))
    files.write(path, builder.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: int
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(days=days))
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _good_for(path: Path, *, days: int) -> bool:
    if not path.exists():
        return False
    left = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc - dt.datetime.now(dt.UTC)
    return left > dt.timedelta(days=days)


def _kubeconfig(cluster: LocalCluster, user: str) -> str:
    """The API server's address is the node's own, reachable from the machine and the node alike."""
    directory = cluster.paths.certs
    name = f"ink-{cluster.name}"
    who = {
        "client-certificate-data": _b64((directory / f"{user}.crt").read_bytes()),
        "client-key-data": _b64((directory / f"{user}.key").read_bytes()),
    }
    where = {"server": cluster.api_url, "certificate-authority-data": _b64((directory / "ca.crt").read_bytes())}
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "contexts": [{"name": name, "context": {"cluster": name, "user": user}}],
            "clusters": [{"name": name, "cluster": where}],
            "users": [{"name": user, "user": who}],
        }
    )


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _public_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
