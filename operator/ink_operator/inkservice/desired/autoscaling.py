"""The HorizontalPodAutoscaler of a service, and the hand-over of `replicas` to it."""

from typing import Any

from ink_api.inkservice import Autoscaling, InkService
from ink_api.names import ServiceIdentity
from ink_api.quantities import seconds

from ink_operator.core import kinds
from ink_operator.core.objects import Manifest
from ink_operator.inkservice import names
from ink_operator.inkservice.desired.common import child

TARGET_CPU_PERCENT = 80
DOWN_SECONDS = 300


def make_autoscaler(service: InkService, identity: ServiceIdentity, wanted: Autoscaling) -> Manifest:
    """Scales the Deployment by the use of what its pods request."""
    cpu, memory = wanted.target_cpu_utilization_percentage, wanted.target_memory_utilization_percentage
    if cpu is None and memory is None:
        cpu = TARGET_CPU_PERCENT
    spec: dict[str, Any] = {
        "scaleTargetRef": {
            "apiVersion": kinds.DEPLOYMENT.api_version,
            "kind": kinds.DEPLOYMENT.kind,
            "name": identity.name,
        },
        "minReplicas": wanted.min_replicas,
        "maxReplicas": wanted.max_replicas,
        "metrics": [_metric(name, target) for name, target in (("cpu", cpu), ("memory", memory)) if target is not None],
        "behavior": {
            "scaleUp": {"stabilizationWindowSeconds": _calm(wanted.scale_up_cooldown, 0)},
            "scaleDown": {"stabilizationWindowSeconds": _calm(wanted.scale_down_cooldown, DOWN_SECONDS)},
        },
    }
    return child(
        kinds.HORIZONTAL_POD_AUTOSCALER,
        service,
        identity,
        name=identity.name,
        namespace=identity.namespace,
        component=names.APP,
        body={"spec": spec},
    )


def make_hand_over(live: Manifest) -> Manifest:
    """The Deployment's number of pods as it is, to be applied by a manager of its own.

    A field that its last owner applies no more is removed, and the API server would put its default of one pod in its
    place. So another owner takes the value first; whoever scales takes it from that one.
    """
    meta = live["metadata"]
    return {
        "apiVersion": kinds.DEPLOYMENT.api_version,
        "kind": kinds.DEPLOYMENT.kind,
        # At this very version: a number that changed meanwhile is somebody else's already.
        "metadata": {
            "name": meta["name"],
            "namespace": meta["namespace"],
            "resourceVersion": meta["resourceVersion"],
        },
        "spec": {"replicas": live["spec"].get("replicas", 1)},
    }


def _metric(name: str, percent: int) -> dict[str, Any]:
    target = {"type": "Utilization", "averageUtilization": percent}
    return {"type": "Resource", "resource": {"name": name, "target": target}}


def _calm(cooldown: str | None, default: int) -> int:
    return seconds(cooldown) if cooldown is not None else default
