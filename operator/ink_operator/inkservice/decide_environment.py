"""Pure: the Secret of a service's sealed variables, before the pods that read it."""

from ink_api.condition_types import ConditionType

from ink_operator.core.canonical import settled
from ink_operator.core.effects import Apply, Delete
from ink_operator.core.objects import ROLE, ROLE_BINDING, SECRET, ref_of
from ink_operator.inkservice.checks import is_ours
from ink_operator.inkservice.desired.environment import make_env_grant, make_env_secret
from ink_operator.inkservice.draft import REFUSED_LOOK_SECONDS, Draft

LOOK_SECONDS = 0.3


def environment_step(draft: Draft) -> bool:
    """False when it is not known (yet) what to run on: then the pods that run stay as they are."""
    wanted = draft.seen.environment
    failure = wanted.failure or draft.seen.configuration.failure
    if failure is not None:
        draft.say(ConditionType.DEPLOYED, "False", failure.reason, failure.message)
        draft.look_again(REFUSED_LOOK_SECONDS)
        return False
    if wanted.values:
        live = draft.seen.env_children.get(SECRET.kind)
        secret = make_env_secret(draft.service, draft.seen.identity, wanted.values)
        if not settled(live, secret):
            draft.effects.append(Apply(secret))
        if draft.of_gateway:
            _grant(draft)
    return True


def _grant(draft: Draft) -> None:
    """Once the Secret is there: what is granted belongs to it, by its UID."""
    children = draft.seen.env_children
    secret = children.get(SECRET.kind)
    if secret is None:
        draft.look_again(LOOK_SECONDS)
        return
    role, binding = make_env_grant(draft.service, draft.seen.identity, secret["metadata"]["uid"], draft.settings)
    draft.effects += [
        Apply(wanted)
        for live, wanted in ((children.get(ROLE.kind), role), (children.get(ROLE_BINDING.kind), binding))
        if not settled(live, wanted)
    ]


def drop_environment(draft: Draft) -> None:
    """No pod reads the Secret any more."""
    live = draft.seen.env_children.get(SECRET.kind)
    wanted = draft.seen.environment
    if live is not None and not wanted.values and wanted.failure is None and is_ours(live, draft.service.metadata.uid):
        draft.effects.append(Delete(ref_of(live), live["metadata"]["uid"]))
