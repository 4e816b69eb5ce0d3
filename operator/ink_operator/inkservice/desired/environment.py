"""The Secret of a service's unsealed variables, and the gateway's right to read that one Secret."""

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from ink_api.inkservice import EnvVar, InkService
from ink_api.names import ServiceIdentity, env_secret_name

from ink_operator.core import kinds
from ink_operator.core.kinds import Kind
from ink_operator.core.objects import Manifest
from ink_operator.inkservice.desired.common import child
from ink_operator.settings import Settings

COMPONENT = "env"


def env_name(identity: ServiceIdentity) -> str:
    """Name of the Secret, its Role and its RoleBinding."""
    return env_secret_name(identity.name)


def sealed_variables(service: InkService) -> list[tuple[str, str]]:
    """(variable, sealed value) of the application, by name."""
    return sealed_of(service.spec.env or [])


def sealed_of(variables: Iterable[EnvVar]) -> list[tuple[str, str]]:
    """(variable, sealed value), by name."""
    found = [(v.name, v.value_from.sealed) for v in variables if v.value_from is not None]
    return sorted((name, sealed) for name, sealed in found if sealed is not None)


def make_env_secret(service: InkService, identity: ServiceIdentity, values: Mapping[str, str]) -> Manifest:
    """The values as the kubelet reads them."""
    data = {name: base64.b64encode(value.encode()).decode() for name, value in values.items()}
    return _child(kinds.SECRET, service, identity, {"type": "Opaque", "data": data})


def make_env_grant(
    service: InkService, identity: ServiceIdentity, secret_uid: str, settings: Settings
) -> tuple[Manifest, Manifest]:
    """Role and RoleBinding for the gateway. They belong to the Secret, and go with it."""
    name = env_name(identity)
    owners = [{"apiVersion": kinds.SECRET.api_version, "kind": kinds.SECRET.kind, "name": name, "uid": secret_uid}]
    rule = {"apiGroups": [""], "resources": ["secrets"], "resourceNames": [name], "verbs": ["get"]}
    account = {
        "kind": "ServiceAccount",
        "name": settings.gateway_service_account,
        "namespace": settings.namespace,
    }
    role_ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": kinds.ROLE.kind, "name": name}
    return (
        _child(kinds.ROLE, service, identity, {"rules": [rule]}, owners),
        _child(kinds.ROLE_BINDING, service, identity, {"roleRef": role_ref, "subjects": [account]}, owners),
    )


def _child(
    kind: Kind,
    service: InkService,
    identity: ServiceIdentity,
    body: dict[str, Any],
    owners: list[dict[str, Any]] | None = None,
) -> Manifest:
    return child(
        kind,
        service,
        identity,
        name=env_name(identity),
        namespace=identity.namespace,
        component=COMPONENT,
        body=body,
        owners=owners,
    )
