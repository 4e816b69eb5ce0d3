"""The namespace of a project: its limits, and who may work in it."""

from typing import Any

from ink_api.group import LABEL_MANAGED_BY, LABEL_MANAGED_NAMESPACE, LABEL_PROJECT, LABEL_TENANT, MANAGED_BY
from ink_api.names import ServiceIdentity

from ink_operator.core.canonical import covers, stamped
from ink_operator.core.objects import LIMIT_RANGE, NAMESPACE, RESOURCE_QUOTA, ROLE_BINDING, Kind, Manifest, labels_of
from ink_operator.inkservice.effective import DEFAULT_CPU, DEFAULT_MEMORY
from ink_operator.settings import Settings

CLUSTER_ROLE_OPERATOR = "ink-operator-namespace"
CLUSTER_ROLE_GATEWAY = "ink-gateway-namespace"
BASELINE, RESTRICTED = "baseline", "restricted"
OPERATORS_GRANT = "ink-operator"
"""Name of the RoleBinding by which the operator may work in a namespace."""


def is_made_by_us(live: Manifest) -> bool:
    """Made by Ink, for all services of a namespace together."""
    return labels_of(live).get(LABEL_MANAGED_BY) == MANAGED_BY


def is_grant(live: Manifest | None) -> bool:
    """The operator's own RoleBinding, and not somebody else's object of that name, or one that was emptied."""
    return live is not None and live["roleRef"]["name"] == CLUSTER_ROLE_OPERATOR and bool(live.get("subjects"))


def make_namespace(identity: ServiceIdentity) -> Manifest:
    """Pod Security enforces baseline and warns of what is not restricted: images that start as root may run."""
    labels = {
        LABEL_MANAGED_BY: MANAGED_BY,
        LABEL_MANAGED_NAMESPACE: "true",
        LABEL_TENANT: identity.tenant,
        LABEL_PROJECT: identity.project,
        "pod-security.kubernetes.io/enforce": BASELINE,
        "pod-security.kubernetes.io/warn": RESTRICTED,
    }
    meta = {"name": identity.namespace, "labels": labels, "annotations": {}}
    return stamped({"apiVersion": NAMESPACE.api_version, "kind": NAMESPACE.kind, "metadata": meta})


def make_role_binding(namespace: str, name: str, role: str, account: str, account_namespace: str) -> Manifest:
    """Grants one of the two ClusterRoles inside the namespace."""
    return _own(
        ROLE_BINDING,
        namespace,
        name,
        {
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": account_namespace}],
        },
    )


def make_own_grant(namespace: str, settings: Settings) -> Manifest:
    """What lets the operator work in the namespace."""
    return make_role_binding(
        namespace, OPERATORS_GRANT, CLUSTER_ROLE_OPERATOR, settings.service_account, settings.namespace
    )


def grants(live: Manifest | None, namespace: str, settings: Settings) -> bool:
    """Whether the RoleBinding, as it is, lets the operator work there."""
    wanted = make_own_grant(namespace, settings)
    return live is not None and covers(live, {part: wanted[part] for part in ("roleRef", "subjects")})


def make_quota(namespace: str) -> Manifest:
    """The most that one project may use."""
    hard = {
        "limits.cpu": "40",
        "limits.memory": "40Gi",
        "persistentvolumeclaims": "50",
        "pods": "200",
        "requests.storage": "100Gi",
        "services.loadbalancers": "0",
        "services.nodeports": "0",
    }
    return _own(RESOURCE_QUOTA, namespace, "ink", {"spec": {"hard": hard}})


def make_limit_range(namespace: str) -> Manifest:
    """What a container gets that says nothing; a quota needs every container to say something."""
    limits = {
        "type": "Container",
        "default": {"cpu": DEFAULT_CPU, "memory": DEFAULT_MEMORY},
        "defaultRequest": {"cpu": "50m", "memory": "51Mi"},
    }
    return _own(LIMIT_RANGE, namespace, "ink", {"spec": {"limits": [limits]}})


def set_up(identity: ServiceIdentity, of_gateway: bool, settings: Settings) -> list[Manifest]:
    """Everything but the policies, in the order it must be made; elsewhere only the operator's own grant."""
    name = identity.namespace
    operator = make_own_grant(name, settings)
    if not of_gateway:
        return [operator]
    gateway = make_role_binding(
        name, "ink-gateway", CLUSTER_ROLE_GATEWAY, settings.gateway_service_account, settings.namespace
    )
    return [make_namespace(identity), operator, gateway, make_quota(name), make_limit_range(name)]


def _own(kind: Kind, namespace: str, name: str, body: dict[str, Any]) -> Manifest:
    meta = {"name": name, "namespace": namespace, "labels": {LABEL_MANAGED_BY: MANAGED_BY}, "annotations": {}}
    return stamped({"apiVersion": kind.api_version, "kind": kind.kind, "metadata": meta, **body})
