"""Pure: whose a live object is, and whether the operator may work in a namespace."""

from collections.abc import Mapping
from typing import Any

from ink_api.group import LABEL_MANAGED_BY, LABEL_OWNER_UID, MANAGED_BY

from ink_operator.core import kinds
from ink_operator.core.canonical import covers
from ink_operator.core.objects import Manifest, labels_of
from ink_operator.inkservice import names
from ink_operator.settings import Settings

CLUSTER_ROLE_OPERATOR = "ink-operator-namespace"
CLUSTER_ROLE_GATEWAY = "ink-gateway-namespace"


def is_ours(live: Manifest, uid: str) -> bool:
    """The child carries our owner's UID."""
    return labels_of(live).get(LABEL_OWNER_UID) == uid


def is_made_by_ink(live: Manifest) -> bool:
    """Made by Ink, for all services of a namespace together."""
    return labels_of(live).get(LABEL_MANAGED_BY) == MANAGED_BY


def grant_of(role: str, account: str, account_namespace: str) -> dict[str, Any]:
    """The part of a RoleBinding that grants a ClusterRole to a ServiceAccount."""
    return {
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": account_namespace}],
    }


def operator_grant(settings: Settings) -> dict[str, Any]:
    """What lets the operator work in a namespace."""
    return grant_of(CLUSTER_ROLE_OPERATOR, settings.service_account, settings.namespace)


def grants(live: Manifest | None, settings: Settings) -> bool:
    """Whether the RoleBinding, as it is, lets the operator work in its namespace."""
    return live is not None and covers(live, operator_grant(settings))


def is_emptied_grant(live: Manifest, settings: Settings) -> bool:
    """Ours, but somebody changed whom it grants to. The role of a RoleBinding cannot be changed."""
    return is_made_by_ink(live) and covers(live, {"roleRef": operator_grant(settings)["roleRef"]})


def is_granted(tenancy: Mapping[tuple[str, str], Manifest], settings: Settings) -> bool:
    """Whether the operator may look into the workload's namespace: what was observed there is then all there is."""
    return grants(tenancy.get((kinds.ROLE_BINDING.kind, names.OPERATOR_GRANT)), settings)
