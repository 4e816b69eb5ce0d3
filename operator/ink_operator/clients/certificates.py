"""Certificates between build pods and their tenant's buildkitd.

buildkitd accepts every client with a certificate of its authority, so each tenant has an authority of its own. The key
is derived from the seed when it is needed, and stored nowhere.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ink_operator.core.errors import Terminal
from ink_operator.core.times import utc
from ink_operator.ports import Pair

SEED_SHORTEST = 32
SKEW = timedelta(minutes=5)
"""Clocks of nodes may differ by this much."""
AUTHORITY_LIFE, SERVER_LIFE = timedelta(days=3650), timedelta(days=365)
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class _Authority(NamedTuple):
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


class Issuer:
    """Implements ports.Certificates."""

    def __init__(self, seed: str, client_seconds: float, clock: Callable[[], datetime] | None = None) -> None:
        self._seed = seed.encode()
        self._client_life = timedelta(seconds=client_seconds)
        self._clock = clock or (lambda: datetime.now(UTC))

    def authority(self, tenant: str) -> str:
        """Names the tenant's authority; a different seed gives a different name."""
        return x509.SubjectKeyIdentifier.from_public_key(self._key(tenant).public_key()).digest.hex()[:16]

    def server(self, tenant: str, hosts: tuple[str, ...]) -> Pair:
        """For the tenant's buildkitd under these names."""
        return self._issue(tenant, "buildkitd", hosts, SERVER_LIFE, ExtendedKeyUsageOID.SERVER_AUTH)

    def client(self, tenant: str) -> Pair:
        """For one build of the tenant."""
        return self._issue(tenant, "build", (), self._client_life, ExtendedKeyUsageOID.CLIENT_AUTH)

    def _key(self, tenant: str) -> ec.EllipticCurvePrivateKey:
        if len(self._seed) < SEED_SHORTEST:
            raise Terminal("INK_BUILDKIT_SEED is missing or too short: the Secret buildkit-authority is incomplete")
        # 16 bytes longer than the order, so that the remainder is evenly distributed.
        derive = HKDF(hashes.SHA256(), length=48, salt=None, info=b"ink buildkit authority/" + tenant.encode())
        number = int.from_bytes(derive.derive(self._seed)) % (P256_ORDER - 1) + 1
        return ec.derive_private_key(number, ec.SECP256R1())

    def _authority(self, tenant: str) -> _Authority:
        key = self._key(tenant)
        builder = self._begun("ink-buildkit", key.public_key(), self._clock() + AUTHORITY_LIFE)
        usage = x509.KeyUsage(
            digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
            key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
        )  # fmt: skip
        builder = (
            builder.issuer_name(_name("ink-buildkit"))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
        )
        return _Authority(key, builder.sign(key, hashes.SHA256()))

    def _begun(self, name: str, key: ec.EllipticCurvePublicKey, until: datetime) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._clock() - SKEW)
            .not_valid_after(until)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        )

    def _issue(
        self, tenant: str, name: str, hosts: tuple[str, ...], life: timedelta, usage: x509.ObjectIdentifier
    ) -> Pair:
        authority, key = self._authority(tenant), ec.generate_private_key(ec.SECP256R1())
        until = self._clock() + life
        builder = (
            self._begun(name, key.public_key(), until)
            .issuer_name(authority.certificate.subject)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False
            )
        )
        if hosts:
            names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
            builder = builder.add_extension(names, critical=False)
        return Pair(
            ca=_text(authority.certificate),
            cert=_text(builder.sign(authority.key, hashes.SHA256())),
            key=key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ).decode(),
            expires=utc(until),
        )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _text(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
