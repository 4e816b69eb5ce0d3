"""Pure: pods and their statuses -> one reason that a user can act on.

Considers only pods of the newest revision, sorted by name before one is chosen, so equal inputs give equal messages.
A pod's own output is only used to recognise problems, and never repeated: it may contain secrets.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from ink_api.reasons import Reason

from ink_operator.core import objects, times
from ink_operator.core.plan import Failure
from ink_operator.inkservice import names
from ink_operator.inkservice.facts import effective

UNSCHEDULABLE_AFTER_SECONDS = 30.0
PULL_FAILED = ("ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable")
BACK_OFF = "CrashLoopBackOff"
CONFIG_FAILED = ("CreateContainerConfigError",)
START_FAILED = ("CreateContainerError", "RunContainerError", "StartError", "ContainerCannotRun")
VOLUME_PROBLEM = re.compile(r"persistentvolumeclaim|storageclass|persistent volumes? to bind", re.IGNORECASE)
NODE_MISMATCH = "node affinity/selector"
"""The scheduler's words for nodes of another pool or architecture."""
NEEDS_CAPABILITY = re.compile(
    r"permission denied.*:\d|bind.*permission denied|setgid|setuid|setgroups|chown.*operation not permitted"
    r"|operation not permitted",
    re.IGNORECASE,
)


def newest_pods(pods: Iterable[objects.Manifest], revision: str) -> list[objects.Manifest]:
    """Pods of the revision that are not being deleted, by name."""
    newest = [
        p for p in pods if objects.labels_of(p).get(names.LABEL_REVISION) == revision and not objects.is_deleting(p)
    ]
    return sorted(newest, key=lambda p: str(p["metadata"]["name"]))


def is_ready(pod: objects.Manifest) -> bool:
    """The pod counts as ready."""
    return (objects.condition_of(pod, "Ready") or {}).get("status") == "True"


def diagnose(
    deployment: objects.Manifest, pods: Sequence[objects.Manifest], probe: effective.Probe | None, now: datetime
) -> Failure | None:
    """What keeps the newest revision from becoming ready; None while it may still become ready.

    `pods`: those of the newest revision.
    """
    refused = _refused(deployment)
    if refused is not None:
        return refused
    for check in (_out_of_memory, _image, _config, _not_started, _crashing, _unschedulable):
        for pod in pods:
            found = check(pod, now)
            if found is not None:
                return found
    for pod in pods:
        found = _unresponsive(pod, probe, now)
        if found is not None:
            return found
    progressing = objects.condition_of(deployment, "Progressing") or {}
    if progressing.get("status") == "False" and progressing.get("reason") == "ProgressDeadlineExceeded":
        return Failure(Reason.PROGRESS_DEADLINE_EXCEEDED, "The new revision did not become ready in time.")
    return None


def cannot_start(pods: Sequence[objects.Manifest], now: datetime) -> Failure | None:
    """What keeps pods of runs from starting."""
    for check in (_image, _config, _unschedulable):
        for pod in pods:
            found = check(pod, now)
            if found is not None:
                return found
    return None


def describe_end(pod: objects.Manifest) -> str:
    """How a pod that runs once ended, in words; empty while it runs."""
    if (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed"):
        return ""
    ended = _ended(pod)
    if ended.get("reason") == "OOMKilled":
        return "it needed more memory than its limit"
    return f"exit code {ended['exitCode']}" if "exitCode" in ended else "it was stopped"


def blocked(pods: Sequence[objects.Manifest], now: datetime) -> Failure | None:
    """What keeps the container of a command from starting."""
    checks = (_image, _config, _not_started, _unschedulable)
    found = (check(pod, now) for check in checks for pod in pods)
    return next((failure for failure in found if failure is not None), None)


def _refused(deployment: objects.Manifest) -> Failure | None:
    condition = objects.condition_of(deployment, "ReplicaFailure") or {}
    if condition.get("status") != "True":
        return None
    message = str(condition.get("message", ""))
    if "exceeded quota" in message or "maximum" in message:
        return Failure(Reason.QUOTA_EXCEEDED, f"No pod could be created: {_after(message, 'forbidden: ')}.")
    if "PodSecurity" in message:
        return Failure(Reason.CAPABILITY_REQUIRED, f"No pod could be created: {_after(message, 'forbidden: ')}.")
    return Failure(Reason.INVALID_SPEC, f"No pod could be created: {message}.")


def _after(message: str, mark: str) -> str:
    """The part that is the same for every pod: ReplicaSets try a new pod name each time."""
    return message.split(mark, 1)[-1].rstrip(".")


def _status(pod: objects.Manifest) -> dict[str, Any]:
    statuses = (pod.get("status") or {}).get("containerStatuses") or []
    return statuses[0] if statuses else {}


def _waiting(pod: objects.Manifest) -> dict[str, Any]:
    return (_status(pod).get("state") or {}).get("waiting") or {}


def _ended(pod: objects.Manifest) -> dict[str, Any]:
    """How the container last ended."""
    status = _status(pod)
    now = (status.get("state") or {}).get("terminated")
    return now or (status.get("lastState") or {}).get("terminated") or {}


def _ends(pod: objects.Manifest) -> int:
    """How often the container has ended, including the last run if it is between two runs."""
    status = _status(pod)
    between = bool((status.get("state") or {}).get("terminated")) or _waiting(pod).get("reason") == BACK_OFF
    return int(status.get("restartCount") or 0) + int(between)


def _out_of_memory(pod: objects.Manifest, now: datetime) -> Failure | None:
    if _ended(pod).get("reason") != "OOMKilled" or is_ready(pod):
        return None
    return Failure(Reason.OUT_OF_MEMORY, "The application needed more memory than its limit and was stopped.")


def _image(pod: objects.Manifest, now: datetime) -> Failure | None:
    waiting = _waiting(pod)
    if waiting.get("reason") not in PULL_FAILED:
        return None
    image = pod["spec"]["containers"][0]["image"]
    return Failure(Reason.IMAGE_PULL_FAILED, f"The image {image} cannot be pulled ({waiting['reason']}).")


def _config(pod: objects.Manifest, now: datetime) -> Failure | None:
    waiting = _waiting(pod)
    if waiting.get("reason") not in CONFIG_FAILED:
        return None
    return Failure(Reason.CONFIG_NOT_FOUND, f"{_sentence(waiting.get('message', 'a reference cannot be resolved'))}.")


def _not_started(pod: objects.Manifest, now: datetime) -> Failure | None:
    waiting, ended = _waiting(pod), _ended(pod)
    if waiting.get("reason") not in START_FAILED and ended.get("reason") not in START_FAILED:
        return None
    what = "The container could not start: its command cannot be run in this image"
    return Failure(Reason.CRASH_LOOPING, f"{what} (exit code {ended['exitCode']})." if ended else f"{what}.")


def _crashing(pod: objects.Manifest, now: datetime) -> Failure | None:
    ended = _ended(pod)
    looping = _waiting(pod).get("reason") == BACK_OFF
    if not ended or is_ready(pod) or _ends(pod) < 2 or not (looping or _ends(pod) > 2):
        return None
    code = ended.get("exitCode")
    if NEEDS_CAPABILITY.search(str(ended.get("message") or "")):
        return Failure(
            Reason.CAPABILITY_REQUIRED,
            f"The application exits with code {code} because an operation needs a Linux capability, which Ink drops.",
        )
    hint = " although it must keep running" if code == 0 else ""
    return Failure(Reason.CRASH_LOOPING, f"The application exits with code {code}{hint}.")


def _unschedulable(pod: objects.Manifest, now: datetime) -> Failure | None:
    scheduled = objects.condition_of(pod, "PodScheduled") or {}
    if scheduled.get("status") != "False" or scheduled.get("reason") != "Unschedulable":
        return None
    age = times.seconds_since(pod["metadata"].get("creationTimestamp"), now) or 0.0
    if age < UNSCHEDULABLE_AFTER_SECONDS:
        return None
    if VOLUME_PROBLEM.search(str(scheduled.get("message"))):
        return Failure(Reason.VOLUME_NOT_BOUND, f"A volume is not available: {_sentence(scheduled['message'])}.")
    message = str(scheduled.get("message", ""))
    why = (
        "matches the pod's node selector" if NODE_MISMATCH in message and "Insufficient" not in message else "has room"
    )
    return Failure(Reason.UNSCHEDULABLE, f"No node {why}: {_sentence(message)}.")


def _unresponsive(pod: objects.Manifest, probe: effective.Probe | None, now: datetime) -> Failure | None:
    running = (_status(pod).get("state") or {}).get("running")
    if probe is None or not running or is_ready(pod):
        return None
    age = times.seconds_since(running.get("startedAt"), now) or 0.0
    if age < probe.startup_grace_seconds:
        return None
    if probe.type == "HTTP":
        where = f"GET {probe.path} on port {probe.port}"
        return Failure(
            Reason.HEALTH_CHECK_FAILED,
            f"The application runs, but {where} did not return 2xx or 3xx within {probe.startup_grace_seconds} s.",
        )
    return Failure(
        Reason.PORT_NOT_LISTENING,
        f"The application runs, but port {probe.port} accepted no connection within {probe.startup_grace_seconds} s.",
    )


def _sentence(text: str) -> str:
    return str(text).split("\n", 1)[0].rstrip(". ")[:300]


def wait_seconds(pods: Sequence[objects.Manifest], probe: effective.Probe | None, now: datetime) -> float:
    """Seconds until a deadline may change the diagnosis; events report everything else."""
    waits = [15.0]
    for pod in pods:
        running = (_status(pod).get("state") or {}).get("running")
        if probe is not None and running:
            waits.append(probe.startup_grace_seconds - (times.seconds_since(running.get("startedAt"), now) or 0.0))
        elif (objects.condition_of(pod, "PodScheduled") or {}).get("status") == "False":
            age = times.seconds_since(pod["metadata"].get("creationTimestamp"), now) or 0.0
            waits.append(UNSCHEDULABLE_AFTER_SECONDS - age)
    return max(1.0, min(w for w in waits if w > 0))
