"""Pure: a service with a lifetime. When it is over, what it runs goes; the object stays and says so.

Only where the gateway writes does the object go as well: elsewhere it is somebody's file, which GitOps brings back.
"""

from datetime import timedelta

from ink_api.condition_types import ConditionType
from ink_api.quantities import seconds
from ink_api.reasons import Reason

from ink_operator.core.effects import Delete
from ink_operator.core.objects import INK_SERVICE, JOB, SECRET, Manifest, Ref
from ink_operator.core.times import parse_time
from ink_operator.inkservice.checks import is_ours
from ink_operator.inkservice.decide_storage import is_to_go
from ink_operator.inkservice.draft import Draft
from ink_operator.inkservice.status import CHAIN

LOOK_SECONDS = 1.0
"""What went first frees what goes next."""


def seconds_left(draft: Draft) -> float | None:
    """Until the lifetime is over; None without one."""
    created, ttl = parse_time(draft.service.metadata.creation_timestamp), draft.service.spec.ttl
    if created is None or ttl is None:
        return None
    return (created + timedelta(seconds=seconds(ttl)) - draft.now).total_seconds()


def expired(draft: Draft) -> bool:
    """Whether it is over. If not, the service is looked at again the moment it is."""
    left = seconds_left(draft)
    if left is None:
        return False
    if left > 0:
        draft.look_again(left)
    return left <= 0


def expire_step(draft: Draft) -> None:
    """Route first, then pods, then what they used. Volumes follow their policies."""
    seen = draft.seen
    _remove_ours(draft, seen.ingress, seen.autoscaler, seen.deployment, seen.cron_job, seen.service)
    if draft.effects:
        draft.look_again(LOOK_SECONDS)
    _remove_ours(draft, seen.env_children.get(SECRET.kind))
    _remove_ours(draft, *(claim for _, claim in sorted(seen.volumes.items()) if is_to_go(claim)))
    if seen.ingress is None:
        draft.release_hosts(*draft.held_claim)
    for attempt in seen.attempts:
        draft.drop_build(attempt)
    # The records of its revisions stay with it: a longer lifetime brings it back without a build.
    draft.effects += [Delete(Ref(JOB, seen.identity.namespace, run.name), run.uid) for run in seen.releases]
    message = f"The service's lifetime of {draft.service.spec.ttl} is over."
    for kind in CHAIN:
        draft.say(kind, "Unknown", Reason.EXPIRED, message)
    draft.say(ConditionType.READY, "False", Reason.EXPIRED, message)
    draft.refused = True
    if draft.of_gateway:
        meta = draft.service.metadata
        draft.effects.append(Delete(Ref(INK_SERVICE, meta.namespace, meta.name), meta.uid))


def _remove_ours(draft: Draft, *children: Manifest | None) -> None:
    uid = draft.service.metadata.uid
    draft.remove(*(live for live in children if live is not None and is_ours(live, uid)))
