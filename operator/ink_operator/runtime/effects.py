"""Carries out the effects that all kinds have. Each is safe to repeat: the process may end between any two."""

from ink_api.group import ANNOTATION_OWNER, LABEL_OWNER_UID
from ink_api.reasons import Reason

from ink_operator.core.effects import Apply, Create, Delete, Effect, HandOver, MergePatch
from ink_operator.core.errors import Terminal, Transient
from ink_operator.core.objects import Manifest, annotations_of, is_deleting, labels_of, ref_of
from ink_operator.ports import KubernetesApi

LEAVING_RETRY_SECONDS = 0.2


async def carry_out(effect: Effect, cluster: KubernetesApi) -> Manifest | None:
    """One effect. Returns the object that a Create made or found. TypeError: an effect that only one kind has."""
    match effect:
        case Apply(manifest):
            await cluster.apply(manifest)
        case HandOver(manifest):
            await cluster.hand_over(manifest)
        case Create(manifest):
            return await create_once(manifest, cluster)
        case Delete(ref, uid, resource_version):
            await cluster.delete(ref, uid=uid, resource_version=resource_version)
        case MergePatch(ref, patch):
            await cluster.merge_patch(ref, patch)
        case _:
            raise TypeError(f"no handler for the effect {type(effect).__name__}")
    return None


async def create_once(manifest: Manifest, cluster: KubernetesApi) -> Manifest:
    """Create the child, or return the existing one. Raises Terminal NameConflict if someone else created it.

    Applied, not created: the API server stores the bytes of a ControllerRevision's data as they were sent, and refuses
    every later patch of the object unless they are exactly as it would have written them itself.
    """
    live = await cluster.get(ref_of(manifest))
    if live is None:
        return await cluster.apply(manifest)
    meta, kind = manifest["metadata"], manifest["kind"]
    if is_deleting(live):
        raise Transient(
            f"the old {kind} {meta['name']} is still being deleted", retry_after_seconds=LEAVING_RETRY_SECONDS
        )
    if labels_of(live).get(LABEL_OWNER_UID) == labels_of(manifest)[LABEL_OWNER_UID]:
        return live
    if annotations_of(live).get(ANNOTATION_OWNER) == annotations_of(manifest)[ANNOTATION_OWNER]:
        # Left behind by an earlier owner with the same name.
        await cluster.delete(ref_of(live), uid=live["metadata"]["uid"])
        message = f"the {kind} {meta['name']} of an earlier owner with this name is being replaced"
        raise Transient(message, retry_after_seconds=LEAVING_RETRY_SECONDS)
    what = f"The {kind} {meta['name']} in {meta['namespace']} was not created for this resource."
    raise Terminal(what, reason=Reason.NAME_CONFLICT)
