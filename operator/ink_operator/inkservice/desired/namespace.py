"""The namespace of a project: its limits, and who may work in it."""

from typing import Any

from ink_api import group
from ink_api.inkservice.workload import DEFAULT_CPU, DEFAULT_MEMORY
from ink_api.names import ServiceIdentity

from ink_operator.core import canonical, kinds, objects
from ink_operator.core.kinds import Kind
from ink_operator.inkservice import names
from ink_operator.inkservice.facts import effective, ownership
from ink_operator.settings import Settings

BASELINE, RESTRICTED = "baseline", "restricted"


def make_namespace(identity: ServiceIdentity) -> objects.Manifest:
    """Pod Security enforces baseline and warns for restricted: images that start as root may run."""
    labels = {
        group.LABEL_MANAGED_BY: group.MANAGED_BY,
        group.LABEL_MANAGED_NAMESPACE: "true",
        group.LABEL_TENANT: identity.tenant,
        group.LABEL_PROJECT: identity.project,
        "pod-security.kubernetes.io/enforce": BASELINE,
        "pod-security.kubernetes.io/warn": RESTRICTED,
    }
    meta = {"name": identity.namespace, "labels": labels, "annotations": {}}
    return canonical.stamped(
        {"apiVersion": kinds.NAMESPACE.api_version, "kind": kinds.NAMESPACE.kind, "metadata": meta}
    )


def make_role_binding(namespace: str, name: str, role: str, account: str, account_namespace: str) -> objects.Manifest:
    """Grants one of the two ClusterRoles inside the namespace."""
    return _own(kinds.ROLE_BINDING, namespace, name, ownership.grant_of(role, account, account_namespace))


def make_own_grant(namespace: str, settings: Settings) -> objects.Manifest:
    """What lets the operator work in the namespace."""
    return _own(kinds.ROLE_BINDING, namespace, names.OPERATOR_GRANT, ownership.operator_grant(settings))


def make_quota(namespace: str) -> objects.Manifest:
    """Limits for a whole project."""
    hard = {
        "limits.cpu": "40",
        "limits.memory": "40Gi",
        "persistentvolumeclaims": "50",
        "pods": "200",
        "requests.storage": "100Gi",
        "services.loadbalancers": "0",
        "services.nodeports": "0",
    }
    return _own(kinds.RESOURCE_QUOTA, namespace, names.LIMITS, {"spec": {"hard": hard}})


def make_limit_range(namespace: str) -> objects.Manifest:
    """Defaults for containers without resources; a quota requires every container to have some."""
    limits = {
        "type": "Container",
        "default": {"cpu": DEFAULT_CPU, "memory": DEFAULT_MEMORY},
        "defaultRequest": effective.default_requests(DEFAULT_CPU, DEFAULT_MEMORY),
    }
    return _own(kinds.LIMIT_RANGE, namespace, names.LIMITS, {"spec": {"limits": [limits]}})


def set_up(identity: ServiceIdentity, is_gateway_managed: bool, settings: Settings) -> list[objects.Manifest]:
    """Everything but the policies, in the order of creation; in an owner's namespace only the operator's own grant."""
    name = identity.namespace
    operator = make_own_grant(name, settings)
    if not is_gateway_managed:
        return [operator]
    gateway = make_role_binding(
        name, names.GATEWAY_GRANT, ownership.CLUSTER_ROLE_GATEWAY, settings.gateway_service_account, settings.namespace
    )
    return [make_namespace(identity), operator, gateway, make_quota(name), make_limit_range(name)]


def _own(kind: Kind, namespace: str, name: str, body: dict[str, Any]) -> objects.Manifest:
    meta = {
        "name": name,
        "namespace": namespace,
        "labels": {group.LABEL_MANAGED_BY: group.MANAGED_BY},
        "annotations": {},
    }
    return canonical.stamped({"apiVersion": kind.api_version, "kind": kind.kind, "metadata": meta, **body})
