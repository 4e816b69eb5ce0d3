"""The format of sealed values, shared by those who seal and those who unseal. A library does the encryption.

A sealed value is a compact JWE (RFC 7516), encrypted to one of the platform's public keys. The encrypted, and thus
authenticated, text names the variable that the value is for: in another variable, service or tenant it is rejected.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from ink_api.names import ServiceIdentity

ALGORITHM, ENCRYPTION, CURVE = "ECDH-ES+A256KW", "A256GCM", "P-256"
CONFIG_MAP = "ink-sealing"
"""In the system namespace, readable by the gateway: the public keys."""
KEY_SET = "jwks.json"
"""Key in the ConfigMap: a JWK set (RFC 7517). Its first key is the one to seal with."""
SEALED_MAX = 300_000
"""Characters of a sealed value: enough for the longest value of a variable, escaped and encrypted."""


class SealedValueError(ValueError):
    """A sealed value that cannot be used. The message never contains the value."""


class Binding(NamedTuple):
    """The one variable of the one service that a sealed value is for."""

    tenant: str
    project: str
    """Empty for services outside the tenants namespace."""
    service: str
    variable: str


def binding_of(identity: ServiceIdentity, variable: str) -> Binding:
    """The binding of a service's variable."""
    return Binding(identity.tenant, identity.project, identity.name, variable)


def header_of(kid: str) -> dict[str, str]:
    """The protected header. `kid`: thumbprint of the public key (RFC 7638)."""
    return {"alg": ALGORITHM, "enc": ENCRYPTION, "kid": kid}


def plaintext_of(binding: Binding, value: str) -> bytes:
    """The text to encrypt."""
    return json.dumps({**binding._asdict(), "value": value}, ensure_ascii=False, separators=(",", ":")).encode()


def value_of(binding: Binding, plaintext: bytes) -> str:
    """The value that was sealed for this binding. Raises SealedValueError when it was sealed for another."""
    try:
        claims = json.loads(plaintext)
        bound, value = Binding(*(claims[name] for name in Binding._fields)), claims["value"]
    except (ValueError, KeyError, TypeError):
        raise SealedValueError("the decrypted text does not have the expected form") from None
    if bound != binding or not isinstance(value, str):
        raise SealedValueError("it was sealed for another variable, service or tenant")
    return value


def kid_of(sealed: str) -> str:
    """ID of the key that a value is sealed with. Raises SealedValueError if it is not a compact JWE."""
    head = sealed.partition(".")[0]
    try:
        header: Any = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
        kid = header["kid"]
    except (binascii.Error, ValueError, KeyError, TypeError):
        raise SealedValueError("it is not a compact JWE with a key ID") from None
    if not isinstance(kid, str):
        raise SealedValueError("it is not a compact JWE with a key ID")
    return kid


def keyed_digest(key: bytes, *parts: str) -> str:
    """HMAC-SHA256 in hex. Parts are length-prefixed. Without the key, nobody can guess values from the digest."""
    digest = hmac.new(key, digestmod=hashlib.sha256)
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()


def values_digest(key: bytes, values: Mapping[Binding, str]) -> str:
    """Digest of the values, independent of their order."""
    return keyed_digest(key, *(part for binding, value in sorted(values.items()) for part in (*binding, value)))
