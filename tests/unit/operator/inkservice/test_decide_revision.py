"""Records of revisions and of builds that gave none: made, renumbered, noted, and dropped."""

from dataclasses import replace
from typing import Any

from ink_api.condition_types import ConditionType
from ink_api.reasons import Reason
from ink_operator.inkservice.decide.revision import (
    record,
    record_attempt,
    renumber_records,
    supersede,
    update_record,
    update_records,
)
from ink_operator.inkservice.names import attempt_record
from unit.operator.inkservice.deciding import (
    BAD,
    GOOD,
    IDENTITY,
    NEXT,
    Row,
    attempt,
    deciding,
    effects,
    records,
    revision,
    rows,
    running,
    workload,
)
from unit.operator.inkservice.making import pod

OLD, NEW = revision(1, "old"), revision(2, "new", running(NEXT, "2"))
BROKEN = attempt("Failed", BAD, commit=NEXT)
NOTED = attempt_record(IDENTITY, BROKEN.name)
TWIN = replace(NEW, number=1, created=None)
TWO = f'ControllerRevision {NEW.name} {{"revision": 2}}'


def wanted(template: str) -> Any:
    """The workload that is to be brought up."""
    return workload(of=replace(OLD, template=template))


@rows(
    Row(
        "a first revision is number one", {"runs": OLD}, ([f"Create ControllerRevision {OLD.name}"], [f"1 {OLD.name}"])
    ),
    Row(
        "the next one counts on",
        {"runs": NEW, "revisions": (OLD,)},
        ([f"Create ControllerRevision {NEW.name}"], [f"1 {OLD.name}", f"2 {NEW.name}"]),
    ),
    Row(
        "what runs is on record already",
        {"runs": OLD, "revisions": (OLD,), "deployment": workload(of=OLD)},
        ([], [f"1 {OLD.name}"]),
    ),
    Row(
        "what is rolled back to becomes the newest",
        {"runs": OLD, "revisions": (OLD, NEW), "deployment": workload(of=NEW)},
        ([f'MergePatch ControllerRevision {OLD.name} {{"revision": 3}}'], [f"3 {OLD.name}", f"2 {NEW.name}"]),
    ),
    Row(
        "what runs stays where it is in the history",
        {"runs": OLD, "revisions": (OLD, NEW), "deployment": workload(of=OLD)},
        ([], [f"1 {OLD.name}", f"2 {NEW.name}"]),
    ),
)
def test_the_record_of_what_is_brought_up(row: Row) -> None:
    given = dict(row.given)
    runs = given.pop("runs")
    plan = deciding(**given)
    made = record(plan, wanted(runs.template), runs.running)
    assert (effects(plan), records(plan)) == row.expected, row.why
    assert plan.revision == made.name == runs.name


@rows(
    Row("every number is somebody's own", {"revisions": (OLD, NEW)}, []),
    Row(
        "of two with one number the later one counts on",
        {"revisions": (OLD, replace(NEW, number=1, created=None))},
        [f'MergePatch ControllerRevision {NEW.name} {{"revision": 2}}'],
    ),
)
def test_two_records_never_keep_one_number(row: Row) -> None:
    plan = deciding(**row.given)
    renumber_records(plan)
    assert effects(plan) == row.expected, row.why


@rows(
    Row("a build that failed is recorded", {"of": BROKEN}, [f"Create ControllerRevision {NOTED}"]),
    Row("once", {"of": BROKEN, "revisions": (replace(OLD, name=NOTED),)}, []),
)
def test_the_record_of_an_attempt(row: Row) -> None:
    given = dict(row.given)
    of = given.pop("of")
    plan = deciding(**given)
    record_attempt(plan, of)
    assert effects(plan) == row.expected, row.why


RUNS, QUEUED = attempt("Running"), attempt("Queued")
ENDED = f"ControllerRevision {attempt_record(IDENTITY, RUNS.name)}"
DROPPED = [f"Delete Job {RUNS.name}", f"Delete Secret {RUNS.name}"]


@rows(
    Row(
        "one that ran is recorded before its Job goes",
        {"of": RUNS},
        [f"Create ControllerRevision {attempt_record(IDENTITY, RUNS.name)}", *DROPPED],
    ),
    Row("one that only queued leaves nothing", {"of": QUEUED}, DROPPED),
    Row("nothing goes that cannot be recorded", {"of": RUNS, "granted": False}, []),
)
def test_a_build_that_nobody_waits_for(row: Row) -> None:
    given = dict(row.given)
    of = given.pop("of")
    plan = deciding(**given)
    supersede(plan, of)
    assert effects(plan) == row.expected, row.why


def live(replicas: int = 1, available: int = 1) -> dict[str, Any]:
    """The Deployment of the old revision, whose controller has caught up, and its ready pods."""
    counts = {"replicas": replicas, "updatedReplicas": replicas, "availableReplicas": available}
    made = workload(of=OLD, replicas=replicas) | {"status": {"observedGeneration": 2, **counts}}
    pods = tuple(pod(f"web-{n}", revision="old", ready=True) for n in range(available))
    return {"deployment": made, "pods": pods, "revisions": (OLD,)}


def noted(outcome: str) -> list[str]:
    return [
        f'MergePatch ControllerRevision {OLD.name} {{"metadata": {{"annotations": {{"ml.ink/outcome": "{outcome}"}}}}}}'
    ]


ONCE_SERVED = {"revisions": (replace(OLD, outcome="Deployed"),)}
ONCE_FAILED = {"revisions": (replace(OLD, outcome="CrashLooping"),)}
DEPLOYED, CRASHES = ("True", Reason.DEPLOYED), ("False", Reason.CRASH_LOOPING)


@rows(
    Row("a revision that serves is noted as deployed", {**live(), "fact": DEPLOYED}, noted("Deployed")),
    Row("once", {**live(), **ONCE_SERVED, "fact": DEPLOYED}, []),
    Row("a failure is noted", {**live(2, 1), "fact": CRASHES}, noted("CrashLooping")),
    Row(
        "the same failure is noted once",
        {**live(2, 1), **ONCE_FAILED, "fact": CRASHES},
        [],
    ),
    Row(
        "what served once is not noted as failed",
        {**live(2, 1), **ONCE_SERVED, "fact": CRASHES},
        [],
    ),
    Row("a failure of what is wanted is none of what runs", {**live(2, 1), "fact": CRASHES, "wants": NEW.name}, []),
    Row("zero pods serve nobody", {**live(0, 0), "fact": None}, []),
    Row("where nobody may look nothing is noted", {**live(), "fact": DEPLOYED, "granted": False}, []),
)
def test_what_became_of_what_runs(row: Row) -> None:
    given = dict(row.given)
    fact, wants = given.pop("fact"), given.pop("wants", OLD.name)
    plan = deciding(**given)
    plan.revision = wants
    if fact is not None:
        plan.set_condition(ConditionType.DEPLOYED, *fact)
    update_records(plan)
    assert effects(plan) == row.expected, row.why


def many(number: int) -> tuple[Any, ...]:
    return tuple(revision(n, f"t{n}", outcome="Deployed") for n in range(1, number + 1))


OLDEST = workload(of=many(1)[0])


@rows(
    Row("ten are kept", {"revisions": many(10)}, []),
    Row("the oldest goes", {"revisions": many(11)}, [many(1)[0].name]),
    Row(
        "what runs stays, however old",
        {"revisions": many(12), "deployment": workload(of=many(1)[0])},
        [many(2)[1].name],
    ),
    Row("where nobody may look nothing goes", {"revisions": many(12), "granted": False}, []),
)
def test_no_more_records_than_are_kept(row: Row) -> None:
    plan = deciding(**row.given)
    dropped = update_records(plan)
    assert sorted(r.name for r in dropped) == sorted(row.expected), row.why
    assert [line for line in effects(plan) if line.startswith("Delete")] == [
        f"Delete ControllerRevision {r.name}" for r in dropped
    ]
    assert not {r.name for r in dropped} & {r.name for r in plan.revisions}


def test_a_failed_build_is_recorded_when_the_pass_settles() -> None:
    plan = deciding(attempts=(BROKEN, attempt("Succeeded", GOOD)))
    update_records(plan)
    assert effects(plan) == [f"Create ControllerRevision {NOTED}"]


def test_of_a_record_only_notes_and_number_change() -> None:
    plan = deciding(revisions=(replace(OLD, image_deleted=True),))
    update_record(plan, replace(OLD, number=4, outcome="Deployed"))
    (line,) = effects(plan)
    assert line.startswith(f"MergePatch ControllerRevision {OLD.name} ")
    for part in ('"revision": 4', '"ml.ink/outcome": "Deployed"', '"ml.ink/image-deleted": null'):
        assert part in line
    assert '"data"' not in line
