"""Reads the claims of a service's volumes: those that it wants, and those that its pods use."""

import asyncio

from ink_operator.core.objects import PERSISTENT_VOLUME_CLAIM, Manifest, Ref
from ink_operator.inkservice.desired.storage import claim_name, claims_in_use, volumes_of
from ink_operator.inkservice.model import Case
from ink_operator.ports import Ports


async def volume_claims(case: Case, ports: Ports, *workloads: Manifest | None) -> dict[str, Manifest]:
    """Name -> live claim."""
    names = {claim_name(case.identity, volume.name) for volume in volumes_of(case.service)}
    for workload in workloads:
        names.update(claims_in_use(workload))
    refs = [Ref(PERSISTENT_VOLUME_CLAIM, case.identity.namespace, name) for name in sorted(names)]
    found = await asyncio.gather(*map(ports.cluster.get, refs))
    return {ref.name: live for ref, live in zip(refs, found, strict=True) if live is not None}
