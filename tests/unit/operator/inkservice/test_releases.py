"""Release Jobs and their pods -> how the command ended, in words that tell no secret."""

from typing import Any

import pytest
from ink_operator.inkservice.facts.releases import releases_of, secrets_of
from ink_operator.inkservice.model import ReleaseState
from unit.operator.inkservice.making import service


def job(*conditions: tuple[str, str]) -> dict[str, Any]:
    stated = [{"type": kind, "status": "True", "reason": reason} for kind, reason in conditions]
    meta = {"name": "web-r-1", "namespace": "n", "annotations": {"ml.ink/release": "1", "ml.ink/revision": "web-x"}}
    return {"metadata": meta, "spec": {"activeDeadlineSeconds": 60}, "status": {"conditions": stated}}


def pod(code: int | None, message: str = "", *, disturbed: bool = False, reason: str = "Error") -> dict[str, Any]:
    ended = {"terminated": {"exitCode": code, "message": message, "reason": reason}}
    state = {"running": {}} if code is None else ended
    conditions = [{"type": "DisruptionTarget", "status": "True"}] if disturbed else []
    meta = {"name": "web-r-1-x", "labels": {"batch.kubernetes.io/job-name": "web-r-1"}}
    return {"metadata": meta, "status": {"containerStatuses": [{"state": state}], "conditions": conditions}}


@pytest.mark.parametrize(
    ("made", "pods", "state", "words"),
    [
        (job(), [], ReleaseState.RUNNING, ""),
        (job(), [pod(None)], ReleaseState.RUNNING, ""),
        (job(), [pod(0)], ReleaseState.SUCCEEDED, ""),
        (job(("Complete", "")), [], ReleaseState.SUCCEEDED, ""),
        (job(("SuccessCriteriaMet", "")), [], ReleaseState.SUCCEEDED, ""),
        (job(), [pod(3, "boom")], ReleaseState.FAILED, "exit code 3.\nboom\n"),
        (job(), [pod(137, reason="OOMKilled")], ReleaseState.FAILED, "more memory"),
        (job(), [pod(137, disturbed=True)], ReleaseState.RUNNING, ""),
        (job(("FailureTarget", "DeadlineExceeded")), [pod(143)], ReleaseState.FAILED, "within 60 s"),
        (job(("Failed", "BackoffLimitExceeded")), [], ReleaseState.FAILED, "did not run to completion"),
    ],
)
def test_states(made: Any, pods: Any, state: ReleaseState, words: str) -> None:
    (run,) = releases_of([made], pods, [])
    assert run.state == state
    assert words in run.message
    assert (run.run, run.revision) == ("1", "web-x")


def test_sealed_values_are_hidden() -> None:
    (run,) = releases_of(
        [job()], [pod(1, "url=postgres://u:hunter22@db\x1b[0m")], ["hunter22", "postgres://u:hunter22"]
    )
    assert "hunter22" not in run.message
    assert "***" in run.message
    assert "\x1b" not in run.message


def test_without_knowing_what_is_secret_no_line_is_shown() -> None:
    (run,) = releases_of([job()], [pod(1, "password hunter22")], None)
    assert "hunter22" not in run.message
    assert "kubectl logs -n n job/web-r-1" in run.message


def test_only_the_last_lines_are_shown() -> None:
    (run,) = releases_of([job()], [pod(1, "\n".join(f"line {n}" for n in range(100)))], [])
    assert "line 99" in run.message
    assert "line 50" not in run.message


@pytest.mark.parametrize(
    ("spec", "known"),
    [
        ({}, ["value"]),
        ({"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}}]}, ["value"]),
        ({"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]}, None),
        ({"envFrom": [{"secretRef": {"name": "s"}}]}, None),
    ],
)
def test_what_may_be_secret(spec: Any, known: Any) -> None:
    assert secrets_of(service(**spec).spec, ["value", "1"]) == known
