"""Pure: claims of public hosts. Whose one is, and how long a host that was given up is reserved for its tenant.

The claim's ConfigMap is never shared and never moves by deletion: whoever takes a reserved one over writes at the very
version that was read, so of two the API server lets one through.
"""

from datetime import UTC, datetime, timedelta

from ink_api.group import ANNOTATION_OWNER, ANNOTATION_RELEASED_AT, LABEL_OWNER_UID, LABEL_TENANT
from ink_api.inkservice import InkService
from ink_api.names import ServiceIdentity

from ink_operator.core import kinds
from ink_operator.core.effects import MergePatch
from ink_operator.core.objects import Manifest, Ref, annotations_of, labels_of
from ink_operator.core.times import parse_time
from ink_operator.inkservice import names
from ink_operator.inkservice.facts.ownership import is_ours
from ink_operator.inkservice.model import Claim
from ink_operator.settings import Settings


def claim_state(
    live: Manifest | None, service: InkService, identity: ServiceIdentity, settings: Settings, now: datetime
) -> Claim:
    """Whose the host is, asked for the service that wants it."""
    if live is None:
        return Claim.FREE
    if is_ours(live, service.metadata.uid):
        return Claim.OURS
    if annotations_of(live).get(ANNOTATION_OWNER) == names.owner_of(service):
        # An earlier service of this name left it behind.
        return Claim.FREE
    until = reserved_until(live, settings)
    if until is None:
        return Claim.TAKEN
    return (
        Claim.FREE
        if now >= until or tenant_of(live) == (service.metadata.namespace, identity.tenant)
        else Claim.RESERVED
    )


def tenant_of(claim: Manifest) -> tuple[str, str]:
    """The tenant. A workspace and a namespace of the same name are two: where the service lies tells them apart."""
    where, _, _ = annotations_of(claim).get(ANNOTATION_OWNER, "").partition("/")
    return where, labels_of(claim).get(LABEL_TENANT, "")


def reserved_until(claim: Manifest, settings: Settings) -> datetime | None:
    """When a host that was given up is anybody's; None while a service holds it."""
    at = parse_time(annotations_of(claim).get(ANNOTATION_RELEASED_AT))
    return None if at is None else at + timedelta(seconds=settings.host_keep_seconds)


def release(name: str, settings: Settings, now: datetime) -> MergePatch:
    """Give a host up: from now on its claim only reserves it for the tenant."""
    mark = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    meta = {"annotations": {ANNOTATION_RELEASED_AT: mark}, "labels": {LABEL_OWNER_UID: None}}
    return MergePatch(Ref(kinds.CONFIG_MAP, settings.namespace, name), {"metadata": meta})


def take_over(live: Manifest, wanted: Manifest) -> MergePatch:
    """Make a claim that is free ours, as it was when it was read."""
    meta, version = wanted["metadata"], live["metadata"]["resourceVersion"]
    annotations = {**meta["annotations"], ANNOTATION_RELEASED_AT: None}
    patch = {"labels": meta["labels"], "annotations": annotations, "resourceVersion": version}
    ref = Ref(kinds.CONFIG_MAP, meta["namespace"], meta["name"])
    return MergePatch(ref, {"metadata": patch, "data": wanted["data"]})
