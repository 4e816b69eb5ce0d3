"""Pure: pods in a sandbox need a node that has it."""

from ink_api.conditions import ConditionType
from ink_api.reasons import Reason

from ink_operator.core.plan import REFUSED_RETRY_SECONDS
from ink_operator.inkservice.decide.plan import ServicePlanBuilder


def isolation_step(plan: ServicePlanBuilder) -> bool:
    """False when the cluster has no such runtime: then the pods that run stay as they are."""
    if plan.service.spec.isolation != "GVisor" or plan.seen.runtime_class is not None:
        return True
    name = plan.settings.gvisor_runtime_class
    message = f"spec.isolation GVisor: the cluster has no RuntimeClass {name}."
    plan.set_condition(ConditionType.DEPLOYED, "False", Reason.RUNTIME_UNAVAILABLE, message)
    plan.requeue_after(REFUSED_RETRY_SECONDS)
    return False
