"""A service that runs at given times: its schedule, its last run, and runs that are stuck."""

from typing import Any

from ink_api.condition_types import ConditionType
from ink_operator.core.objects import Manifest
from ink_operator.inkservice.decide.cron import cron_is_suspended, cron_step, report_last_run, sync_suspend
from ink_operator.inkservice.desired.workload import make_cron_job
from unit.operator.inkservice.deciding import (
    IDENTITY,
    OWN,
    SETTINGS,
    SPACE,
    Row,
    again,
    ago,
    asked,
    child,
    deciding,
    effects,
    message,
    rows,
    running,
    said,
    workload,
)

NIGHTLY = {"cron": {"schedule": "0 3 * * *"}}
DEPLOYED, LAST = ConditionType.DEPLOYED, ConditionType.LAST_RUN_SUCCEEDED
SET, SETTING = ("True", "Deployed"), ("Unknown", "Deploying")


def scheduled(spec: dict[str, Any] = NIGHTLY, **more: Any) -> Manifest:
    """The live CronJob, as it is wanted."""
    made = make_cron_job(asked(spec), IDENTITY, running(), SETTINGS)
    made["metadata"] |= {"uid": "cron-1", "generation": 1}
    return {**made, **more}


REVISION: str = scheduled()["metadata"]["annotations"]["ml.ink/revision"]


def ran(
    name: str, *, revision: str = REVISION, waits: str = "", phase: str = "", code: int = 0, age: float = 60
) -> Manifest:
    """A pod of a run."""
    owner = {"kind": "Job", "name": f"job-of-{name}", "uid": f"uid-{name}", "controller": True}
    meta = {
        "name": name,
        "namespace": SPACE,
        "labels": {**OWN, "ml.ink/revision": revision},
        "ownerReferences": [owner],
    }
    state = (
        {"waiting": {"reason": waits, "message": "no"}}
        if waits
        else {"terminated": {"exitCode": code}}
        if phase
        else {}
    )
    status = {"phase": phase, "containerStatuses": [{"state": state}]}
    return {
        "metadata": {**meta, "creationTimestamp": ago(age)},
        "spec": {"containers": [{"image": "x"}]},
        "status": status,
    }


PULL = "ImagePullBackOff"
WAITING = {"cron_job": scheduled(), "pods": (ran("a", waits=PULL),)}
EARLIER = {"cron_job": scheduled(), "pods": (ran("a", revision="old", waits=PULL),)}
ENDED = {"cron_job": scheduled(), "pods": (ran("a", revision="old", phase="Failed", code=1),)}
SERVED = {"cron_job": scheduled(), "deployment": workload(), "service": child("Service"), "ingress": child("Ingress")}


@rows(
    Row("a schedule is set", {}, (SETTING, ["CronJob web"], 2.0)),
    Row("one that is in place is left alone", {"cron_job": scheduled()}, (SET, [], None)),
    Row(
        "another one is set",
        {"spec": {"cron": {"schedule": "0 4 * * *"}}, "cron_job": scheduled()},
        (SETTING, ["CronJob web"], 2.0),
    ),
    Row("what served before goes", SERVED, (SET, ["Ingress web", "Deployment web", "Service web"], None)),
    Row("a run that cannot start is told", WAITING, (("False", "ImagePullFailed"), [], None)),
    Row("a stuck run of an earlier revision goes", EARLIER, (SET, ["Job job-of-a"], None)),
    Row("one that came to its end stays", ENDED, (SET, [], None)),
    Row("a run that goes on is looked at", {"cron_job": scheduled(), "pods": (ran("a"),)}, (SET, [], 15.0)),
)
def test_the_schedule(row: Row) -> None:
    plan = deciding(**{"spec": NIGHTLY, **row.given})
    cron_step(plan, running(), newest=True)
    changes = [
        line.split(" ", 1)[1] for line in effects(plan) if "ControllerRevision" not in line and "Host" not in line
    ]
    assert (said(plan, DEPLOYED), changes, again(plan)) == row.expected, row.why
    assert said(plan, ConditionType.ROUTED) == ("True", "NotNeeded")


@rows(
    Row(
        "Forbid: it keeps the others waiting", {"cron": {"schedule": "0 3 * * *", "concurrencyPolicy": "Forbid"}}, True
    ),
    Row("Allow: it does not", {"cron": {"schedule": "0 3 * * *", "concurrencyPolicy": "Allow"}}, False),
)
def test_whether_other_runs_wait_is_told(row: Row) -> None:
    plan = deciding(spec=row.given, cron_job=scheduled(row.given), pods=(ran("a", waits=PULL),))
    cron_step(plan, running(), newest=True)
    assert ("No other run starts" in message(plan, DEPLOYED)) is row.expected, row.why


THREE, FOUR = "2026-11-21T03:00:00Z", "2026-11-21T04:00:00Z"
BEFORE = {"type": "LastRunSucceeded", "status": "False", "reason": "RunFailed", "message": "The run before failed."}
STATUS = {"conditions": [{**BEFORE, "lastTransitionTime": ago(9000)}]}
CRASHED = (ran("a", phase="Failed", code=1, age=90), ran("b", phase="Failed", code=7, age=30))


def last(**status: Any) -> dict[str, Any]:
    return {"cron_job": scheduled(status=status)}


@rows(
    Row("none has run", last(), (None, "")),
    Row(
        "the last one succeeded",
        last(lastScheduleTime=THREE, lastSuccessfulTime=FOUR),
        (("True", "RunSucceeded"), THREE),
    ),
    Row(
        "only an earlier one succeeded",
        last(lastScheduleTime=FOUR, lastSuccessfulTime=THREE),
        (("False", "RunFailed"), FOUR),
    ),
    Row(
        "it says how the newest pod ended",
        {**last(lastScheduleTime=THREE), "pods": CRASHED},
        (("False", "RunFailed"), "exit code 7"),
    ),
    Row("one runs for the first time", last(lastScheduleTime=THREE, active=[{}]), (None, "")),
    Row(
        "while one runs the word of the last stands",
        {**last(lastScheduleTime=THREE, active=[{}]), "status": STATUS},
        (("False", "RunFailed"), "before"),
    ),
)
def test_how_the_last_run_ended(row: Row) -> None:
    plan = deciding(**{"spec": NIGHTLY, **row.given})
    report_last_run(plan)
    fact, words = row.expected
    assert said(plan, LAST) == fact, row.why
    assert fact is None or words in message(plan, LAST), row.why


def suspended(value: bool) -> dict[str, Any]:
    return {"cron_job": workload("CronJob", suspend=value)}


def to(value: str) -> list[str]:
    return [f'MergePatch CronJob web {{"spec": {{"suspend": {value}}}}}']


@rows(
    Row("there is none", {}, (True, [])),
    Row("one that runs goes on", {"spec": NIGHTLY, **suspended(False)}, (False, [])),
    Row(
        "one that is to rest is suspended",
        {"spec": {**NIGHTLY, "suspend": True}, **suspended(False)},
        (False, to("true")),
    ),
    Row("one that rests stays so", {"spec": {**NIGHTLY, "suspend": True}, **suspended(True)}, (True, [])),
    Row("one that is wanted again goes on", {"spec": NIGHTLY, **suspended(True)}, (True, to("false"))),
)
def test_a_schedule_rests_when_it_is_asked_to(row: Row) -> None:
    plan = deciding(**row.given)
    rests = cron_is_suspended(plan)
    sync_suspend(plan)
    assert (rests, effects(plan)) == row.expected, row.why
