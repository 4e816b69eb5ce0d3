"""`ink seal`: encrypts a value to the platform's key, for users who commit InkServices to a repository."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
from ink_api.names import ServiceIdentity
from ink_api.sealing import ALGORITHM, ENCRYPTION, binding_of, header_of, plaintext_of
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from ink_cli.client import CONNECT_SECONDS, UNAUTHORIZED, tls
from ink_cli.config import Connection
from ink_cli.errors import KeyRefused, Unreachable, UsageError

PATH = "/v1/sealing-keys"


def fetched(connection: Connection) -> dict[str, Any]:
    """The public keys, from the gateway. Raises CliError."""
    base = connection.url.rstrip("/").removesuffix("/mcp")
    headers = {"Authorization": f"Bearer {connection.key}"}
    try:
        answer = httpx2.get(base + PATH, headers=headers, verify=tls(connection), timeout=CONNECT_SECONDS)
        if answer.status_code == UNAUTHORIZED:
            raise KeyRefused("the gateway refused the API key")
        answer.raise_for_status()
        keys: dict[str, Any] = answer.json()
    except (httpx2.HTTPError, ValueError) as error:
        raise Unreachable(
            f"{base}{PATH} does not answer: {error}. Try again, or pass the keys with --keys FILE"
        ) from error
    return keys


def read(file: str) -> dict[str, Any]:
    """The public keys, from a file with the ConfigMap's `jwks.json`. Raises UsageError."""
    try:
        keys: dict[str, Any] = json.loads(Path(file).read_text())
    except ValueError as error:
        raise UsageError(f"{file} is not a JWK set: {error}. Pass jwks.json from the ConfigMap ink-sealing") from error
    return keys


def sealed(key_set: Mapping[str, Any], namespace: str, service: str, variable: str, value: str) -> str:
    """The sealed value for one variable of one service in a user's own namespace. Raises UsageError."""
    binding = binding_of(ServiceIdentity(namespace, "", service, namespace), variable)
    try:
        first = dict(key_set["keys"][0])
        key = ECKey.import_key(first)
        header, text = header_of(first["kid"]), plaintext_of(binding, value)
        return jwe.encrypt_compact(header, text, key, algorithms=[ALGORITHM, ENCRYPTION])
    except (JoseError, KeyError, IndexError, TypeError, ValueError) as error:
        raise UsageError(f"the platform's keys cannot be used ({type(error).__name__})") from error
