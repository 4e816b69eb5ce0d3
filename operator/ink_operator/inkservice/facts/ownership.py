"""Pure: who owns a live object: children, volume claims, the grant in a namespace, and claims of public hosts.

A host claim is never shared, and never changes hands by deletion: a reserved one is taken over by a write at the
version that was read, so that the API server lets only one of two writers through.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ink_api import group
from ink_api.inkservice import InkService, Volume
from ink_api.names import ServiceIdentity

from ink_operator.core import canonical, effects, kinds, objects, times
from ink_operator.inkservice import model, names
from ink_operator.settings import Settings

CLUSTER_ROLE_OPERATOR = "ink-operator-namespace"
CLUSTER_ROLE_GATEWAY = "ink-gateway-namespace"


def is_ours(live: objects.Manifest, uid: str) -> bool:
    """The child carries our owner's UID."""
    return objects.labels_of(live).get(group.LABEL_OWNER_UID) == uid


def is_made_by_ink(live: objects.Manifest) -> bool:
    """Created by Ink, for all services of a namespace together."""
    return objects.labels_of(live).get(group.LABEL_MANAGED_BY) == group.MANAGED_BY


def grant_of(role: str, account: str, account_namespace: str) -> dict[str, Any]:
    """The part of a RoleBinding that grants a ClusterRole to a ServiceAccount."""
    return {
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": account_namespace}],
    }


def operator_grant(settings: Settings) -> dict[str, Any]:
    """What lets the operator work in a namespace."""
    return grant_of(CLUSTER_ROLE_OPERATOR, settings.service_account, settings.namespace)


def grants(live: objects.Manifest | None, settings: Settings) -> bool:
    """Whether the RoleBinding, as it is, lets the operator work in its namespace."""
    return live is not None and canonical.covers(live, operator_grant(settings))


def is_emptied_grant(live: objects.Manifest, settings: Settings) -> bool:
    """Ours, but someone changed its subjects. (The role of a RoleBinding cannot be changed.)"""
    return is_made_by_ink(live) and canonical.covers(live, {"roleRef": operator_grant(settings)["roleRef"]})


def is_granted(tenancy: Mapping[tuple[str, str], objects.Manifest], settings: Settings) -> bool:
    """Whether the operator may read the workload's namespace, so that what was observed there is complete."""
    return grants(tenancy.get((kinds.ROLE_BINDING.kind, names.OPERATOR_GRANT)), settings)


def volumes_of(service: InkService) -> list[Volume]:
    """By name."""
    return sorted(service.spec.volumes or [], key=lambda v: v.name)


def belongs(live: objects.Manifest, identity: ServiceIdentity) -> bool:
    """The claim was created for a service with this name and tenant, perhaps an earlier one."""
    wanted = {
        group.LABEL_COMPONENT: names.VOLUME,
        group.LABEL_MANAGED_BY: group.MANAGED_BY,
        group.LABEL_PROJECT: identity.project or None,
        group.LABEL_SERVICE: identity.name,
        group.LABEL_TENANT: identity.tenant,
    }
    return all(objects.labels_of(live).get(label) == value for label, value in wanted.items())


def is_to_be_deleted(claim: objects.Manifest) -> bool:
    """Its policy says so, and its deletion has not been requested yet."""
    return objects.annotations_of(claim).get(names.ANNOTATION_DELETION_POLICY) == "Delete" and not objects.is_deleting(
        claim
    )


def claim_state(
    live: objects.Manifest | None, service: InkService, identity: ServiceIdentity, settings: Settings, now: datetime
) -> model.Claim:
    """Who holds the host, from the point of view of the service that wants it."""
    if live is None:
        return model.Claim.FREE
    if is_ours(live, service.metadata.uid):
        return model.Claim.OURS
    if objects.annotations_of(live).get(group.ANNOTATION_OWNER) == names.owner_of(service):
        # An earlier service of this name left it behind.
        return model.Claim.FREE
    until = reserved_until(live, settings)
    if until is None:
        return model.Claim.TAKEN
    return (
        model.Claim.FREE
        if now >= until or tenant_of(live) == (service.metadata.namespace, identity.tenant)
        else model.Claim.RESERVED
    )


def tenant_of(claim: objects.Manifest) -> tuple[str, str]:
    """The tenant. A workspace and a namespace with one name are two tenants; the CR's namespace tells which."""
    where, _, _ = objects.annotations_of(claim).get(group.ANNOTATION_OWNER, "").partition("/")
    return where, objects.labels_of(claim).get(group.LABEL_TENANT, "")


def reserved_until(claim: objects.Manifest, settings: Settings) -> datetime | None:
    """When a released host becomes available to everyone; None while a service holds it."""
    at = times.parse_time(objects.annotations_of(claim).get(group.ANNOTATION_RELEASED_AT))
    return None if at is None else at + timedelta(seconds=settings.host_keep_seconds)


def release(name: str, settings: Settings, now: datetime) -> effects.MergePatch:
    """Release a host: from now on its claim only reserves it for the tenant."""
    mark = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    meta = {"annotations": {group.ANNOTATION_RELEASED_AT: mark}, "labels": {group.LABEL_OWNER_UID: None}}
    return effects.MergePatch(objects.Ref(kinds.CONFIG_MAP, settings.namespace, name), {"metadata": meta})


def take_over(live: objects.Manifest, wanted: objects.Manifest) -> effects.MergePatch:
    """Take over a free claim at the version that was read."""
    meta, version = wanted["metadata"], live["metadata"]["resourceVersion"]
    annotations = {**meta["annotations"], group.ANNOTATION_RELEASED_AT: None}
    patch = {"labels": meta["labels"], "annotations": annotations, "resourceVersion": version}
    ref = objects.Ref(kinds.CONFIG_MAP, meta["namespace"], meta["name"])
    return effects.MergePatch(ref, {"metadata": patch, "data": wanted["data"]})
