"""Carries out the effects that every kind has. Each is safe to repeat; the process may end between any two."""

from ink_api.group import ANNOTATION_OWNER, LABEL_OWNER_UID
from ink_api.reasons import Reason

from ink_operator.core.effects import Apply, Create, Delete, Effect, HandOver, MergePatch
from ink_operator.core.errors import Terminal, Transient
from ink_operator.core.objects import Manifest, annotations_of, is_deleting, labels_of, ref_of
from ink_operator.ports import KubernetesApi

LEAVING_RETRY_SECONDS = 0.2


async def carry_out(effect: Effect, cluster: KubernetesApi) -> Manifest | None:
    """One effect. Returns the object that a Create made or found; raises TypeError for an effect of a kind's own."""
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
            raise TypeError(f"nobody carries out {type(effect).__name__}")
    return None


async def create_once(manifest: Manifest, cluster: KubernetesApi) -> Manifest:
    """Make the child, or find it made already; as it is then. Raises Terminal NameConflict when somebody else made it.

    Applied, not created: the API server keeps the bytes of a ControllerRevision's data as they come, and refuses every
    later patch of the object when they are not exactly as it would have written them itself.
    """
    live = await cluster.get(ref_of(manifest))
    if live is None:
        return await cluster.apply(manifest)
    meta, kind = manifest["metadata"], manifest["kind"]
    if is_deleting(live):
        raise Transient(f"the old {kind} {meta['name']} is being deleted", retry_after_seconds=LEAVING_RETRY_SECONDS)
    if labels_of(live).get(LABEL_OWNER_UID) == labels_of(manifest)[LABEL_OWNER_UID]:
        return live
    if annotations_of(live).get(ANNOTATION_OWNER) == annotations_of(manifest)[ANNOTATION_OWNER]:
        # An earlier owner of the same name left it behind.
        await cluster.delete(ref_of(live), uid=live["metadata"]["uid"])
        message = f"the {kind} {meta['name']} of an earlier owner of this name is being replaced"
        raise Transient(message, retry_after_seconds=LEAVING_RETRY_SECONDS)
    what = f"The {kind} {meta['name']} in {meta['namespace']} was not made for this resource."
    raise Terminal(what, reason=Reason.NAME_CONFLICT)
