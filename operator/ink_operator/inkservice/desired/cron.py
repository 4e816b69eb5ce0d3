"""The CronJob of a service that runs at given times instead of serving."""

from collections.abc import Mapping
from typing import Any

from ink_api.group import ANNOTATION_OWNER
from ink_api.inkservice import Cron, InkService
from ink_api.names import ServiceIdentity
from ink_api.quantities import seconds

from ink_operator.core import kinds
from ink_operator.core.objects import Manifest
from ink_operator.inkservice import names
from ink_operator.inkservice.desired.common import child, labels_of
from ink_operator.inkservice.desired.pod import EMPTY, make_template, revision_annotations
from ink_operator.inkservice.facts.effective import wanted_replicas
from ink_operator.inkservice.model import Running
from ink_operator.settings import Settings

RUN_SECONDS = 3600
LATE_SECONDS = 600
"""A run whose time passed while nobody could start it begins so late at most; a later one is left out."""
HISTORY = 3
"""Finished runs kept of each kind: their pods hold the logs."""


def make_cron_job(
    service: InkService,
    identity: ServiceIdentity,
    running: Running,
    settings: Settings,
    digests: Mapping[str, str] = EMPTY,
    *,
    live: Manifest | None = None,
) -> Manifest:
    """Runs `running.image` at the times of spec.cron. `digests`, `live`: see make_template."""
    cron = service.spec.cron or Cron(schedule="@yearly")
    template = make_template(service, identity, running, settings, digests, component=names.CRON, live=live)
    template["spec"]["restartPolicy"] = "Never"
    job: dict[str, Any] = {
        "metadata": {
            "labels": labels_of(service, identity, names.CRON),
            "annotations": {ANNOTATION_OWNER: names.owner_of(service)},
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
        "suspend": wanted_replicas(service) == 0,
        "startingDeadlineSeconds": LATE_SECONDS,
        "successfulJobsHistoryLimit": HISTORY,
        "failedJobsHistoryLimit": HISTORY,
        "jobTemplate": job,
    }
    return child(
        kinds.CRON_JOB,
        service,
        identity,
        name=identity.name,
        namespace=identity.namespace,
        component=names.CRON,
        body={"spec": spec},
        annotations=revision_annotations(service, running, template),
    )
