"""Mints short-lived credentials for builds: reading one repository, and pushing to one image repository."""

import base64
import time
import uuid
from collections.abc import Callable
from functools import cached_property
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from ink_api.reasons import Reason

from ink_operator.core.errors import Transient
from ink_operator.settings import Secrets

GIT_PREFIX = "mlg_"
REGISTRY_ISSUER, REGISTRY_AUDIENCE = "ink-operator", "ink-registry"
LEEWAY_SECONDS = 30


class TokenMint:
    """Implements ports.Tokens; docs/contracts.md has the claims."""

    def __init__(self, secrets: Secrets, lifetime_seconds: int, clock: Callable[[], float] = time.time) -> None:
        self._secrets = secrets
        self._lifetime = lifetime_seconds
        self._clock = clock

    def git_read(self, repository: str, tenant: str) -> str:
        """Read token for `<workspace>/<repo>` of Ink's git, on behalf of `tenant`."""
        if not self._secrets.git_signing_key:
            raise Transient("INK_GIT_SIGNING_KEY is not set", reason=Reason.INTERNAL_ERROR)
        claims = {"repo": repository, "scope": "read", "sub": tenant, "exp": int(self._clock()) + self._lifetime}
        return GIT_PREFIX + jwt.encode(claims, self._secrets.git_signing_key, algorithm="HS256")

    def registry(self, repository: str, *actions: str) -> str:
        """Bearer token of the registry for one repository."""
        key = self._registry_key
        now = int(self._clock())
        claims: dict[str, Any] = {
            "iss": REGISTRY_ISSUER,
            "aud": REGISTRY_AUDIENCE,
            "sub": repository,
            "iat": now - LEEWAY_SECONDS,
            "nbf": now - LEEWAY_SECONDS,
            "exp": now + self._lifetime,
            "jti": uuid.uuid4().hex,
            "access": [{"type": "repository", "name": repository, "actions": list(actions)}],
        }
        chain = {"x5c": [certificate_body(self._secrets.registry_token_cert)]}
        return jwt.encode(claims, key, algorithm="RS256", headers=chain)

    @cached_property
    def _registry_key(self) -> RSAPrivateKey:
        """Parsed once: checking the primes of an RSA key takes a hundred times as long as signing with it."""
        pem = self._secrets.registry_token_key
        if not pem:
            raise Transient("INK_REGISTRY_TOKEN_KEY is not set", reason=Reason.INTERNAL_ERROR)
        try:
            key = load_pem_private_key(pem.encode(), password=None)
        except ValueError:
            key = None
        if not isinstance(key, RSAPrivateKey):
            raise Transient("INK_REGISTRY_TOKEN_KEY is not an RSA key in PEM", reason=Reason.INTERNAL_ERROR)
        return key


def certificate_body(pem: str) -> str:
    """The first certificate of a PEM text as one line of base64 DER, as `x5c` wants it. Raises ValueError."""
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    if begin not in pem or end not in pem:
        raise ValueError("INK_REGISTRY_TOKEN_CERT holds no certificate")
    body = "".join(pem.split(begin, 1)[1].split(end, 1)[0].split())
    base64.b64decode(body, validate=True)
    return body
