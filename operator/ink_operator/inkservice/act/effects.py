"""The effects that only services have. Each is safe to repeat; the process may end between any two."""

from ink_operator.core.effects import Apply, Effect
from ink_operator.core.shared import Shared
from ink_operator.inkservice.act.builds import record_verdict, start_build
from ink_operator.inkservice.act.hosts import claim_host, release_host
from ink_operator.inkservice.act.images import retire_images
from ink_operator.inkservice.model import (
    ClaimHost,
    RecordVerdict,
    ReleaseHost,
    RetireImages,
    ServiceContext,
    StartBuild,
)
from ink_operator.ports import Ports

SET_UP = ("Namespace", "RoleBinding", "ResourceQuota", "LimitRange", "NetworkPolicy")


async def carry_out(context: ServiceContext, effect: Effect, ports: Ports, shared: Shared) -> bool:
    """Carry one effect out; False for one that every kind has."""
    match effect:
        case ClaimHost(manifest, live):
            await claim_host(manifest, live, ports)
        case ReleaseHost(given_up):
            await release_host(given_up, ports)
        case StartBuild():
            await start_build(context, effect, ports, shared)
        case RecordVerdict(attempt):
            await record_verdict(context, attempt, ports)
        case RetireImages():
            await retire_images(context, effect, ports)
        case Apply(manifest) if manifest["kind"] in SET_UP:
            shared.tenancy.forget(context.identity.namespace)
            return False
        case _:
            return False
    return True
