"""Pure: pods in a sandbox need a node that has it."""

from ink_api.condition_types import ConditionType
from ink_api.reasons import Reason

from ink_operator.inkservice.draft import REFUSED_LOOK_SECONDS, Draft


def isolation_step(draft: Draft) -> bool:
    """False when the cluster has no such runtime: then the pods that run stay as they are."""
    if draft.service.spec.isolation != "GVisor" or draft.seen.runtime_class is not None:
        return True
    name = draft.settings.gvisor_runtime_class
    message = f"spec.isolation GVisor: the cluster has no RuntimeClass {name}."
    draft.say(ConditionType.DEPLOYED, "False", Reason.RUNTIME_UNAVAILABLE, message)
    draft.look_again(REFUSED_LOOK_SECONDS)
    return False
