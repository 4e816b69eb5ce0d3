"""The Job of a release command: the application's own container with another command, and nothing that serves."""

import copy
import json
from typing import Any

from ink_api import group
from ink_api.inkservice import InkService, Release
from ink_api.names import ServiceIdentity, short_hash
from ink_api.quantities import seconds

from ink_operator.core import kinds, objects
from ink_operator.inkservice import model, names
from ink_operator.inkservice.desired import common

TIMEOUT_SECONDS = 600
SERVING = ("args", "ports", "lifecycle", "startupProbe", "readinessProbe", "livenessProbe", "volumeMounts")
"""Parts of the application's container that a command has no use for; volumes belong to the pods that serve."""


def run_name(service: InkService, revision: model.Revision, release: Release) -> str:
    """Names one run: a failed run is only retried under another name."""
    parts = (json.dumps(release.command), release.timeout or "", service.spec.rebuild_token or "")
    return short_hash(revision.name, *parts, length=8)


def timeout_seconds(release: Release) -> int:
    """Limit of one run, from the Job's start on."""
    return max(1, seconds(release.timeout)) if release.timeout else TIMEOUT_SECONDS


def make_release_job(
    service: InkService,
    identity: ServiceIdentity,
    revision: model.Revision,
    release: Release,
    workload: objects.Manifest,
) -> objects.Manifest:
    """`workload`: what will run the revision once it is released."""
    run = run_name(service, revision, release)
    spec = {
        "backoffLimit": 0,
        "activeDeadlineSeconds": timeout_seconds(release),
        "podReplacementPolicy": "Failed",
        # A lost node is not a failure of the command: it runs again, which release commands must support.
        "podFailurePolicy": {
            "rules": [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}]
        },
        "template": {
            "metadata": {
                "labels": common.labels_of(service, identity, names.RELEASE),
                "annotations": {group.ANNOTATION_OWNER: names.owner_of(service)},
            },
            "spec": _pod(pod_spec_of(workload), release),
        },
    }
    return common.child(
        kinds.JOB,
        service,
        identity,
        name=names.release_job(identity, run),
        namespace=identity.namespace,
        component=names.RELEASE,
        body={"spec": spec},
        annotations={names.ANNOTATION_RELEASE: run, names.ANNOTATION_REVISION: revision.name},
        stamp=False,
    )


def pod_spec_of(workload: objects.Manifest) -> dict[str, Any]:
    """The pods of a Deployment or CronJob."""
    spec = workload["spec"]["jobTemplate"]["spec"] if workload["kind"] == kinds.CRON_JOB.kind else workload["spec"]
    pod: dict[str, Any] = spec["template"]["spec"]
    return pod


def _pod(app: dict[str, Any], release: Release) -> dict[str, Any]:
    pod = copy.deepcopy(app)
    for name in ("topologySpreadConstraints", "volumes"):
        pod.pop(name, None)
    container = pod["containers"][0]
    for name in SERVING:
        container.pop(name, None)
    pod["containers"] = [{**container, "name": names.RELEASE, "command": release.command}]
    return {**pod, "restartPolicy": "Never"}
