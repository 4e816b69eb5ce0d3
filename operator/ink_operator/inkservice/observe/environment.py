"""Reads only: values of the variables of application and build, and the objects created for sealed ones."""

import asyncio
import base64
import json
from collections.abc import Iterable
from datetime import datetime

from ink_api import group
from ink_api.inkservice import EnvVar
from ink_api.reasons import Reason
from ink_api.sealing import SealedValueError, binding_of

from ink_operator.core import kinds, objects
from ink_operator.core.memo import Shared
from ink_operator.core.plan import Failure
from ink_operator.inkservice import model, names
from ink_operator.inkservice.facts import references
from ink_operator.ports import Ports


async def environment_of(context: model.ServiceContext, ports: Ports) -> model.Environment:
    """The unsealed values; or a failure that names the variable and never the value."""
    values = await unsealed("spec.env", references.sealed_variables(context.service), context, ports)
    if isinstance(values, Failure):
        return model.Environment(failure=values)
    bound = {binding_of(context.identity, variable): value for variable, value in values.items()}
    return model.Environment(values, await ports.sealing.digest(bound)) if values else model.Environment()


async def unsealed(
    field: str, variables: Iterable[tuple[str, str]], context: model.ServiceContext, ports: Ports
) -> dict[str, str] | Failure:
    """Variable -> value; or why one is not available, named as part of `field`."""
    values: dict[str, str] = {}
    for variable, sealed in variables:
        try:
            values[variable] = await ports.sealing.unseal(sealed, binding_of(context.identity, variable))
        except SealedValueError as error:
            message = f"{field} {variable}: the sealed value cannot be used: {error}."
            return Failure(Reason.SEALED_VALUE_INVALID, message)
    return values


async def configuration_of(context: model.ServiceContext, ports: Ports, granted: bool) -> model.Configuration:
    """The digest of the values in Secrets and ConfigMaps; pods roll when it changes."""
    uses = references.uses_of(context.service)
    if not granted or not uses or references.reference_denied(context.service, context.is_gateway_managed) is not None:
        return model.Configuration()
    refs = sorted({use.ref(context.identity.namespace) for use in uses})
    found = dict(zip(refs, await asyncio.gather(*map(ports.cluster.get, refs)), strict=True))
    failure = references.missing(uses, found, context.identity.namespace)
    if failure is not None:
        return model.Configuration(failure=failure)
    return model.Configuration(digest=await ports.sealing.digest(references.values_used(uses, found, context.identity)))


async def env_children(
    context: model.ServiceContext, ports: Ports, shared: Shared, now: datetime
) -> dict[str, objects.Manifest]:
    """Kind -> live object: the Secret with the values, and the right to read it."""
    sealed = bool(references.sealed_variables(context.service))
    uid = context.service.metadata.uid
    # Nothing was created for this service before the finalizer was set.
    new = group.FINALIZER not in context.service.metadata.finalizers
    if not sealed and (new or shared.without_env.get(uid, now)):
        shared.without_env.put(uid, True, now)
        return {}
    # Only services of the gateway have a reader; without sealed values there is nothing to read.
    wanted = [kinds.SECRET]
    if context.is_gateway_managed and sealed:
        wanted += [kinds.ROLE, kinds.ROLE_BINDING]
    refs = [objects.Ref(kind, context.identity.namespace, names.env_secret(context.identity)) for kind in wanted]
    found = await asyncio.gather(*map(ports.cluster.get, refs))
    if not sealed and found[0] is None:
        shared.without_env.put(uid, True, now)
    else:
        shared.without_env.forget(uid)
    return {kind.kind: live for kind, live in zip(wanted, found, strict=True) if live is not None}


BUILD_FIELD = "spec.build.env"
BUILD_VALUES_MAX_BYTES = 96 * 1024
"""All values together: they are passed in one environment variable, which the kernel limits to 128 KiB."""


async def build_environment_of(context: model.ServiceContext, ports: Ports, granted: bool) -> model.Environment:
    """The values; or a failure that names variables and no value. `granted`: the operator may read the namespace."""
    build = context.service.spec.build
    variables = [v for v in (build.env if build else None) or [] if v.value_from is not None]
    if not variables or references.reference_denied(context.service, context.is_gateway_managed) is not None:
        return model.Environment()
    uses = references.build_uses_of(context.service)
    if uses and not granted:
        return model.Environment(failure=Failure(Reason.PENDING, "The namespace is being set up."))
    values = await unsealed(BUILD_FIELD, references.sealed_of(variables), context, ports)
    if isinstance(values, Failure):
        return model.Environment(failure=values)
    referred = await _referred(uses, context, ports)
    if isinstance(referred, Failure):
        return model.Environment(failure=referred)
    return await _named({**values, **referred}, variables, context, ports)


async def _referred(
    uses: list[references.Use], context: model.ServiceContext, ports: Ports
) -> dict[str, str] | Failure:
    """Variable -> value, of those from Secrets and ConfigMaps."""
    space = context.identity.namespace
    refs = sorted({use.ref(space) for use in uses})
    found: dict[objects.Ref, objects.Manifest | None] = dict(
        zip(refs, await asyncio.gather(*map(ports.cluster.get, refs)), strict=True)
    )
    failure = references.missing(uses, found, space)
    if failure is not None:
        return failure
    values: dict[str, str] = {}
    for use in uses:
        text = _decoded(use, found[use.ref(space)] or {})
        if text is None:
            message = f"{use.field}: key {use.key} of the {use.kind.kind} {use.name} is not UTF-8 text."
            return Failure(Reason.INVALID_SPEC, message)
        values[use.field.removeprefix(f"{BUILD_FIELD} ")] = text
    return values


def _decoded(use: references.Use, live: objects.Manifest) -> str | None:
    value: str = live["data"][use.key]
    try:
        return base64.b64decode(value).decode() if use.kind == kinds.SECRET else value
    except ValueError:
        return None


async def _named(
    values: dict[str, str], variables: list[EnvVar], context: model.ServiceContext, ports: Ports
) -> model.Environment:
    """The values with their digest; a failure if they are too long."""
    size = len(json.dumps(values))
    if size > BUILD_VALUES_MAX_BYTES:
        message = f"{BUILD_FIELD}: {len(variables)} values have {size} bytes; the limit is {BUILD_VALUES_MAX_BYTES}."
        return model.Environment(failure=Failure(Reason.INVALID_SPEC, message))
    bound = {binding_of(context.identity, name): value for name, value in values.items()}
    return model.Environment(values, await ports.sealing.digest(bound))
