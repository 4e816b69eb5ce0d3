"""Claims of hosts that no service holds: deletes expired reservations, and releases claims of deleted services."""

from datetime import datetime

from ink_api.group import ANNOTATION_OWNER, COMPONENT_CLAIM, LABEL_COMPONENT, LABEL_OWNER_UID, LABEL_TENANT

from ink_operator.core import kinds
from ink_operator.core.errors import Conflict
from ink_operator.core.keys import Result
from ink_operator.core.objects import Key, Manifest, Ref, annotations_of, labels_of
from ink_operator.inkservice.facts.ownership import release, reserved_until, tenant_of
from ink_operator.ports import Ports
from ink_operator.settings import Settings

CLAIMS = f"{LABEL_COMPONENT}={COMPONENT_CLAIM}"
RESERVED_HOSTS_MAX = 50
"""The most hosts that stay reserved for one tenant; beyond that the oldest are released. Otherwise a tenant that keeps
changing a host would fill the API server."""


async def reconcile_claim(key: Key, ports: Ports, settings: Settings, now: datetime) -> Result:
    """Check one claim: when its service releases it, and at each full resync."""
    ref = Ref(kinds.CONFIG_MAP, settings.namespace, key.name)
    live = await ports.cluster.get(ref)
    if live is None or labels_of(live).get(LABEL_COMPONENT) != COMPONENT_CLAIM:
        return Result()
    until = reserved_until(live, settings)
    if until is None:
        if not await _is_orphan(live, ports):
            return Result()
        meta = release(key.name, settings, now).patch["metadata"]
        await ports.cluster.merge_patch(
            ref, {"metadata": {**meta, "resourceVersion": live["metadata"]["resourceVersion"]}}
        )
        return Result(0.0)
    remaining = (until - now).total_seconds()
    if remaining > 0 and not await _exceeds_limit(live, ports, settings):
        return Result(remaining)
    meta = live["metadata"]
    try:
        # Only at this resourceVersion: a service that took the host in the meantime has changed the claim.
        await ports.cluster.delete(ref, uid=meta["uid"], resource_version=meta["resourceVersion"])
    except Conflict:
        return Result()
    return Result()


async def _is_orphan(claim: Manifest, ports: Ports) -> bool:
    """Its service was deleted without releasing it: someone removed the finalizer."""
    namespace, _, name = annotations_of(claim).get(ANNOTATION_OWNER, "").partition("/")
    if not namespace or not name:
        return False
    owner = await ports.cluster.get(Ref(kinds.INK_SERVICE, namespace, name))
    return owner is None or owner["metadata"]["uid"] != labels_of(claim).get(LABEL_OWNER_UID)


async def _exceeds_limit(claim: Manifest, ports: Ports, settings: Settings) -> bool:
    tenant = f"{CLAIMS},{LABEL_TENANT}={labels_of(claim).get(LABEL_TENANT, '')},!{LABEL_OWNER_UID}"
    reserved = [
        c
        for c in await ports.cluster.list(kinds.CONFIG_MAP, settings.namespace, tenant)
        if tenant_of(c) == tenant_of(claim)
    ]
    oldest_first = sorted(reserved, key=lambda c: (str(reserved_until(c, settings)), c["metadata"]["name"]))
    return claim["metadata"]["name"] not in {c["metadata"]["name"] for c in oldest_first[-RESERVED_HOSTS_MAX:]}
