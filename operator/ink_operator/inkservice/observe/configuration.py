"""Reads the Secrets and ConfigMaps that variables come from, only to name what they hold."""

import asyncio

from ink_operator.inkservice.decide.checks import reference_denied
from ink_operator.inkservice.facts.references import missing, uses_of, values_used
from ink_operator.inkservice.model import Configuration, ServiceContext
from ink_operator.ports import Ports


async def configuration_of(context: ServiceContext, ports: Ports, granted: bool) -> Configuration:
    """The digest of what is referred to. Without it the pods would not roll when a value changes."""
    uses = uses_of(context.service)
    if not granted or not uses or reference_denied(context.service, context.is_gateway_managed) is not None:
        return Configuration()
    refs = sorted({use.ref(context.identity.namespace) for use in uses})
    found = dict(zip(refs, await asyncio.gather(*map(ports.cluster.get, refs)), strict=True))
    failure = missing(uses, found, context.identity.namespace)
    if failure is not None:
        return Configuration(failure=failure)
    return Configuration(digest=await ports.sealing.digest(values_used(uses, found, context.identity)))
