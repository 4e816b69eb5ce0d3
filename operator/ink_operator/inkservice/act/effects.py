"""The effects that only services have. Each is safe to repeat: the process may end between any two."""

import logging
from typing import Any

from ink_operator.core import effects, errors, keys, kinds, objects
from ink_operator.core.memo import Shared
from ink_operator.inkservice import model, names
from ink_operator.inkservice.act.builds import record_verdict, start_build
from ink_operator.inkservice.facts import ownership
from ink_operator.ports import Ports

SET_UP = ("Namespace", "RoleBinding", "ResourceQuota", "LimitRange", "NetworkPolicy")


async def carry_out(context: model.ServiceContext, effect: effects.Effect, ports: Ports, shared: Shared) -> bool:
    """Carry out one effect; False if it is one that all kinds have."""
    match effect:
        case model.ClaimHost(manifest, live):
            await claim_host(manifest, live, ports)
        case model.ReleaseHost(given_up):
            await release_host(given_up, ports)
        case model.StartBuild():
            await start_build(context, effect, ports, shared)
        case model.RecordVerdict(attempt):
            await record_verdict(context, attempt, ports)
        case model.RetireImages():
            await retire_images(context, effect, ports)
        case effects.Apply(manifest) if manifest["kind"] in SET_UP:
            shared.tenancy.forget(context.identity.namespace)
            return False
        case _:
            return False
    return True


async def claim_host(manifest: objects.Manifest, live: objects.Manifest | None, ports: Ports) -> None:
    """Create the claim, or take over the free one that was read. The loser of a race retries, and sees who holds it."""
    if live is not None:
        take = ownership.take_over(live, manifest)
        if await ports.cluster.merge_patch(take.ref, take.patch) is not None:
            return
    try:
        await ports.cluster.create(manifest)
    except errors.AlreadyExists:
        raise errors.Transient(
            f"the claim {manifest['metadata']['name']} was created in the meantime", retry_after_seconds=0.1
        ) from None


async def release_host(given_up: effects.MergePatch, ports: Ports) -> None:
    """From now on the claim expires on its own."""
    await ports.cluster.merge_patch(given_up.ref, given_up.patch)
    ports.wakeups.add(keys.claim_key(given_up.ref.name, given_up.ref.namespace))


log = logging.getLogger(__name__)
IMAGES_RETRY_SECONDS = 60.0


async def retire_images(context: model.ServiceContext, retire: model.RetireImages, ports: Ports) -> None:
    """Delete from the registry first, then mark the records: after a crash in between, it is simply repeated."""
    try:
        digests, tags = await _in_use(context, retire.repository, ports)
        logs = frozenset(names.build_log_tag(build) for build in retire.builds)
        await ports.registry.prune(retire.repository, retire.digests | digests, tags | logs)
    except errors.NotRenewed:
        raise
    except errors.InkError as error:
        meta = context.service.metadata
        log.info("cannot delete images of %s/%s yet: %s", meta.namespace, meta.name, error)
        ports.wakeups.add(objects.Key(kinds.INK_SERVICE.kind, meta.namespace, meta.name), IMAGES_RETRY_SECONDS)
        return
    for ref in retire.records:
        await ports.cluster.merge_patch(ref, {"metadata": {"annotations": {names.ANNOTATION_IMAGE_DELETED: "true"}}})


async def _in_use(
    context: model.ServiceContext, repository: str, ports: Ports
) -> tuple[frozenset[str], frozenset[str]]:
    """Digests and tags that pods name. Admission lets only pods of this namespace use them."""
    space, own = context.identity.namespace, f"{context.settings.registry}/{repository}"
    digests, tags = set(), set()
    for kind in (kinds.DEPLOYMENT, kinds.CRON_JOB, kinds.POD):
        for live in await ports.cluster.list(kind, space):
            for image in _images(live):
                name, _, digest = image.partition("@")
                if name == own or name.startswith(f"{own}:"):
                    digests.add(digest)
                    tags.add(name[len(own) + 1 :])
    return frozenset(digests - {""}), frozenset(tags - {""})


def _images(live: objects.Manifest) -> list[str]:
    """All images of a pod, or of an object's pod template."""
    spec: dict[str, Any] = live.get("spec") or {}
    spec = (spec.get("jobTemplate") or {}).get("spec") or spec
    spec = (spec.get("template") or {}).get("spec") or spec
    lists = ("initContainers", "containers", "ephemeralContainers")
    return [str(container.get("image") or "") for kind in lists for container in spec.get(kind) or []]
