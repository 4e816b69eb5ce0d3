"""Claims that no service holds: those whose time is over go; what a vanished service left behind is given up."""

from datetime import datetime

from ink_api.group import ANNOTATION_OWNER, COMPONENT_CLAIM, LABEL_COMPONENT, LABEL_OWNER_UID, LABEL_TENANT

from ink_operator.core import kinds
from ink_operator.core.errors import Conflict
from ink_operator.core.objects import Key, Manifest, Ref, annotations_of, labels_of
from ink_operator.core.result import Result
from ink_operator.inkservice.facts.ownership import release, reserved_until, tenant_of
from ink_operator.ports import Ports
from ink_operator.settings import Settings

CLAIMS = f"{LABEL_COMPONENT}={COMPONENT_CLAIM}"
KEPT_MOST = 50
"""Hosts kept for one tenant; of more the oldest go. Else whoever changes a host all the time fills the API server."""


def claim_key(name: str, settings: Settings) -> Key:
    """The key of a claim in the queue."""
    return Key(kinds.CONFIG_MAP.kind, settings.namespace, name)


async def reconcile_claim(key: Key, ports: Ports, settings: Settings, now: datetime) -> Result:
    """One look at one claim. Called when it is given up, and for all of them at every look at everything."""
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
    left = (until - now).total_seconds()
    if left > 0 and not await _is_one_too_many(live, ports, settings):
        return Result(left)
    meta = live["metadata"]
    try:
        # At this very version: a service that took the host up meanwhile has changed it by then.
        await ports.cluster.delete(ref, uid=meta["uid"], resource_version=meta["resourceVersion"])
    except Conflict:
        return Result()
    return Result()


async def _is_orphan(claim: Manifest, ports: Ports) -> bool:
    """Its service went without giving it up: somebody took the finalizer away."""
    namespace, _, name = annotations_of(claim).get(ANNOTATION_OWNER, "").partition("/")
    if not namespace or not name:
        return False
    owner = await ports.cluster.get(Ref(kinds.INK_SERVICE, namespace, name))
    return owner is None or owner["metadata"]["uid"] != labels_of(claim).get(LABEL_OWNER_UID)


async def _is_one_too_many(claim: Manifest, ports: Ports, settings: Settings) -> bool:
    tenant = f"{CLAIMS},{LABEL_TENANT}={labels_of(claim).get(LABEL_TENANT, '')},!{LABEL_OWNER_UID}"
    kept = [
        c
        for c in await ports.cluster.list(kinds.CONFIG_MAP, settings.namespace, tenant)
        if tenant_of(c) == tenant_of(claim)
    ]
    newest = sorted(kept, key=lambda c: (str(reserved_until(c, settings)), c["metadata"]["name"]))[-KEPT_MOST:]
    return claim["metadata"]["name"] not in {c["metadata"]["name"] for c in newest}
