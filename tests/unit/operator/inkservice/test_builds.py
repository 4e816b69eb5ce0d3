"""Jobs and pods as attempts; whose turn it is."""

import json
from typing import Any

import pytest
from ink_api.reasons import Reason
from ink_operator.inkservice.builds import attempts_of, ended_jobs, may_start, parse_verdict, verdict_json
from ink_operator.inkservice.model import BuildState


def job(name: str, tenant: str = "t", *, suspend: bool = False, age: int = 0, **status: Any) -> dict[str, Any]:
    meta = {
        "name": name,
        "labels": {"ml.ink/tenant": tenant, "ml.ink/build-key": "k", "ml.ink/commit": "c"},
        "annotations": {"ml.ink/attempt": "1"},
        "creationTimestamp": f"2026-11-21T12:00:{59 - age:02d}Z",
    }
    return {"metadata": meta, "spec": {"suspend": suspend}, "status": status}


def pod(name: str, message: str, code: int = 0) -> dict[str, Any]:
    state = {"terminated": {"exitCode": code, "message": message, "finishedAt": "2026-11-21T12:01:00Z"}}
    labels = {"batch.kubernetes.io/job-name": name}
    return {"metadata": {"name": f"{name}-x", "labels": labels}, "status": {"containerStatuses": [{"state": state}]}}


GOOD = json.dumps({"ok": True, "image": "r/x@sha256:" + "1" * 64, "digest": "sha256:" + "1" * 64, "ports": [80]})


def test_the_containers_end_counts_before_the_jobs_condition() -> None:
    (attempt,) = attempts_of([job("b")], [pod("b", GOOD)])
    assert attempt.state == BuildState.SUCCEEDED
    assert attempt.verdict is not None
    assert attempt.verdict.ports == (80,)
    assert not attempt.recorded


@pytest.mark.parametrize(
    ("made", "pods", "state", "reason"),
    [
        (job("b"), [], BuildState.RUNNING, None),
        (job("b", suspend=True), [], BuildState.QUEUED, None),
        (job("b"), [pod("b", "Traceback", 137)], BuildState.FAILED, Reason.BUILD_INFRASTRUCTURE),
        (
            job("b", conditions=[{"type": "Failed", "status": "True", "reason": "DeadlineExceeded"}]),
            [],
            BuildState.FAILED,
            Reason.BUILD_TIMEOUT,
        ),
        (
            job("b", conditions=[{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]),
            [],
            BuildState.FAILED,
            Reason.BUILD_INFRASTRUCTURE,
        ),
        (job("b", conditions=[{"type": "Complete", "status": "True"}]), [], BuildState.SUCCEEDED, None),
    ],
)
def test_states(made: Any, pods: Any, state: BuildState, reason: Reason | None) -> None:
    (attempt,) = attempts_of([made], pods)
    assert attempt.state == state
    assert (attempt.verdict.reason if attempt.verdict and not attempt.verdict.ok else None) == reason


def test_a_verdict_survives_being_kept() -> None:
    for text in (
        GOOD,
        json.dumps(
            {"ok": False, "reason": "DockerfileNotFound", "message": "m", "log": ["a"], "infrastructure": False}
        ),
    ):
        verdict = parse_verdict(text)
        assert verdict is not None
        assert parse_verdict(verdict_json(verdict)) == verdict


@pytest.mark.parametrize("text", ["", "x", "[]", '{"ok": 1}', '{"ok": true, "ports": ["x"]}', "null", '{"ok":false'])
def test_no_verdict_is_read_out_of_noise(text: str) -> None:
    assert parse_verdict(text) is None


def test_a_digest_that_is_none_is_not_believed() -> None:
    verdict = parse_verdict('{"ok": true, "digest": "sha256:1; rm"}')
    assert verdict is not None
    assert verdict.digest == ""


def turn(jobs: list[Any], name: str, tenant: str = "t", places: int = 2, per_tenant: int = 9) -> bool:
    return may_start(jobs, frozenset(), name, tenant, places=places, per_tenant=per_tenant)


def test_places_are_limited_and_an_ended_container_frees_one() -> None:
    jobs = [job("a"), job("b")]
    assert not turn(jobs, "c")
    assert may_start(jobs, ended_jobs([pod("a", GOOD)]), "c", "t", places=2, per_tenant=2)


def test_a_verdict_that_is_recorded_frees_a_place_before_the_container_is_seen_to_end() -> None:
    ended = job("a")
    ended["metadata"]["annotations"]["ml.ink/verdict"] = GOOD
    assert turn([ended, job("b")], "c")


@pytest.mark.parametrize(
    ("finished", "known"),
    [
        ("2026-11-21T12:00:30Z", "2026-11-21T12:00:30Z"),
        *((bad, None) for bad in ("2026-99-21T12:00:30Z", "yesterday", "2026-11-21T12:00:30+01:00", 5, None, [], "")),
    ],
)
def test_when_a_build_ended_is_what_its_builder_says_or_else_its_container(finished: Any, known: str | None) -> None:
    text = json.dumps(json.loads(GOOD) | {"finished": finished})
    verdict = parse_verdict(text)
    assert verdict is not None
    assert verdict.finished == known
    assert parse_verdict(verdict_json(verdict)) == verdict
    (attempt,) = attempts_of([job("b")], [pod("b", text)])
    assert attempt.finished == (known or "2026-11-21T12:01:00Z")


def test_the_tenant_with_fewer_builds_comes_first() -> None:
    jobs = [job("a", "big"), job("q1", "big", suspend=True, age=50), job("q2", "small", suspend=True, age=1)]
    assert turn(jobs, "q2", "small")
    assert not turn(jobs, "q1", "big")


def test_fifty_pushes_of_one_tenant_delay_the_first_of_another_by_one_build_at_most() -> None:
    many = [job(f"q{number}", "big", suspend=True, age=9 + number) for number in range(50)]
    first = job("first", "small", suspend=True, age=1)
    assert not turn([job("a", "big"), job("b", "big"), *many, first], "first", "small")
    assert turn([job("a", "big"), *many, first], "first", "small")
    assert not any(turn([job("a", "big"), *many, first], f"q{number}", "big") for number in range(50))


def test_a_tenant_has_no_more_than_its_places() -> None:
    jobs = [job("a", "big"), job("b", "big"), job("q1", "big", suspend=True, age=50), job("q2", "small", suspend=True)]
    assert not turn(jobs, "q1", "big", places=9, per_tenant=2)
    assert turn(jobs, "q2", "small", places=9, per_tenant=2)
    assert turn(jobs, "q1", "big", places=9, per_tenant=3)


def test_within_a_tenant_the_oldest_comes_first() -> None:
    jobs = [job("a", "t"), job("q1", suspend=True, age=10), job("q2", suspend=True, age=20)]
    assert turn(jobs, "q2")
    assert not turn(jobs, "q1")
    assert turn(jobs, "q1", places=3)
