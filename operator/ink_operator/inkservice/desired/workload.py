"""What creates the pods of a service: a Deployment with its HorizontalPodAutoscaler, or a CronJob."""

from collections.abc import Mapping
from typing import Any

from ink_api import group
from ink_api.inkservice import Autoscaling, Cron, InkService
from ink_api.names import ServiceIdentity
from ink_api.quantities import seconds

from ink_operator.core import kinds, objects
from ink_operator.inkservice import model, names
from ink_operator.inkservice.desired import common
from ink_operator.inkservice.desired.pod import EMPTY, make_template, revision_annotations
from ink_operator.inkservice.facts import effective
from ink_operator.settings import Settings

PROGRESS_SLACK_SECONDS = 180
WORKER_SETTLE_SECONDS = 10


def make_deployment(
    service: InkService,
    identity: ServiceIdentity,
    running: model.Running,
    settings: Settings,
    digests: Mapping[str, str] = EMPTY,
    *,
    live: objects.Manifest | None = None,
    scaled_by_others: bool = False,
) -> objects.Manifest:
    """The Deployment that runs `running.image` with the spec's settings. `digests`, `live`: see make_template.

    `scaled_by_others`: leave out the number of pods.
    """
    template = make_template(service, identity, running, settings, digests, live=live)
    spec: dict[str, Any] = {
        "revisionHistoryLimit": 3,
        "progressDeadlineSeconds": effective.grace_seconds(service, settings) + PROGRESS_SLACK_SECONDS,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
        "selector": {"matchLabels": {group.LABEL_SERVICE: identity.name, group.LABEL_COMPONENT: names.APP}},
        "template": template,
    }
    if not scaled_by_others:
        spec["replicas"] = effective.first_replicas(service)
    if service.spec.volumes:
        # Only one pod at a time may mount the volume, so the new one waits until the old one is gone.
        spec["strategy"] = {"type": "Recreate"}
        spec["progressDeadlineSeconds"] += template["spec"]["terminationGracePeriodSeconds"]
    if not effective.ports_of(service, running.port):
        spec["minReadySeconds"] = WORKER_SETTLE_SECONDS
    return common.child(
        kinds.DEPLOYMENT,
        service,
        identity,
        name=identity.name,
        namespace=identity.namespace,
        component=names.APP,
        body={"spec": spec},
        annotations=revision_annotations(service, running, template),
    )


TARGET_CPU_PERCENT = 80
SCALE_DOWN_WINDOW_SECONDS = 300


def make_autoscaler(service: InkService, identity: ServiceIdentity, wanted: Autoscaling) -> objects.Manifest:
    """Scales the Deployment by the utilisation of its pods' requests."""
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
            "scaleUp": {"stabilizationWindowSeconds": _window_seconds(wanted.scale_up_cooldown, 0)},
            "scaleDown": {
                "stabilizationWindowSeconds": _window_seconds(wanted.scale_down_cooldown, SCALE_DOWN_WINDOW_SECONDS)
            },
        },
    }
    return common.child(
        kinds.HORIZONTAL_POD_AUTOSCALER,
        service,
        identity,
        name=identity.name,
        namespace=identity.namespace,
        component=names.APP,
        body={"spec": spec},
    )


def make_hand_over(live: objects.Manifest) -> objects.Manifest:
    """The Deployment's current number of pods, to be applied by a separate field manager.

    When its last manager stops applying a field, the API server removes it and falls back to the default of one pod. So
    another manager takes over the value first, and the autoscaler takes it from there.
    """
    meta = live["metadata"]
    return {
        "apiVersion": kinds.DEPLOYMENT.api_version,
        "kind": kinds.DEPLOYMENT.kind,
        # Only at this version: if the number has changed since, someone else already manages it.
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


def _window_seconds(cooldown: str | None, default: int) -> int:
    return seconds(cooldown) if cooldown is not None else default


RUN_SECONDS = 3600
START_DEADLINE_SECONDS = 600
"""A run that could not start on time may start this much later; after that it is skipped."""
HISTORY = 3
"""Finished runs kept, successful and failed each: their pods have the logs."""


def make_cron_job(
    service: InkService,
    identity: ServiceIdentity,
    running: model.Running,
    settings: Settings,
    digests: Mapping[str, str] = EMPTY,
    *,
    live: objects.Manifest | None = None,
) -> objects.Manifest:
    """Runs `running.image` at the times of spec.cron. `digests`, `live`: see make_template."""
    cron = service.spec.cron or Cron(schedule="@yearly")
    template = make_template(service, identity, running, settings, digests, component=names.CRON, live=live)
    template["spec"]["restartPolicy"] = "Never"
    job: dict[str, Any] = {
        "metadata": {
            "labels": common.labels_of(service, identity, names.CRON),
            "annotations": {group.ANNOTATION_OWNER: names.owner_of(service)},
        },
        "spec": {
            "backoffLimit": cron.retries,
            "activeDeadlineSeconds": seconds(cron.timeout) if cron.timeout else RUN_SECONDS,
            "template": template,
        },
    }
    spec = {
        "schedule": cron.schedule,
        "timeZone": cron.time_zone or "Etc/UTC",
        "concurrencyPolicy": cron.concurrency_policy,
        "suspend": effective.wanted_replicas(service) == 0,
        "startingDeadlineSeconds": START_DEADLINE_SECONDS,
        "successfulJobsHistoryLimit": HISTORY,
        "failedJobsHistoryLimit": HISTORY,
        "jobTemplate": job,
    }
    return common.child(
        kinds.CRON_JOB,
        service,
        identity,
        name=identity.name,
        namespace=identity.namespace,
        component=names.CRON,
        body={"spec": spec},
        annotations=revision_annotations(service, running, template),
    )
