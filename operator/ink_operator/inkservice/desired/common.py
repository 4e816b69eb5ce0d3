"""What all children have in common."""

from typing import Any

from ink_api import group
from ink_api.inkservice import InkService
from ink_api.names import ServiceIdentity

from ink_operator.core import canonical, kinds, objects
from ink_operator.core.kinds import Kind
from ink_operator.inkservice import names

RESTRICTED: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


def labels_of(service: InkService, identity: ServiceIdentity, component: str) -> dict[str, str]:
    """Labels of a child of `service`; `component` says what it is for."""
    labels = {
        group.LABEL_COMPONENT: component,
        group.LABEL_MANAGED_BY: group.MANAGED_BY,
        group.LABEL_OWNER_UID: service.metadata.uid,
        group.LABEL_SERVICE: identity.name,
        group.LABEL_TENANT: identity.tenant,
    }
    if identity.project:
        labels[group.LABEL_PROJECT] = identity.project
    return labels


def child(
    kind: Kind,
    service: InkService,
    identity: ServiceIdentity,
    *,
    name: str,
    namespace: str,
    component: str,
    body: dict[str, Any],
    annotations: dict[str, str] | None = None,
    owners: list[dict[str, Any]] | None = None,
    stamp: bool = True,
) -> objects.Manifest:
    """A child with labels, the owner's annotation, its own hash, and `owners`, or else the CR if it may be the owner.

    `stamp`: False for a child that is created once and never compared, so it has no hash.
    """
    meta: dict[str, Any] = {
        "name": name,
        "namespace": namespace,
        "labels": labels_of(service, identity, component),
        "annotations": {group.ANNOTATION_OWNER: names.owner_of(service), **(annotations or {})},
    }
    if owners is not None:
        meta["ownerReferences"] = owners
    elif namespace == service.metadata.namespace:
        meta["ownerReferences"] = [
            {
                "apiVersion": kinds.INK_SERVICE.api_version,
                "kind": kinds.INK_SERVICE.kind,
                "name": service.metadata.name,
                "uid": service.metadata.uid,
                "controller": True,
            }
        ]
    manifest = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": meta, **body}
    return canonical.stamped(manifest) if stamp else manifest
