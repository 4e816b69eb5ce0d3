"""Which build Jobs occupy one of the build slots, and whose turn is next."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from ink_api.group import ANNOTATION_VERDICT, LABEL_TENANT

from ink_operator.core.objects import Manifest, annotations_of, condition_of, is_deleting, labels_of

COMPONENT = "build"
"""Component of build Jobs and of their pods."""
POD_JOB_LABEL = "batch.kubernetes.io/job-name"
"""On each pod of a Job: the Job's name."""


def terminated(pod: Manifest | None) -> dict[str, Any] | None:
    """How the pod's only container ended; the API shows it well before the Job's condition."""
    statuses = ((pod or {}).get("status") or {}).get("containerStatuses") or []
    return next((s["state"]["terminated"] for s in statuses if (s.get("state") or {}).get("terminated")), None)


def ended_jobs(pods: Iterable[Manifest]) -> frozenset[str]:
    """Names of Jobs whose container has ended, although the Job may not say so yet."""
    return frozenset(labels_of(pod).get(POD_JOB_LABEL, "") for pod in pods if terminated(pod))


def holds_place(job: Manifest, ended: frozenset[str]) -> bool:
    """The Job occupies a build slot. `ended`: see ended_jobs."""
    if job.get("spec", {}).get("suspend") or job["metadata"]["name"] in ended or is_deleting(job):
        return False
    if ANNOTATION_VERDICT in annotations_of(job):
        return False
    return not any((condition_of(job, kind) or {}).get("status") == "True" for kind in ("Complete", "Failed"))


def may_start(
    jobs: Iterable[Manifest], ended: frozenset[str], name: str, tenant: str, *, places: int, per_tenant: int
) -> bool:
    """Whether it is the turn of the build `name`: the tenant with the fewest running builds first, then the oldest.

    `jobs` are all build Jobs; `name` itself may not exist yet, and is then the youngest. `places`: concurrent builds of
    all tenants; `per_tenant`: of one tenant.
    """
    jobs = list(jobs)
    running = Counter(labels_of(job).get(LABEL_TENANT, "") for job in jobs if holds_place(job, ended))
    free = places - sum(running.values())
    if free <= 0:
        return False
    waiting = {
        job["metadata"]["name"]: (labels_of(job).get(LABEL_TENANT, ""), _created(job))
        for job in jobs
        if job.get("spec", {}).get("suspend") and not is_deleting(job)
    }
    waiting.setdefault(name, (tenant, "~"))
    for _ in range(free):
        allowed = [n for n in waiting if running[waiting[n][0]] < per_tenant]
        if not allowed:
            return False
        first = min(allowed, key=lambda n: (running[waiting[n][0]], waiting[n][1], n))
        if first == name:
            return True
        running[waiting.pop(first)[0]] += 1
    return False


def _created(live: Manifest) -> str:
    return str(live["metadata"].get("creationTimestamp") or "")
