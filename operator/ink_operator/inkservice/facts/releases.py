"""Pure: release Jobs and their pods as runs of a release command."""

from collections.abc import Collection, Iterable
from typing import Any

from ink_api import group
from ink_api.inkservice import InkServiceSpec

from ink_operator.core import objects
from ink_operator.core.build_jobs import POD_JOB_LABEL
from ink_operator.inkservice import model, names

LINES, LINE_CHARS = 12, 300
HIDDEN = "***"
SHORTEST_SECRET = 4
"""Shorter values are not masked: every `1` of a log would be."""


def releases_of(
    jobs: Iterable[objects.Manifest], pods: Iterable[objects.Manifest], secrets: Collection[str] | None
) -> tuple[model.ReleaseRun, ...]:
    """One run a Job, newest last. `secrets`: values to mask; None: unknown, so no output is shown."""
    by_job = {objects.labels_of(pod).get(POD_JOB_LABEL, ""): pod for pod in sorted(pods, key=_created)}
    runs = [_run(job, by_job.get(job["metadata"]["name"]), secrets) for job in jobs if not objects.is_deleting(job)]
    return tuple(sorted(runs, key=lambda run: (run.created, run.name)))


def is_release(pod: objects.Manifest) -> bool:
    """The pod of a release command, not of the application."""
    return objects.labels_of(pod).get(group.LABEL_COMPONENT) == names.RELEASE


def secrets_of(spec: InkServiceSpec, unsealed: Iterable[str]) -> Collection[str] | None:
    """Secret values that the output may contain. None if some are in Secrets of the namespace."""
    of_env = any(v.value_from is not None and v.value_from.secret_key_ref is not None for v in spec.env or [])
    if of_env or any(source.secret_ref is not None for source in spec.env_from or []):
        return None
    return [value for value in unsealed if len(value) >= SHORTEST_SECRET]


def _created(live: objects.Manifest) -> str:
    return str(live["metadata"].get("creationTimestamp") or "")


def _run(job: objects.Manifest, pod: objects.Manifest | None, secrets: Collection[str] | None) -> model.ReleaseRun:
    state, message = _end(job, pod)
    if state == model.ReleaseState.FAILED:
        meta = job["metadata"]
        message += (
            _lines(_message(pod), secrets) or f" Its output: kubectl logs -n {meta['namespace']} job/{meta['name']}"
        )
    return model.ReleaseRun(
        name=job["metadata"]["name"],
        uid=job["metadata"].get("uid", ""),
        run=objects.annotations_of(job).get(names.ANNOTATION_RELEASE, ""),
        revision=objects.annotations_of(job).get(names.ANNOTATION_REVISION, ""),
        state=state,
        created=_created(job),
        message=message,
        pod=pod,
    )


def _end(job: objects.Manifest, pod: objects.Manifest | None) -> tuple[model.ReleaseState, str]:
    """State and message, from the Job or from its container, which ends earlier."""
    if _holds(job, "Complete") or _holds(job, "SuccessCriteriaMet"):
        return model.ReleaseState.SUCCEEDED, ""
    failed = _holds(job, "Failed") or _holds(job, "FailureTarget")
    if failed and failed.get("reason") == "DeadlineExceeded":
        limit = job["spec"].get("activeDeadlineSeconds")
        return model.ReleaseState.FAILED, f"The release command did not finish within {limit} s."
    ended = _terminated(pod)
    if ended is not None and ended.get("exitCode") == 0:
        return model.ReleaseState.SUCCEEDED, ""
    if failed or (ended is not None and not _is_disrupted(pod)):
        why = f"ended with exit code {ended.get('exitCode')}" if ended is not None else "did not run to completion"
        killed = " (it needed more memory than its limit)" if (ended or {}).get("reason") == "OOMKilled" else ""
        return model.ReleaseState.FAILED, f"The release command {why}{killed}."
    return model.ReleaseState.RUNNING, ""


def _holds(job: objects.Manifest, kind: str) -> dict[str, Any] | None:
    condition = objects.condition_of(job, kind)
    return condition if condition is not None and condition.get("status") == "True" else None


def _is_disrupted(pod: objects.Manifest | None) -> bool:
    """The pod was disrupted from outside: the Job decides what happens next."""
    if pod is None:
        return False
    return objects.is_deleting(pod) or (objects.condition_of(pod, "DisruptionTarget") or {}).get("status") == "True"


def _terminated(pod: objects.Manifest | None) -> dict[str, Any] | None:
    statuses = ((pod or {}).get("status") or {}).get("containerStatuses") or []
    return next((s["state"]["terminated"] for s in statuses if (s.get("state") or {}).get("terminated")), None)


def _message(pod: objects.Manifest | None) -> str:
    return str((_terminated(pod) or {}).get("message") or "")


def _lines(text: str, secrets: Collection[str] | None) -> str:
    """The last lines of the output, each on its own line; empty when there are none to show."""
    if secrets is None:
        return ""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    lines = ["".join(c for c in line if c.isprintable() or c == "\t") for line in text.splitlines()]
    shown = [line[:LINE_CHARS] for line in lines if line.strip()][-LINES:]
    return "\n" + "\n".join(shown) + "\n" if shown else ""
