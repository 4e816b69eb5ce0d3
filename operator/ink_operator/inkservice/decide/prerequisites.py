"""Pure: what pods need before they start: a node with the sandbox, the Secret of their variables, their volumes."""

from ink_api.condition_types import ConditionType
from ink_api.inkservice import Volume
from ink_api.reasons import Reason

from ink_operator.core import canonical, effects, kinds, objects
from ink_operator.core.plan import REFUSED_RETRY_SECONDS
from ink_operator.inkservice import names
from ink_operator.inkservice.decide.plan import ServicePlanBuilder
from ink_operator.inkservice.desired.environment import make_env_grant, make_env_secret
from ink_operator.inkservice.desired.storage import larger, make_volume_claim, size_of
from ink_operator.inkservice.facts import ownership


def isolation_step(plan: ServicePlanBuilder) -> bool:
    """False if the cluster does not have the runtime: running pods then stay as they are."""
    if plan.service.spec.isolation != "GVisor" or plan.seen.runtime_class is not None:
        return True
    name = plan.settings.gvisor_runtime_class
    message = f"spec.isolation GVisor: the cluster has no RuntimeClass {name}."
    plan.set_condition(ConditionType.DEPLOYED, "False", Reason.RUNTIME_UNAVAILABLE, message)
    plan.requeue_after(REFUSED_RETRY_SECONDS)
    return False


SECRET_REQUEUE_SECONDS = 0.3


def environment_step(plan: ServicePlanBuilder) -> bool:
    """False if the values are not known (yet): running pods then stay as they are."""
    wanted = plan.seen.environment
    failure = wanted.failure or plan.seen.configuration.failure
    if failure is not None:
        plan.set_condition(ConditionType.DEPLOYED, "False", failure.reason, failure.message)
        plan.requeue_after(REFUSED_RETRY_SECONDS)
        return False
    if wanted.values:
        live = plan.seen.env_children.get(kinds.SECRET.kind)
        secret = make_env_secret(plan.service, plan.seen.identity, wanted.values)
        if not canonical.settled(live, secret):
            plan.effects.append(effects.Apply(secret))
        if plan.is_gateway_managed:
            _grant(plan)
    return True


def _grant(plan: ServicePlanBuilder) -> None:
    """Only once the Secret exists: the grant is owned by it, by UID."""
    children = plan.seen.env_children
    secret = children.get(kinds.SECRET.kind)
    if secret is None:
        plan.requeue_after(SECRET_REQUEUE_SECONDS)
        return
    role, binding = make_env_grant(plan.service, plan.seen.identity, secret["metadata"]["uid"], plan.settings)
    plan.effects += [
        effects.Apply(wanted)
        for live, wanted in ((children.get(kinds.ROLE.kind), role), (children.get(kinds.ROLE_BINDING.kind), binding))
        if not canonical.settled(live, wanted)
    ]


def drop_environment(plan: ServicePlanBuilder) -> None:
    """Delete the Secret that no pod reads any more."""
    live = plan.seen.env_children.get(kinds.SECRET.kind)
    wanted = plan.seen.environment
    if (
        live is not None
        and not wanted.values
        and wanted.failure is None
        and ownership.is_ours(live, plan.service.metadata.uid)
    ):
        plan.effects.append(effects.Delete(objects.ref_of(live), live["metadata"]["uid"]))


VOLUME_RETRY_SECONDS = 15.0
"""Claims are not watched: what happens to them shows in their pods."""


def storage_step(plan: ServicePlanBuilder) -> bool:
    """False if a volume is not available as requested: running pods then stay as they are."""
    for volume in ownership.volumes_of(plan.service):
        live = plan.seen.volumes.get(names.volume_claim(plan.seen.identity, volume.name))
        if live is not None and objects.is_deleting(live):
            # It is deleted once no pod uses it any more, and recreated then.
            plan.requeue_after(VOLUME_RETRY_SECONDS)
            continue
        if live is not None and _other_class(live, volume):
            found = live["spec"].get("storageClassName")
            claim = live["metadata"]["name"]
            message = f"spec.volumes {volume.name}: the claim {claim} already exists, with storage class {found}."
            plan.set_condition(ConditionType.DEPLOYED, "False", Reason.VOLUME_EXISTS, message)
            plan.requeue_after(REFUSED_RETRY_SECONDS)
            return False
        size = size_of(live) if live is not None else volume.size
        plan.apply(live, make_volume_claim(plan.service, plan.seen.identity, volume, size))
    return True


def _other_class(live: objects.Manifest, volume: Volume) -> bool:
    wanted = volume.storage_class_name
    return wanted is not None and live["spec"].get("storageClassName") not in (None, wanted)


def grow_step(plan: ServicePlanBuilder) -> None:
    """Last: storage that cannot grow must not block the rollout of a new revision."""
    for volume in ownership.volumes_of(plan.service):
        live = plan.seen.volumes.get(names.volume_claim(plan.seen.identity, volume.name))
        if live is None or objects.is_deleting(live) or larger(size_of(live), volume.size) == size_of(live):
            continue
        if (live.get("status") or {}).get("phase") != "Bound":
            # Until then the API server refuses changes.
            plan.requeue_after(VOLUME_RETRY_SECONDS)
            continue
        plan.effects.append(effects.Apply(make_volume_claim(plan.service, plan.seen.identity, volume, volume.size)))


def drop_volumes(plan: ServicePlanBuilder) -> None:
    """Delete claims that the spec no longer names. Kubernetes keeps them until no pod mounts them."""
    wanted = {names.volume_claim(plan.seen.identity, volume.name) for volume in ownership.volumes_of(plan.service)}
    for name, live in sorted(plan.seen.volumes.items()):
        if (
            name not in wanted
            and ownership.is_ours(live, plan.service.metadata.uid)
            and ownership.is_to_be_deleted(live)
        ):
            plan.effects.append(effects.Delete(objects.ref_of(live), live["metadata"]["uid"]))
