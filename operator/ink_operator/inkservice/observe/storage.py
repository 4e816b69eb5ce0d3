"""Reads the claims of a service's volumes: those that it wants, and those that were made for it before."""

import asyncio

from ink_api.group import LABEL_COMPONENT, LABEL_SERVICE

from ink_operator.core import kinds
from ink_operator.core.objects import Manifest, Ref
from ink_operator.inkservice.desired.storage import COMPONENT, claim_name, volumes_of
from ink_operator.inkservice.model import ServiceContext
from ink_operator.ports import Ports


async def volume_claims(context: ServiceContext, ports: Ports) -> dict[str, Manifest]:
    """Name -> live claim. A claim of a wanted name that somebody else made has none of our labels."""
    space, made = context.identity.namespace, f"{LABEL_SERVICE}={context.identity.name},{LABEL_COMPONENT}={COMPONENT}"
    names = [claim_name(context.identity, volume.name) for volume in volumes_of(context.service)]
    refs = [Ref(kinds.PERSISTENT_VOLUME_CLAIM, space, name) for name in names]
    ours, *wanted = await asyncio.gather(
        ports.cluster.list(kinds.PERSISTENT_VOLUME_CLAIM, space, made), *map(ports.cluster.get, refs)
    )
    found = [*(ours or []), *(live for live in wanted if live is not None)]
    return {live["metadata"]["name"]: live for live in found}
