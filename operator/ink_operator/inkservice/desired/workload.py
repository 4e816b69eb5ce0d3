"""The Deployment of a service."""

from collections.abc import Mapping
from typing import Any

from ink_api.group import LABEL_COMPONENT, LABEL_SERVICE
from ink_api.inkservice import InkService
from ink_api.names import ServiceIdentity

from ink_operator.core import kinds
from ink_operator.core.objects import Manifest
from ink_operator.inkservice import names
from ink_operator.inkservice.desired.common import child
from ink_operator.inkservice.desired.pod import EMPTY, make_template, revision_annotations
from ink_operator.inkservice.facts.effective import first_replicas, grace_seconds, ports_of
from ink_operator.inkservice.model import Running
from ink_operator.settings import Settings

PROGRESS_SLACK_SECONDS = 180
WORKER_SETTLE_SECONDS = 10


def make_deployment(
    service: InkService,
    identity: ServiceIdentity,
    running: Running,
    settings: Settings,
    digests: Mapping[str, str] = EMPTY,
    *,
    live: Manifest | None = None,
    scaled_by_others: bool = False,
) -> Manifest:
    """The Deployment that runs `running.image` with the spec's settings. `digests`, `live`: see make_template.

    `scaled_by_others`: it says nothing of the number of pods.
    """
    template = make_template(service, identity, running, settings, digests, live=live)
    spec: dict[str, Any] = {
        "revisionHistoryLimit": 3,
        "progressDeadlineSeconds": grace_seconds(service, settings) + PROGRESS_SLACK_SECONDS,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
        "selector": {"matchLabels": {LABEL_SERVICE: identity.name, LABEL_COMPONENT: names.APP}},
        "template": template,
    }
    if not scaled_by_others:
        spec["replicas"] = first_replicas(service)
    if service.spec.volumes:
        # One pod at a time may have the disk, so the new one waits for the old one to be gone.
        spec["strategy"] = {"type": "Recreate"}
        spec["progressDeadlineSeconds"] += template["spec"]["terminationGracePeriodSeconds"]
    if not ports_of(service, running.port):
        spec["minReadySeconds"] = WORKER_SETTLE_SECONDS
    return child(
        kinds.DEPLOYMENT,
        service,
        identity,
        name=identity.name,
        namespace=identity.namespace,
        component=names.APP,
        body={"spec": spec},
        annotations=revision_annotations(service, running, template),
    )
