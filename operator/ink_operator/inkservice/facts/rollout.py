"""Pure: how far the newest revision is."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ink_operator.core import objects, times
from ink_operator.inkservice import model, names
from ink_operator.inkservice.facts import diagnose, inkfile

TIMESTAMP_PRECISION_SECONDS = 1.0
"""The API truncates times to whole seconds: an event may have happened up to this much later."""


@dataclass(frozen=True, slots=True)
class Rollout:
    """`complete`: all wanted pods of the newest revision are ready, and no older pod can be reached any more.

    `settle_seconds`: how long the ingress may still route to pods that are being removed (0 when complete).
    """

    revision: str
    complete: bool
    available: int
    ready_new: int
    settle_seconds: float = 0.0
    ready_since: datetime | None = None


def running_of(deployment: objects.Manifest | None) -> model.Running | None:
    """What a workload runs, by its annotations, which outlive any status."""
    if deployment is None:
        return None
    notes = objects.annotations_of(deployment)
    image = notes.get(names.ANNOTATION_IMAGE)
    if not image:
        return None
    port = notes.get(names.ANNOTATION_PORT, "")
    return model.Running(
        image=image,
        port=int(port) if port.isdigit() else model.DEFAULT_PORT,
        commit=notes.get(names.ANNOTATION_COMMIT),
        build_key=notes.get(names.ANNOTATION_BUILD_KEY),
        rebuild_token=notes.get(names.ANNOTATION_REBUILD),
        planner=notes.get(names.ANNOTATION_PLANNER),
        inkfile=inkfile.parsed(notes.get(names.ANNOTATION_INKFILE, "")),
    )


def rollout_of(
    deployment: objects.Manifest,
    pods: Iterable[objects.Manifest],
    settle_seconds: float,
    now: datetime,
    *,
    enough: int | None = None,
) -> Rollout:
    """Uses the Deployment's own counts and its pods: either may be outdated.

    `enough`: this many pods suffice, if load decides how many are wanted; None: all.
    """
    pods = list(pods)
    revision = objects.annotations_of(deployment).get(names.ANNOTATION_REVISION, "")
    wanted = deployment["spec"].get("replicas", 1)
    status = deployment.get("status") or {}
    observed = status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 0)
    there = status.get("replicas", 0)
    counts = observed and status.get("updatedReplicas", 0) == there
    if enough is None:
        counts = counts and there == wanted
    else:
        wanted = min(enough, wanted)
    counts = counts and status.get("availableReplicas", 0) >= wanted
    ready = [pod for pod in diagnose.newest_pods(pods, revision) if diagnose.is_ready(pod)]
    old = [pod for pod in pods if objects.labels_of(pod).get(names.LABEL_REVISION) != revision]
    old_alive = any(not objects.is_deleting(pod) for pod in old)
    settle = max((_settle_remaining(pod, settle_seconds, now) for pod in old), default=0.0)
    since = [times.parse_time((objects.condition_of(pod, "Ready") or {}).get("lastTransitionTime")) for pod in ready]
    return Rollout(
        revision=revision,
        complete=counts and len(ready) >= wanted and not old_alive and settle <= 0,
        available=int(status.get("availableReplicas") or 0),
        ready_new=len(ready),
        settle_seconds=settle if counts and not old_alive else 0.0,
        ready_since=max((s for s in since if s is not None), default=None),
    )


def _settle_remaining(pod: objects.Manifest, settle_seconds: float, now: datetime) -> float:
    """Seconds until the ingress has certainly noticed that the pod is being removed."""
    meta = pod["metadata"]
    gone_at = times.parse_time(meta.get("deletionTimestamp"))
    if gone_at is None or settle_seconds <= 0:
        return 0.0
    asked = gone_at - timedelta(seconds=meta.get("deletionGracePeriodSeconds") or 0)
    return settle_seconds + TIMESTAMP_PRECISION_SECONDS - (now - asked).total_seconds()
