"""Pure: build Jobs and their pods as attempts, with their verdicts."""

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ink_api import group
from ink_api.inkservice import BuildStatus
from ink_api.reasons import Reason

from ink_operator.core import build_jobs, objects, times
from ink_operator.inkservice import model, names
from ink_operator.inkservice.facts.inkfile import canonical
from ink_operator.inkservice.facts.scan import parse_scan, scan_wire

VERDICT_MAX_BYTES = 4096
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
RETRY_AFTER_SECONDS = (5.0, 20.0, 600.0)
"""Delays after the first, second and every later attempt that failed because of the infrastructure."""


def attempts_of(jobs: Iterable[objects.Manifest], pods: Iterable[objects.Manifest]) -> tuple[model.Attempt, ...]:
    """One attempt a Job, newest last. Jobs that are being deleted do not count."""
    by_job = {objects.labels_of(pod).get(build_jobs.POD_JOB_LABEL, ""): pod for pod in sorted(pods, key=_created)}
    found = [_attempt(job, by_job.get(job["metadata"]["name"])) for job in jobs if not objects.is_deleting(job)]
    return tuple(sorted(found, key=lambda a: (a.created, a.number, a.name)))


def _created(live: objects.Manifest) -> str:
    return str(live["metadata"].get("creationTimestamp") or "")


def _attempt(job: objects.Manifest, pod: objects.Manifest | None) -> model.Attempt:
    ended = build_jobs.terminated(pod)
    recorded = objects.annotations_of(job).get(group.ANNOTATION_VERDICT, "")
    text = recorded or (ended or {}).get("message", "")
    verdict = parse_verdict(text) or _inferred_verdict(job, ended)
    status = job.get("status") or {}
    return model.Attempt(
        name=job["metadata"]["name"],
        uid=job["metadata"].get("uid", ""),
        build_key=objects.labels_of(job).get(names.LABEL_BUILD_KEY, ""),
        commit=objects.labels_of(job).get(group.LABEL_COMMIT, ""),
        number=int(objects.annotations_of(job).get(names.ANNOTATION_ATTEMPT, "1")),
        state=_state(job, verdict),
        created=_created(job),
        verdict=verdict,
        recorded=bool(recorded),
        started=status.get("startTime"),
        finished=(verdict.finished if verdict else None)
        or (ended or {}).get("finishedAt")
        or status.get("completionTime")
        or _failed_at(job),
        pod=pod["metadata"]["name"] if pod else None,
        limit_seconds=int(job["spec"].get("activeDeadlineSeconds") or 0),
    )


def _failed_at(job: objects.Manifest) -> str | None:
    failed = objects.condition_of(job, "Failed")
    return failed.get("lastTransitionTime") if failed else None


def _state(job: objects.Manifest, verdict: model.Verdict | None) -> model.BuildState:
    if verdict is not None:
        return model.BuildState.SUCCEEDED if verdict.ok else model.BuildState.FAILED
    return model.BuildState.QUEUED if job.get("spec", {}).get("suspend") else model.BuildState.RUNNING


def parse_verdict(text: str) -> model.Verdict | None:
    """The builder's JSON; None if it is invalid. The text comes from a pod, so nothing in it is trusted."""
    try:
        data = json.loads(text[: VERDICT_MAX_BYTES * 4])
        if not isinstance(data, dict) or not isinstance(data.get("ok"), bool):
            return None
        scan = parse_scan(data.get("scan"))
        if data["ok"]:
            ports = tuple(int(p) for p in data.get("ports") or [] if 0 < int(p) < 65536)
            digest = str(data.get("digest") or "")
            pack = str(data["pack"])[:63] if data.get("pack") else None
            known = digest if DIGEST.fullmatch(digest) else ""
            inkfile, finished = canonical(data.get("config")), _time(data.get("finished"))
            return model.Verdict(True, known, pack, ports, scan=scan, inkfile=inkfile, finished=finished)
        return model.Verdict(
            False,
            reason=_reason(str(data.get("reason", ""))),
            message=str(data.get("message", ""))[:1000],
            log=tuple(str(line)[:500] for line in (data.get("log") or [])[:20]),
            infrastructure=bool(data.get("infrastructure")),
            scan=scan,
        )
    except (ValueError, TypeError, KeyError):
        return None


def verdict_json(verdict: model.Verdict) -> str:
    """The verdict as JSON in the builder's format, for the Job's annotation."""
    if verdict.ok:
        good = {"ok": True, "digest": verdict.digest, "pack": verdict.pack, "ports": list(verdict.ports)}
        config = {"config": json.loads(verdict.inkfile)} if verdict.inkfile else {}
        finished = {"finished": verdict.finished} if verdict.finished else {}
        return json.dumps(good | config | finished | scan_wire(verdict.scan), sort_keys=True)
    bad = {
        "ok": False,
        "reason": str(verdict.reason),
        "message": verdict.message,
        "log": list(verdict.log),
        "infrastructure": verdict.infrastructure,
    }
    return json.dumps(bad | scan_wire(verdict.scan), sort_keys=True)


def early_verdict(attempt: model.Attempt, text: str) -> model.Attempt:
    """The attempt with the verdict that the builder stored with the image, before its pod has ended.

    Only for successful builds: others are not urgent, and the end of the pod has more details.
    """
    verdict = parse_verdict(text) if text else None
    if attempt.state != model.BuildState.RUNNING or verdict is None or not verdict.digest:
        return attempt
    return replace(attempt, state=model.BuildState.SUCCEEDED, verdict=verdict, finished=verdict.finished)


def _time(value: Any) -> str | None:
    """A timestamp as Kubernetes writes it, in UTC and whole seconds; None for anything else."""
    at = times.parse_time(value) if isinstance(value, str) else None
    return value if at is not None and times.utc(at) == value else None


def _reason(text: str) -> Reason:
    try:
        return Reason(text)
    except ValueError:
        return Reason.BUILD_FAILED


def _inferred_verdict(job: objects.Manifest, ended: dict[str, Any] | None) -> model.Verdict | None:
    """For a build that ended without a verdict: killed, evicted, timed out, or its verdict was lost."""
    failed = objects.condition_of(job, "Failed")
    if failed and failed.get("status") == "True" and failed.get("reason") == "DeadlineExceeded":
        return model.Verdict(
            False, reason=Reason.BUILD_TIMEOUT, message="The build did not finish within its time limit."
        )
    complete = objects.condition_of(job, "Complete")
    if complete and complete.get("status") == "True":
        return model.Verdict(True)
    if ended is not None:
        why = f"exit code {ended.get('exitCode')}, {ended.get('reason') or 'no reason'}"
        return _infrastructure_failure(f"The builder ended without a verdict ({why}).")
    if failed and failed.get("status") == "True":
        return _infrastructure_failure("The builder's pod disappeared.")
    return None


def _infrastructure_failure(message: str) -> model.Verdict:
    return model.Verdict(False, reason=Reason.BUILD_INFRASTRUCTURE, message=message, infrastructure=True)


def build_status(attempt: model.Attempt) -> BuildStatus:
    """An attempt as the status shows it."""
    reason = {
        model.BuildState.QUEUED: Reason.QUEUED,
        model.BuildState.RUNNING: Reason.BUILDING,
        model.BuildState.SUCCEEDED: Reason.BUILT,
        model.BuildState.SUPERSEDED: Reason.SUPERSEDED,
    }.get(attempt.state) or (attempt.verdict.reason if attempt.verdict else Reason.BUILD_FAILED)
    return BuildStatus(
        id=attempt.name,
        commit=attempt.commit,
        pack=attempt.verdict.pack if attempt.verdict else None,
        reason=reason,
        started=attempt.started,
        finished=attempt.finished,
        pod=attempt.pod,
        scan=attempt.verdict.scan if attempt.verdict else None,
    )
