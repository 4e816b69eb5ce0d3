"""The release command: once for each revision, one at a time, and before traffic moves."""

from typing import Any

from ink_api.condition_types import ConditionType
from ink_api.inkservice import Release
from ink_operator.inkservice.decide.release import release_step
from ink_operator.inkservice.desired.releasejob import run_name
from ink_operator.inkservice.desired.workload import make_deployment
from ink_operator.inkservice.model import ReleaseResult
from unit.operator.inkservice.deciding import (
    IDENTITY,
    NEXT,
    Row,
    again,
    ago,
    asked,
    deciding,
    effects,
    message,
    revision,
    rows,
    run,
    running,
    said,
    workload,
)

MIGRATE = {"release": {"command": ["migrate"]}}
OLD, NEW = revision(1, "old"), revision(2, "new", running(NEXT, "2"))
RUN = run_name(asked(MIGRATE), NEW, Release(command=["migrate"]))
AGAIN = run_name(asked({"release": {"command": ["migrate", "-f"]}}), NEW, Release(command=["migrate", "-f"]))
STARTS = [f"Create Job web-r-{RUN}"]
FAILED, DONE = ReleaseResult(RUN, False, "exit code 3"), ReleaseResult(RUN, True)
OTHER = {"release": {"command": ["other"]}}


def new(**more: Any) -> Any:
    """What runs is the old revision; the new one, changed, is wanted."""
    return {"deployment": workload(of=OLD), "revisions": (OLD, revision(2, "new", running(NEXT, "2"), **more))}


def stuck(run_of: str) -> Any:
    """Its pod waits for an image that cannot be pulled."""
    waits = {"state": {"waiting": {"reason": "ImagePullBackOff", "message": "no"}}}
    meta = {"name": "p", "creationTimestamp": ago(60)}
    return run(
        "Running",
        NEW,
        run_of,
        pod={"metadata": meta, "spec": {"containers": [{"image": "x"}]}, "status": {"containerStatuses": [waits]}},
    )


GOES, WAITS, STOPS = ("True", "Released"), ("Unknown", "Releasing"), ("False", "ReleaseFailed")
UNNEEDED, NO_IMAGE = ("True", "NotNeeded"), ("False", "ImagePullFailed")


@rows(
    Row("without a command nothing is awaited", {"spec": {}, **new()}, (True, UNNEEDED, [], None)),
    Row(
        "without a command the last Job goes",
        {"spec": {}, **new(), "releases": (run("Succeeded", OLD),)},
        (True, UNNEEDED, ["Delete Job web-r-r1"], None),
    ),
    Row("a command that has not run is started", new(), (False, WAITS, STARTS, 15.0)),
    Row("a command that runs is awaited", {**new(), "releases": (run("Running", NEW, RUN),)}, (False, WAITS, [], 15.0)),
    Row(
        "the command of an earlier revision comes to its end first",
        {**new(), "releases": (run("Running", OLD),)},
        (False, WAITS, [], 15.0),
    ),
    Row(
        "a Job that ended makes room",
        {**new(), "releases": (run("Succeeded", OLD),)},
        (False, WAITS, ["note web-old", "Delete Job web-r-r1", *STARTS], 15.0),
    ),
    Row("a command that has run is not run again", new(release=DONE), (True, GOES, [], None)),
    Row("also when another one is asked for", {"spec": OTHER, **new(release=DONE)}, (True, GOES, [], None)),
    Row("one that failed is not tried again", new(release=FAILED), (False, STOPS, [], None)),
    Row(
        "another command is tried",
        {"spec": {"release": {"command": ["migrate", "-f"]}}, **new(release=FAILED)},
        (False, WAITS, [f"Create Job web-r-{AGAIN}"], 15.0),
    ),
    Row(
        "what serves already needs no command",
        {"deployment": workload(of=NEW), "revisions": (OLD, NEW)},
        (True, UNNEEDED, [], None),
    ),
    Row("what was live once needs none", new(outcome="Deployed"), (True, UNNEEDED, [], None)),
    Row(
        "what was deleted by hand comes back at once",
        {"revisions": (revision(1, "before", running(NEXT, "2"), outcome="Deployed"), NEW)},
        (True, UNNEEDED, [], None),
    ),
    Row("what is not to run is not released", {"spec": {**MIGRATE, "suspend": True}, **new()}, (False, None, [], None)),
    Row("nothing is started where nobody may look", {"granted": False, **new()}, (False, WAITS, [], 0.1)),
    Row(
        "one that cannot start says why",
        {**new(), "releases": (stuck(RUN),)},
        (False, NO_IMAGE, [], 15.0),
    ),
)
def test_when_traffic_may_move(row: Row) -> None:
    plan = deciding(**{"spec": MIGRATE, **row.given})
    made = make_deployment(plan.service, IDENTITY, running(NEXT, "2"), plan.settings)
    may = release_step(plan, made, NEW, newest=True)
    noted = [line if "ControllerRevision" not in line else f"note web-{named(line)}" for line in effects(plan)]
    assert (may, said(plan, ConditionType.RELEASED), noted, again(plan)) == row.expected, row.why


def named(line: str) -> str:
    return "old" if OLD.name in line else "new"


@rows(
    Row("success is on record", {"run": run("Succeeded", NEW, RUN)}, (True, ("True", "Released"))),
    Row("failure is on record", {"run": run("Failed", NEW, RUN, "exit code 3")}, (False, ("False", "ReleaseFailed"))),
)
def test_how_it_ended_is_noted_before_its_job_may_go(row: Row) -> None:
    plan = deciding(spec=MIGRATE, **new(), releases=(row.given["run"],))
    made = make_deployment(plan.service, IDENTITY, running(NEXT, "2"), plan.settings)
    may = release_step(plan, made, NEW, newest=True)
    assert (may, said(plan, ConditionType.RELEASED)) == row.expected, row.why
    assert [line.split()[:3] for line in effects(plan)] == [["MergePatch", "ControllerRevision", NEW.name]]


def test_a_failure_is_told_in_the_words_of_its_end() -> None:
    plan = deciding(spec=MIGRATE, **new(release=FAILED))
    release_step(plan, make_deployment(plan.service, IDENTITY, running(NEXT, "2"), plan.settings), NEW, newest=True)
    assert message(plan, ConditionType.RELEASED) == "exit code 3"


def test_of_an_older_revision_only_what_is_missing_is_told() -> None:
    """The newest revision is not known yet: what an older one does not need says nothing of it."""
    plan = deciding(spec={}, **new())
    assert release_step(plan, workload(of=OLD), OLD, newest=False)
    assert said(plan, ConditionType.RELEASED) is None
