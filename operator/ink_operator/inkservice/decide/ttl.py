"""Pure: a service with a lifetime. When it ends, everything that it runs is deleted; the object stays, with Expired.

Only the gateway's objects are deleted as well: others are someone's file, which GitOps would bring back.
"""

from datetime import timedelta

from ink_api.condition_types import ConditionType
from ink_api.quantities import seconds
from ink_api.reasons import Reason

from ink_operator.core import effects, kinds, objects, times
from ink_operator.inkservice.decide.plan import ServicePlanBuilder
from ink_operator.inkservice.facts import ownership
from ink_operator.inkservice.facts.status import CHAIN

EXPIRY_RETRY_SECONDS = 1.0
"""The first deletions make the next ones possible."""


def seconds_left(plan: ServicePlanBuilder) -> float | None:
    """Until the lifetime ends; None without one."""
    created, ttl = times.parse_time(plan.service.metadata.creation_timestamp), plan.service.spec.ttl
    if created is None or ttl is None:
        return None
    return (created + timedelta(seconds=seconds(ttl)) - plan.now).total_seconds()


def expired(plan: ServicePlanBuilder) -> bool:
    """Whether it has ended. If not, requeues the service for that moment."""
    remaining = seconds_left(plan)
    if remaining is None:
        return False
    if remaining > 0:
        plan.requeue_after(remaining)
    return remaining <= 0


def expire_step(plan: ServicePlanBuilder) -> None:
    """Route first, then pods, then what they used. Volumes are kept or deleted by their policies."""
    seen = plan.seen
    _remove_ours(plan, seen.ingress, seen.autoscaler, seen.deployment, seen.cron_job, seen.service)
    if plan.effects:
        plan.requeue_after(EXPIRY_RETRY_SECONDS)
    _remove_ours(plan, seen.env_children.get(kinds.SECRET.kind))
    _remove_ours(plan, *(claim for _, claim in sorted(seen.volumes.items()) if ownership.is_to_be_deleted(claim)))
    if seen.ingress is None:
        plan.release_hosts(*plan.held_claim)
    for attempt in seen.attempts:
        plan.drop_build(attempt)
    # The records of its revisions are kept: a longer lifetime brings it back without a build.
    plan.effects += [
        effects.Delete(objects.Ref(kinds.JOB, seen.identity.namespace, run.name), run.uid) for run in seen.releases
    ]
    message = f"The service's lifetime of {plan.service.spec.ttl} is over."
    for kind in CHAIN:
        plan.set_condition(kind, "Unknown", Reason.EXPIRED, message)
    plan.set_condition(ConditionType.READY, "False", Reason.EXPIRED, message)
    plan.refused = True
    if plan.is_gateway_managed:
        meta = plan.service.metadata
        plan.effects.append(effects.Delete(objects.Ref(kinds.INK_SERVICE, meta.namespace, meta.name), meta.uid))


def _remove_ours(plan: ServicePlanBuilder, *children: objects.Manifest | None) -> None:
    uid = plan.service.metadata.uid
    plan.remove(*(live for live in children if live is not None and ownership.is_ours(live, uid)))
