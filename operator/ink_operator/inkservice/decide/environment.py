"""Pure: the Secret of a service's sealed variables, before the pods that read it."""

from ink_api.conditions import ConditionType

from ink_operator.core import kinds
from ink_operator.core.canonical import settled
from ink_operator.core.effects import Apply, Delete
from ink_operator.core.objects import ref_of
from ink_operator.core.plan import REFUSED_RETRY_SECONDS
from ink_operator.inkservice.decide.plan import ServicePlanBuilder
from ink_operator.inkservice.desired.environment import make_env_grant, make_env_secret
from ink_operator.inkservice.facts.ownership import is_ours

LOOK_SECONDS = 0.3


def environment_step(plan: ServicePlanBuilder) -> bool:
    """False when it is not known (yet) what to run on: then the pods that run stay as they are."""
    wanted = plan.seen.environment
    failure = wanted.failure or plan.seen.configuration.failure
    if failure is not None:
        plan.set_condition(ConditionType.DEPLOYED, "False", failure.reason, failure.message)
        plan.requeue_after(REFUSED_RETRY_SECONDS)
        return False
    if wanted.values:
        live = plan.seen.env_children.get(kinds.SECRET.kind)
        secret = make_env_secret(plan.service, plan.seen.identity, wanted.values)
        if not settled(live, secret):
            plan.effects.append(Apply(secret))
        if plan.is_gateway_managed:
            _grant(plan)
    return True


def _grant(plan: ServicePlanBuilder) -> None:
    """Once the Secret is there: what is granted belongs to it, by its UID."""
    children = plan.seen.env_children
    secret = children.get(kinds.SECRET.kind)
    if secret is None:
        plan.requeue_after(LOOK_SECONDS)
        return
    role, binding = make_env_grant(plan.service, plan.seen.identity, secret["metadata"]["uid"], plan.settings)
    plan.effects += [
        Apply(wanted)
        for live, wanted in ((children.get(kinds.ROLE.kind), role), (children.get(kinds.ROLE_BINDING.kind), binding))
        if not settled(live, wanted)
    ]


def drop_environment(plan: ServicePlanBuilder) -> None:
    """No pod reads the Secret any more."""
    live = plan.seen.env_children.get(kinds.SECRET.kind)
    wanted = plan.seen.environment
    if live is not None and not wanted.values and wanted.failure is None and is_ours(live, plan.service.metadata.uid):
        plan.effects.append(Delete(ref_of(live), live["metadata"]["uid"]))
