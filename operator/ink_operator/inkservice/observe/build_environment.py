"""Reads what variables of the build hold that are not written in the spec: sealed values, Secrets, ConfigMaps."""

import asyncio
import base64
import json

from ink_api.inkservice import EnvVar
from ink_api.reasons import Reason
from ink_api.sealing import binding_of

from ink_operator.core import kinds
from ink_operator.core.objects import Manifest, Ref
from ink_operator.core.plan import Failure
from ink_operator.inkservice.facts.references import Use, build_uses_of, missing, reference_denied, sealed_of
from ink_operator.inkservice.model import Environment, ServiceContext
from ink_operator.inkservice.observe.environment import unsealed
from ink_operator.ports import Ports

FIELD = "spec.build.env"
MOST_BYTES = 96 * 1024
"""All values together: they travel in one variable of the builder, for which the kernel has 128 KiB."""


async def build_environment_of(context: ServiceContext, ports: Ports, granted: bool) -> Environment:
    """The values; or the failure, naming variables and no value. `granted`: the namespace may be looked into."""
    build = context.service.spec.build
    variables = [v for v in (build.env if build else None) or [] if v.value_from is not None]
    if not variables or reference_denied(context.service, context.is_gateway_managed) is not None:
        return Environment()
    uses = build_uses_of(context.service)
    if uses and not granted:
        return Environment(failure=Failure(Reason.PENDING, "The namespace is being set up."))
    values = await unsealed(FIELD, sealed_of(variables), context, ports)
    if isinstance(values, Failure):
        return Environment(failure=values)
    referred = await _referred(uses, context, ports)
    if isinstance(referred, Failure):
        return Environment(failure=referred)
    return await _named({**values, **referred}, variables, context, ports)


async def _referred(uses: list[Use], context: ServiceContext, ports: Ports) -> dict[str, str] | Failure:
    """Variable -> value, of those that Secrets and ConfigMaps hold."""
    space = context.identity.namespace
    refs = sorted({use.ref(space) for use in uses})
    found: dict[Ref, Manifest | None] = dict(
        zip(refs, await asyncio.gather(*map(ports.cluster.get, refs)), strict=True)
    )
    failure = missing(uses, found, space)
    if failure is not None:
        return failure
    values: dict[str, str] = {}
    for use in uses:
        text = _text(use, found[use.ref(space)] or {})
        if text is None:
            message = f"{use.field}: key {use.key} of the {use.kind.kind} {use.name} holds no text (UTF-8)."
            return Failure(Reason.INVALID_SPEC, message)
        values[use.field.removeprefix(f"{FIELD} ")] = text
    return values


def _text(use: Use, live: Manifest) -> str | None:
    value: str = live["data"][use.key]
    try:
        return base64.b64decode(value).decode() if use.kind == kinds.SECRET else value
    except ValueError:
        return None


async def _named(values: dict[str, str], variables: list[EnvVar], context: ServiceContext, ports: Ports) -> Environment:
    """The values with their digest, unless they are too long."""
    size = len(json.dumps(values))
    if size > MOST_BYTES:
        message = f"{FIELD}: {len(variables)} values have {size} bytes together: {MOST_BYTES} are the most."
        return Environment(failure=Failure(Reason.INVALID_SPEC, message))
    bound = {binding_of(context.identity, name): value for name, value in values.items()}
    return Environment(values, await ports.sealing.digest(bound))
