"""Seals values to the operator's public keys with joserfc; reads unsealed values where the gateway is allowed to."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ink_api.inkservice import InkService
from ink_api.names import env_secret_name, identity_of
from ink_api.sealing import (
    ALGORITHM,
    CONFIG_MAP,
    ENCRYPTION,
    KEY_SET,
    Binding,
    SealedValueError,
    header_of,
    keyed_digest,
    kid_of,
    plaintext_of,
)
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from ink_gateway.errors import PartUnavailable
from ink_gateway.stores.kube import ApiStatusError, KubeApi, segment, translated

ALGORITHMS = [ALGORITHM, ENCRYPTION]


@dataclass(frozen=True)
class KeySealer:
    """The port `Sealer` on a set of public keys; the first one seals."""

    keys: Mapping[str, ECKey]
    digest_key: bytes = field(repr=False)

    def seal(self, binding: Binding, value: str) -> str:
        """A compact JWE, different each time."""
        kid, key = next(iter(self.keys.items()))
        return jwe.encrypt_compact(header_of(kid), plaintext_of(binding, value), key, algorithms=ALGORITHMS)

    def digest(self, binding: Binding, value: str) -> str:
        """The same value for the same variable, the same digest."""
        return keyed_digest(self.digest_key, *binding, value)

    def opens(self, sealed: str) -> bool:
        """Whether the operator still has the key that a value was sealed to."""
        try:
            return kid_of(sealed) in self.keys
        except SealedValueError:
            return False


class KubeSealingKeys:
    """The port `SealingKeys`: the keys that the operator publishes."""

    def __init__(self, api: KubeApi, namespace: str, digest_key: str) -> None:
        self._api, self._digest_key = api, digest_key.encode()
        self._path = f"/api/v1/namespaces/{segment(namespace)}/configmaps/{CONFIG_MAP}"

    async def sealer(self) -> KeySealer:
        """A sealer with the current keys."""
        return sealer_of(await self.public_keys(), self._digest_key)

    async def public_keys(self) -> dict[str, Any]:
        """The JWK set. Raises PartUnavailable while the operator has not published it."""
        try:
            found = await self._api.json("GET", self._path)
            keys: dict[str, Any] = json.loads(found["data"][KEY_SET])
        except ApiStatusError as error:
            if error.status in (403, 404):
                raise PartUnavailable("the operator", "it has not published its sealing keys yet") from error
            raise translated(error) from error
        except (KeyError, ValueError) as error:
            raise PartUnavailable("the operator", "its published sealing keys are unreadable") from error
        return keys


def sealer_of(key_set: Mapping[str, Any], digest_key: bytes) -> KeySealer:
    """Raises PartUnavailable for a key set that holds no usable key."""
    try:
        keys = {jwk["kid"]: ECKey.import_key(dict(jwk)) for jwk in key_set["keys"]}
    except (JoseError, KeyError, TypeError, ValueError):
        keys = {}
    if not keys:
        raise PartUnavailable("the operator", "its published sealing keys are unreadable")
    return KeySealer(keys, digest_key)


class KubeEnvironments:
    """The port `Environments`: Secrets that the operator allows the gateway to read one by one."""

    def __init__(self, api: KubeApi, tenants_namespace: str) -> None:
        self._api, self._tenants_namespace = api, tenants_namespace

    async def values(self, service: InkService) -> dict[str, str]:
        """The unsealed variables; empty before the first deployment."""
        who = identity_of(service.metadata.namespace, service.metadata.name, self._tenants_namespace)
        path = f"/api/v1/namespaces/{segment(who.namespace)}/secrets/{segment(env_secret_name(who.name))}"
        try:
            found = await self._api.json("GET", path)
        except ApiStatusError as error:
            if error.status in (403, 404):
                return {}
            raise translated(error) from error
        data: dict[str, str] = found.get("data") or {}
        return {name: base64.b64decode(value).decode() for name, value in data.items()}
