"""Reads only: what the application's variables hold, and what was made of sealed ones in the workload's namespace."""

import asyncio
from collections.abc import Iterable
from datetime import datetime

from ink_api.group import FINALIZER
from ink_api.reasons import Reason
from ink_api.sealing import SealedValueError, binding_of

from ink_operator.core import kinds
from ink_operator.core.objects import Manifest, Ref
from ink_operator.core.plan import Failure
from ink_operator.core.shared import Shared
from ink_operator.inkservice import names
from ink_operator.inkservice.facts.references import missing, reference_denied, sealed_variables, uses_of, values_used
from ink_operator.inkservice.model import Configuration, Environment, ServiceContext
from ink_operator.ports import Ports


async def environment_of(context: ServiceContext, ports: Ports) -> Environment:
    """The unsealed values; or the failure, naming the variable and never the value."""
    values = await unsealed("spec.env", sealed_variables(context.service), context, ports)
    if isinstance(values, Failure):
        return Environment(failure=values)
    bound = {binding_of(context.identity, variable): value for variable, value in values.items()}
    return Environment(values, await ports.sealing.digest(bound)) if values else Environment()


async def unsealed(
    field: str, variables: Iterable[tuple[str, str]], context: ServiceContext, ports: Ports
) -> dict[str, str] | Failure:
    """Variable -> value; or why one is not available, naming it as a part of `field`."""
    values: dict[str, str] = {}
    for variable, sealed in variables:
        try:
            values[variable] = await ports.sealing.unseal(sealed, binding_of(context.identity, variable))
        except SealedValueError as error:
            message = f"{field} {variable}: the sealed value cannot be used: {error}."
            return Failure(Reason.SEALED_VALUE_INVALID, message)
    return values


async def configuration_of(context: ServiceContext, ports: Ports, granted: bool) -> Configuration:
    """The digest of what Secrets and ConfigMaps hold. Without it pods would not roll when a value changes."""
    uses = uses_of(context.service)
    if not granted or not uses or reference_denied(context.service, context.is_gateway_managed) is not None:
        return Configuration()
    refs = sorted({use.ref(context.identity.namespace) for use in uses})
    found = dict(zip(refs, await asyncio.gather(*map(ports.cluster.get, refs)), strict=True))
    failure = missing(uses, found, context.identity.namespace)
    if failure is not None:
        return Configuration(failure=failure)
    return Configuration(digest=await ports.sealing.digest(values_used(uses, found, context.identity)))


async def env_children(context: ServiceContext, ports: Ports, shared: Shared, now: datetime) -> dict[str, Manifest]:
    """Kind -> live object: the Secret of the values, and who may read it."""
    sealed = bool(sealed_variables(context.service))
    uid = context.service.metadata.uid
    # Before the finalizer was set nothing was ever made for this service.
    new = FINALIZER not in context.service.metadata.finalizers
    if not sealed and (new or shared.without_env.get(uid, now)):
        shared.without_env.put(uid, True, now)
        return {}
    # Only the gateway's services have a reader; without sealed values there is nothing to grant.
    wanted = [kinds.SECRET]
    if context.is_gateway_managed and sealed:
        wanted += [kinds.ROLE, kinds.ROLE_BINDING]
    refs = [Ref(kind, context.identity.namespace, names.env_secret(context.identity)) for kind in wanted]
    found = await asyncio.gather(*map(ports.cluster.get, refs))
    if not sealed and found[0] is None:
        shared.without_env.put(uid, True, now)
    else:
        shared.without_env.forget(uid)
    return {kind.kind: live for kind, live in zip(wanted, found, strict=True) if live is not None}
