"""Pure: how many pods, and who decides. With autoscaling, Ink sets the initial number and then gives up the field."""

from ink_api import group

from ink_operator.core import effects, objects
from ink_operator.inkservice.decide.cron import sync_suspend
from ink_operator.inkservice.decide.plan import ServicePlanBuilder
from ink_operator.inkservice.desired.workload import make_autoscaler, make_hand_over
from ink_operator.inkservice.facts import effective


def scaled_by_others(plan: ServicePlanBuilder) -> bool:
    """The number of pods is no longer Ink's. Only Ink scales to zero: nothing scales up from there."""
    service, live = plan.service, plan.seen.deployment
    if service.spec.autoscaling is None or effective.wanted_replicas(service) == 0:
        return False
    return live is not None and live["spec"].get("replicas", 1) > 0


def hand_over(plan: ServicePlanBuilder) -> None:
    """Give up `replicas` before the Deployment is applied without it."""
    live = plan.seen.deployment
    if live is not None and scaled_by_others(plan) and owns_replicas(live):
        plan.effects.append(effects.HandOver(make_hand_over(live)))


def owns_replicas(live: objects.Manifest) -> bool:
    """Ink has applied `replicas`, and nobody has taken it over."""
    for entry in live["metadata"].get("managedFields") or []:
        if entry.get("manager") == group.FIELD_MANAGER_OPERATOR and entry.get("operation") == "Apply":
            return "f:replicas" in ((entry.get("fieldsV1") or {}).get("f:spec") or {})
    return False


def autoscaler_step(plan: ServicePlanBuilder) -> None:
    """A suspended service has none: an autoscaler would not leave it at zero."""
    scaling, live = plan.service.spec.autoscaling, plan.seen.autoscaler
    if scaling is None or effective.wanted_replicas(plan.service) == 0 or plan.service.spec.cron is not None:
        plan.remove(live)
    else:
        plan.apply(live, make_autoscaler(plan.service, plan.seen.identity, scaling))


def scale_step(plan: ServicePlanBuilder) -> None:
    """While no image is known for the newest spec, `replicas` and `suspend` still apply to the old revision."""
    sync_suspend(plan)
    live = plan.seen.deployment
    wanted = effective.first_replicas(plan.service)
    if live is not None and not scaled_by_others(plan) and live["spec"].get("replicas", 1) != wanted:
        plan.effects.append(effects.MergePatch(objects.ref_of(live), {"spec": {"replicas": wanted}}))
