"""Reads only: who holds the public host, and what the operator created for the workload's namespace."""

import asyncio
from collections.abc import Iterable
from datetime import datetime

from ink_api.names import host_claim

from ink_operator.core import kinds, objects
from ink_operator.core.kinds import Kind
from ink_operator.core.memo import Shared
from ink_operator.inkservice import model, names
from ink_operator.inkservice.facts import effective, ownership
from ink_operator.ports import Ports

Tenancy = dict[tuple[str, str], objects.Manifest]
"""(kind, name) -> live object."""


async def tenancy_of(
    context: model.ServiceContext, namespace: objects.Manifest | None, ports: Ports, shared: Shared, now: datetime
) -> Tenancy:
    """What the operator created for all services of the namespace. Cached until the operator changes it."""
    space, cluster = context.identity.namespace, ports.cluster
    uid = namespace["metadata"].get("uid", "") if namespace else ""
    known = shared.tenancy.get(space, now)
    if known is not None and known[0] == uid:
        return known[1] | _by_name(kinds.NAMESPACE, [namespace])
    grants_read = (names.OPERATOR_GRANT, names.GATEWAY_GRANT)
    bindings = await asyncio.gather(
        *(cluster.get(objects.Ref(kinds.ROLE_BINDING, space, name)) for name in grants_read)
    )
    if not ownership.grants(bindings[0], context.settings):
        # Ours counts as absent, and is restored before anything else is read; someone else's is a name conflict.
        emptied = bindings[0] is not None and ownership.is_emptied_grant(bindings[0], context.settings)
        found = bindings[1:] if emptied else bindings
        return _by_name(kinds.NAMESPACE, [namespace]) | _by_name(kinds.ROLE_BINDING, found)
    tenancy = _by_name(kinds.NAMESPACE, [namespace]) | _by_name(kinds.ROLE_BINDING, bindings)
    tenancy |= _by_name(kinds.NETWORK_POLICY, await cluster.list(kinds.NETWORK_POLICY, space))
    if context.is_gateway_managed:
        for kind in (kinds.RESOURCE_QUOTA, kinds.LIMIT_RANGE):
            tenancy |= _by_name(kind, [await cluster.get(objects.Ref(kind, space, names.LIMITS))])
    shared.tenancy.put(space, (uid, tenancy), now)
    return tenancy


def _by_name(kind: Kind, items: Iterable[objects.Manifest | None]) -> Tenancy:
    return {(kind.kind, item["metadata"]["name"]): item for item in items if item is not None}


async def host_claims(
    context: model.ServiceContext, ports: Ports, now: datetime
) -> tuple[model.Claim, objects.Manifest | None, tuple[str, ...]]:
    """Who holds the wanted host, its claim if it is not ours, and the names of our claims to other hosts."""
    service, identity, settings = context.service, context.identity, context.settings
    claims = await ports.cluster.list(kinds.CONFIG_MAP, settings.namespace, names.owner_selector(service))
    own = {item["metadata"]["name"] for item in claims if not objects.is_deleting(item)}
    if not effective.wants_host(service):
        return model.Claim.OURS, None, tuple(sorted(own))
    name = host_claim(effective.host_of(service, identity, settings))
    if name in own:
        return model.Claim.OURS, None, tuple(sorted(own - {name}))
    live = await ports.cluster.get(objects.Ref(kinds.CONFIG_MAP, settings.namespace, name))
    return ownership.claim_state(live, service, identity, settings, now), live, tuple(sorted(own))
