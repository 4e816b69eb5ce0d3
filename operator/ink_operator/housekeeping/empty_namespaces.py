"""Removes a project's namespace when no service has used it for a while."""

from datetime import UTC, datetime

from ink_api.group import LABEL_COMPONENT
from ink_api.names import TENANT_NAMESPACE_PREFIX, identity_of

from ink_operator.core import kinds
from ink_operator.core.errors import Conflict
from ink_operator.core.keys import Result
from ink_operator.core.objects import Key, Manifest, Ref, annotations_of, is_deleting
from ink_operator.core.times import seconds_since
from ink_operator.inkservice import names
from ink_operator.inkservice.facts.ownership import is_made_by_ink
from ink_operator.inkservice.names import ANNOTATION_EMPTY_SINCE
from ink_operator.ports import Ports
from ink_operator.settings import Settings


async def reconcile_namespace(key: Key, ports: Ports, settings: Settings, now: datetime) -> Result:
    """Mark it as empty, and delete it later; a service that is created in between removes the mark."""
    ref = Ref(kinds.NAMESPACE, "", key.name)
    live = await ports.cluster.get(ref)
    if live is None or not _is_project_namespace(live) or is_deleting(live):
        return Result()
    services = await ports.cluster.list(kinds.INK_SERVICE, settings.tenants_namespace)
    if key.name in namespaces_in_use(services, settings):
        return Result()
    if await ports.cluster.list(kinds.PERSISTENT_VOLUME_CLAIM, key.name, f"{LABEL_COMPONENT}={names.VOLUME}"):
        # This data must outlive its service; deleting the namespace would delete it.
        return Result()
    since = seconds_since(annotations_of(live).get(ANNOTATION_EMPTY_SINCE), now)
    if since is None:
        mark = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        await ports.cluster.merge_patch(ref, {"metadata": {"annotations": {ANNOTATION_EMPTY_SINCE: mark}}})
        return Result(settings.namespace_empty_seconds)
    if since < settings.namespace_empty_seconds:
        return Result(settings.namespace_empty_seconds - since + 1)
    meta = live["metadata"]
    try:
        # Only at this resourceVersion: a service that was created in the meantime has changed the namespace.
        await ports.cluster.delete(ref, uid=meta["uid"], resource_version=meta["resourceVersion"])
    except Conflict:
        return Result(5.0)
    return Result()


def _is_project_namespace(live: Manifest) -> bool:
    name = str(live["metadata"]["name"])
    return name.startswith(TENANT_NAMESPACE_PREFIX) and is_made_by_ink(live)


def namespaces_in_use(services: list[Manifest], settings: Settings) -> frozenset[str]:
    """Namespaces that the workloads of these services run in."""
    used = set()
    for service in services:
        try:
            meta = service["metadata"]
            used.add(identity_of(meta["namespace"], meta["name"], settings.tenants_namespace).namespace)
        except ValueError:
            continue
    return frozenset(used)
