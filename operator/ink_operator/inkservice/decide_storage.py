"""Pure: the claims of a service's volumes. They are made before the pods, grown after them, and never shrunk."""

from ink_api.condition_types import ConditionType
from ink_api.inkservice import Volume
from ink_api.reasons import Reason

from ink_operator.core.effects import Apply, Delete
from ink_operator.core.objects import Manifest, annotations_of, is_deleting, ref_of
from ink_operator.inkservice.checks import is_ours
from ink_operator.inkservice.desired.storage import (
    ANNOTATION_DELETION_POLICY,
    claim_name,
    larger,
    make_volume_claim,
    size_of,
    volumes_of,
)
from ink_operator.inkservice.draft import REFUSED_LOOK_SECONDS, Draft

LOOK_SECONDS = 15.0
"""Claims are not watched: what happens to them shows in their pods."""


def storage_step(draft: Draft) -> bool:
    """False when a volume cannot be had as it is wanted: then the pods that run stay as they are."""
    for volume in volumes_of(draft.service):
        live = draft.seen.volumes.get(claim_name(draft.seen.identity, volume.name))
        if live is not None and is_deleting(live):
            # It goes when the last pod has left it, and is made anew then.
            draft.look_again(LOOK_SECONDS)
            continue
        if live is not None and _other_class(live, volume):
            found = live["spec"].get("storageClassName")
            message = (
                f"spec.volumes {volume.name}: the claim {live['metadata']['name']} is there already, of class {found}."
            )
            draft.say(ConditionType.DEPLOYED, "False", Reason.VOLUME_EXISTS, message)
            draft.look_again(REFUSED_LOOK_SECONDS)
            return False
        size = size_of(live) if live is not None else volume.size
        draft.apply(live, make_volume_claim(draft.service, draft.seen.identity, volume, size))
    return True


def _other_class(live: Manifest, volume: Volume) -> bool:
    wanted = volume.storage_class_name
    return wanted is not None and live["spec"].get("storageClassName") not in (None, wanted)


def grow_step(draft: Draft) -> None:
    """Last of all: storage that cannot grow must not keep a new revision from being rolled out."""
    for volume in volumes_of(draft.service):
        live = draft.seen.volumes.get(claim_name(draft.seen.identity, volume.name))
        if live is None or is_deleting(live) or larger(size_of(live), volume.size) == size_of(live):
            continue
        if (live.get("status") or {}).get("phase") != "Bound":
            # Until then the API server lets nobody change it.
            draft.look_again(LOOK_SECONDS)
            continue
        draft.effects.append(Apply(make_volume_claim(draft.service, draft.seen.identity, volume, volume.size)))


def drop_volumes(draft: Draft) -> None:
    """Claims that the spec names no more. Kubernetes keeps them until the last pod that mounts them has left."""
    wanted = {claim_name(draft.seen.identity, volume.name) for volume in volumes_of(draft.service)}
    for name, live in sorted(draft.seen.volumes.items()):
        if name not in wanted and is_ours(live, draft.service.metadata.uid) and is_to_go(live):
            draft.effects.append(Delete(ref_of(live), live["metadata"]["uid"]))


def is_to_go(claim: Manifest) -> bool:
    """Its policy says so, and nobody has asked yet."""
    return annotations_of(claim).get(ANNOTATION_DELETION_POLICY) == "Delete" and not is_deleting(claim)
