"""Claims of public hosts: taken and given up atomically."""

from ink_operator.core.effects import MergePatch
from ink_operator.core.errors import AlreadyExists, Transient
from ink_operator.core.keys import claim_key
from ink_operator.core.objects import Manifest
from ink_operator.inkservice.facts.claims import take_over
from ink_operator.ports import Ports


async def claim_host(manifest: Manifest, live: Manifest | None, ports: Ports) -> None:
    """Create the claim, or take over the free one that was read. Who comes second looks again, and sees whose it is."""
    if live is not None:
        take = take_over(live, manifest)
        if await ports.cluster.merge_patch(take.ref, take.patch) is not None:
            return
    try:
        await ports.cluster.create(manifest)
    except AlreadyExists:
        raise Transient(
            f"the claim {manifest['metadata']['name']} was made meanwhile", retry_after_seconds=0.1
        ) from None


async def release_host(given_up: MergePatch, ports: Ports) -> None:
    """From now on the claim has a time of its own."""
    await ports.cluster.merge_patch(given_up.ref, given_up.patch)
    ports.wakeups.add(claim_key(given_up.ref.name, given_up.ref.namespace))
