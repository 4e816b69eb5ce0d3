"""The keys of sealed values: created once, stored in a Secret, published in a ConfigMap. Also unseals, with joserfc."""

import asyncio
import base64
import json
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ink_api.group import LABEL_MANAGED_BY, MANAGED_BY
from ink_api.sealing import (
    ALGORITHM,
    CONFIG_MAP,
    CURVE,
    ENCRYPTION,
    KEY_SET,
    SEALED_MAX,
    Binding,
    SealedValueError,
    kid_of,
    value_of,
    values_digest,
)
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from ink_operator.core import kinds
from ink_operator.core.canonical import settled, stamped
from ink_operator.core.errors import AlreadyExists, Conflict, InkError, Transient
from ink_operator.core.objects import Manifest, Ref
from ink_operator.ports import KubernetesApi

log = logging.getLogger(__name__)
SECRET = "sealing-keys"  # noqa: S105 - its name
ROLLOUT_KEY = "rollout-key"
"""Key in the Secret: of the digests on pod templates."""
REREAD_SECONDS = 10.0
RETRY_SECONDS = 5.0


class SealedValueRegistry(jwe.JWERegistry):
    """Accepts values as long as the API allows."""

    max_ciphertext_length = SEALED_MAX


@dataclass(frozen=True)
class Ring:
    """The keys. `keys`: by id, the one to seal with first."""

    keys: Mapping[str, ECKey] = field(repr=False)
    rollout_key: bytes = field(repr=False)


class KeyRing:
    """Implements ports.Unsealing. `count`: how many keys there should be; a higher number adds newer keys."""

    def __init__(
        self, cluster: KubernetesApi, namespace: str, count: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._cluster, self._count, self._clock = cluster, count, clock
        self._secret, self._public = (
            Ref(kinds.SECRET, namespace, SECRET),
            Ref(kinds.CONFIG_MAP, namespace, CONFIG_MAP),
        )
        self._ring: Ring | None = None
        self._read_at = 0.0

    async def run(self, interval_seconds: float) -> None:
        """Ensure the keys once per interval, until cancelled: someone may have removed them."""
        while True:
            try:
                await self.ensure()
                await asyncio.sleep(interval_seconds)
            except InkError as error:
                log.warning("cannot ensure the sealing keys: %s", error)
                await asyncio.sleep(RETRY_SECONDS)

    async def ensure(self) -> None:
        """Make sure that the keys exist and the public ones are published. Raises InkError."""
        ring = await self._read(make=True)
        wanted = public_manifest(self._public, ring)
        if not settled(await self._cluster.get(self._public), wanted):
            await self._cluster.apply(wanted)
            log.info("published %d sealing keys in the ConfigMap %s", len(ring.keys), CONFIG_MAP)

    async def unseal(self, sealed: str, binding: Binding) -> str:
        """The value. Raises SealedValueError if it was not sealed for this binding with one of our keys."""
        kid = kid_of(sealed)
        ring = self._ring or await self._read()
        if kid not in ring.keys and self._clock() - self._read_at >= REREAD_SECONDS:
            ring = await self._read()
        key = ring.keys.get(kid)
        if key is None:
            raise SealedValueError("it is sealed with a key that this platform does not have")
        return value_of(binding, decrypt(sealed, key))

    async def digest(self, values: Mapping[Binding, str]) -> str:
        """A keyed digest of the values, which reveals nothing without the key."""
        ring = self._ring or await self._read()
        return values_digest(ring.rollout_key, values)

    async def _read(self, *, make: bool = False) -> Ring:
        live = await self._cluster.get(self._secret)
        ring = ring_of(live)
        if make and (ring is None or len(ring.keys) < self._count):
            ring = await self._grow(live, ring)
        if ring is None:
            raise Transient(f"the Secret {SECRET} holds no sealing keys yet")
        self._ring, self._read_at = ring, self._clock()
        return ring

    async def _grow(self, live: Manifest | None, ring: Ring | None) -> Ring:
        """Add keys, newest first; written only if nobody else wrote in between."""
        keys = list(ring.keys.values()) if ring else []
        fresh = [ECKey.generate_key(CURVE, private=True) for _ in range(self._count - len(keys))]
        rollout_key = ring.rollout_key if ring else secrets.token_bytes(32)
        grown = Ring({key.thumbprint(): key for key in (*fresh, *keys)}, rollout_key)
        data = secret_data(grown)
        try:
            if live is None:
                meta = {"name": SECRET, "namespace": self._secret.namespace, "labels": {LABEL_MANAGED_BY: MANAGED_BY}}
                await self._cluster.create({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": data})
            else:
                meta = {"resourceVersion": live["metadata"]["resourceVersion"]}
                await self._cluster.merge_patch(self._secret, {"metadata": meta, "data": data})
        except AlreadyExists:
            raise Conflict(f"another process created the Secret {SECRET}", retry_after_seconds=0.2) from None
        log.info("created %d sealing keys; there are %d now", len(fresh), len(grown.keys))
        return grown


def decrypt(sealed: str, key: ECKey) -> bytes:
    """The plaintext of a sealed value. Raises SealedValueError."""
    try:
        plaintext = jwe.decrypt_compact(
            sealed, key, registry=SealedValueRegistry(algorithms=[ALGORITHM, ENCRYPTION])
        ).plaintext
    except (JoseError, ValueError):
        plaintext = None
    if plaintext is None:
        raise SealedValueError("it cannot be decrypted: it was changed or truncated")
    return plaintext


def ring_of(live: Manifest | None) -> Ring | None:
    """The keys in the Secret; None while there are none. Raises Transient when they are unreadable."""
    data = (live or {}).get("data") or {}
    if KEY_SET not in data or ROLLOUT_KEY not in data:
        return None
    try:
        stored: list[dict[str, Any]] = json.loads(base64.b64decode(data[KEY_SET]))["keys"]
        keys = [ECKey.import_key(dict(jwk)) for jwk in stored]
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise Transient(
            f"the Secret {SECRET} is unreadable ({type(error).__name__}); restore it from a backup"
        ) from None
    return Ring({key.thumbprint(): key for key in keys}, base64.b64decode(data[ROLLOUT_KEY]))


def secret_data(ring: Ring) -> dict[str, str]:
    """`data` of the Secret."""
    text = json.dumps({"keys": [key.as_dict(private=True) for key in ring.keys.values()]})
    return {
        KEY_SET: base64.b64encode(text.encode()).decode(),
        ROLLOUT_KEY: base64.b64encode(ring.rollout_key).decode(),
    }


def public_manifest(ref: Ref, ring: Ring) -> Manifest:
    """The ConfigMap: no private part of any key."""
    use = {"use": "enc", "alg": ALGORITHM}
    keys = [{**key.as_dict(private=False), "kid": kid, **use} for kid, key in ring.keys.items()]
    meta = {"name": ref.name, "namespace": ref.namespace, "labels": {LABEL_MANAGED_BY: MANAGED_BY}, "annotations": {}}
    body = {"data": {KEY_SET: json.dumps({"keys": keys}, sort_keys=True)}}
    return stamped({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, **body})
