"""The Secret of a service's unsealed variables, and the gateway's right to read that one Secret."""

import base64
from collections.abc import Mapping
from typing import Any

from ink_api.inkservice import InkService
from ink_api.names import ServiceIdentity

from ink_operator.core import kinds, objects
from ink_operator.core.kinds import Kind
from ink_operator.inkservice import names
from ink_operator.inkservice.desired import common
from ink_operator.settings import Settings


def make_env_secret(service: InkService, identity: ServiceIdentity, values: Mapping[str, str]) -> objects.Manifest:
    """The values as the kubelet reads them."""
    data = {name: base64.b64encode(value.encode()).decode() for name, value in values.items()}
    return _child(kinds.SECRET, service, identity, {"type": "Opaque", "data": data})


def make_env_grant(
    service: InkService, identity: ServiceIdentity, secret_uid: str, settings: Settings
) -> tuple[objects.Manifest, objects.Manifest]:
    """Role and RoleBinding for the gateway. They are owned by the Secret, and deleted with it."""
    name = names.env_secret(identity)
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
) -> objects.Manifest:
    return common.child(
        kind,
        service,
        identity,
        name=names.env_secret(identity),
        namespace=identity.namespace,
        component=names.ENV,
        body=body,
        owners=owners,
    )
