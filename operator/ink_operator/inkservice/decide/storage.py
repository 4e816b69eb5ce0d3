"""Pure: the claims of a service's volumes. They are made before the pods, grown after them, and never shrunk."""

from ink_api.conditions import ConditionType
from ink_api.inkservice import Volume
from ink_api.reasons import Reason

from ink_operator.core.effects import Apply, Delete
from ink_operator.core.objects import Manifest, is_deleting, ref_of
from ink_operator.core.plan import REFUSED_RETRY_SECONDS
from ink_operator.inkservice import names
from ink_operator.inkservice.decide.plan import ServicePlanBuilder
from ink_operator.inkservice.desired.storage import larger, make_volume_claim, size_of
from ink_operator.inkservice.facts.ownership import is_ours
from ink_operator.inkservice.facts.volumes import is_to_be_deleted, volumes_of

LOOK_SECONDS = 15.0
"""Claims are not watched: what happens to them shows in their pods."""


def storage_step(plan: ServicePlanBuilder) -> bool:
    """False when a volume cannot be had as it is wanted: then the pods that run stay as they are."""
    for volume in volumes_of(plan.service):
        live = plan.seen.volumes.get(names.volume_claim(plan.seen.identity, volume.name))
        if live is not None and is_deleting(live):
            # It goes when the last pod has left it, and is made anew then.
            plan.requeue_after(LOOK_SECONDS)
            continue
        if live is not None and _other_class(live, volume):
            found = live["spec"].get("storageClassName")
            message = (
                f"spec.volumes {volume.name}: the claim {live['metadata']['name']} is there already, of class {found}."
            )
            plan.set_condition(ConditionType.DEPLOYED, "False", Reason.VOLUME_EXISTS, message)
            plan.requeue_after(REFUSED_RETRY_SECONDS)
            return False
        size = size_of(live) if live is not None else volume.size
        plan.apply(live, make_volume_claim(plan.service, plan.seen.identity, volume, size))
    return True


def _other_class(live: Manifest, volume: Volume) -> bool:
    wanted = volume.storage_class_name
    return wanted is not None and live["spec"].get("storageClassName") not in (None, wanted)


def grow_step(plan: ServicePlanBuilder) -> None:
    """Last of all: storage that cannot grow must not keep a new revision from being rolled out."""
    for volume in volumes_of(plan.service):
        live = plan.seen.volumes.get(names.volume_claim(plan.seen.identity, volume.name))
        if live is None or is_deleting(live) or larger(size_of(live), volume.size) == size_of(live):
            continue
        if (live.get("status") or {}).get("phase") != "Bound":
            # Until then the API server lets nobody change it.
            plan.requeue_after(LOOK_SECONDS)
            continue
        plan.effects.append(Apply(make_volume_claim(plan.service, plan.seen.identity, volume, volume.size)))


def drop_volumes(plan: ServicePlanBuilder) -> None:
    """Claims that the spec names no more. Kubernetes keeps them until the last pod that mounts them has left."""
    wanted = {names.volume_claim(plan.seen.identity, volume.name) for volume in volumes_of(plan.service)}
    for name, live in sorted(plan.seen.volumes.items()):
        if name not in wanted and is_ours(live, plan.service.metadata.uid) and is_to_be_deleted(live):
            plan.effects.append(Delete(ref_of(live), live["metadata"]["uid"]))
