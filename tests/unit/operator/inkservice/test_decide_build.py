"""Which commit is wanted, whether its image exists, and what is done about it if not."""

from dataclasses import replace
from typing import Any

from ink_api.condition_types import ConditionType
from ink_api.reasons import Reason
from ink_operator.core.plan import Failure
from ink_operator.inkservice.decide.build import build_step, retry_wait
from ink_operator.inkservice.model import Environment, Verdict
from ink_operator.ports import Head, StoredImage
from unit.operator.inkservice.deciding import (
    BAD,
    COMMIT,
    GIT,
    GOOD,
    NEXT,
    NOW,
    REPOSITORY,
    SPOILED,
    Row,
    again,
    attempt,
    build,
    deciding,
    digest,
    effects,
    message,
    revision,
    rows,
    said,
    workload,
)

SOURCE, BUILT = ConditionType.SOURCE_RESOLVED, ConditionType.BUILT
IMAGE = {"source": {"image": {"ref": "registry.example.com/shop:1"}}}
PINNED = {"source": {"git": {**GIT, "commit": COMMIT}}}
LIVE = revision(1)
LATE = replace(BAD, reason=Reason.BUILD_TIMEOUT)
RESOLVED, UNNEEDED = ("True", "Resolved"), ("True", "NotNeeded")
GONE = Head(None, Reason.BRANCH_NOT_FOUND, "There is no branch main.")
AWAY = Head(None, Reason.SOURCE_UNREACHABLE, "No answer.")


def at(commit: str = COMMIT, **more: Any) -> dict[str, Any]:
    """The branch points to that commit, and what is to be built of it is known."""
    return {"head": Head(commit), "build": build(commit), **more}


@rows(
    Row("a given image needs no source", {"spec": IMAGE}, (UNNEEDED, UNNEEDED)),
    Row("a pinned commit is not asked for", {"spec": PINNED, "build": build()}, (RESOLVED, ("Unknown", "Building"))),
    Row("the branch says which commit", at(), (RESOLVED, ("Unknown", "Building"))),
    Row("a branch that is not there stops it", {"head": GONE}, (("False", "BranchNotFound"), None)),
    Row("nobody was asked yet", {}, (("False", "SourceUnreachable"), None)),
    Row("a repository that is away undoes nothing", at(head=AWAY), (RESOLVED, ("Unknown", "Building"))),
)
def test_what_is_said_of_the_source(row: Row) -> None:
    plan = deciding(**row.given)
    build_step(plan)
    assert (said(plan, SOURCE), said(plan, BUILT)) == row.expected, row.why


RUNS = {"deployment": workload(of=LIVE), "revisions": (LIVE,)}
STARTS, WAITS = ("Unknown", "Building"), ("Unknown", "Queued")
ENDED = ("False", "BuildInfrastructure")
TOKEN = {"rebuildToken": "2"}
TIMED_OUT = attempt("Failed", LATE, limit_seconds=60)


@rows(
    Row("nothing was built: the first attempt starts", at(), (["StartBuild 1"], STARTS, 5.0)),
    Row("a build that runs is awaited", at(attempts=(attempt("Running"),)), ([], STARTS, 30.0)),
    Row("a queued build asks again for its turn", at(attempts=(attempt("Queued"),)), (["StartBuild 1"], WAITS, 5.0)),
    Row("a build that worked is done", at(attempts=(attempt("Succeeded", GOOD),)), ([], ("True", "Built"), 300.0)),
    Row("what runs is of that build", at(**RUNS), ([], ("True", "Built"), 300.0)),
    Row("the registry has it", at(stored=StoredImage(digest("1"), (80,))), ([], ("True", "ImageExists"), 300.0)),
    Row(
        "a build that failed is not tried again",
        at(attempts=(attempt("Failed", BAD),)),
        ([], ("False", "BuildFailed"), 300.0),
    ),
    Row("one that was overtaken starts again", at(attempts=(attempt("Superseded"),)), (["StartBuild 2"], STARTS, 5.0)),
    Row("a higher limit tries again what ran out of time", at(attempts=(TIMED_OUT,)), (["StartBuild 2"], STARTS, 5.0)),
    Row(
        "the same limit does not",
        at(attempts=(replace(TIMED_OUT, limit_seconds=10**6),)),
        ([], ("False", "BuildTimeout"), 300.0),
    ),
    Row("after a fault of Ink's it waits", at(attempts=(attempt("Failed", SPOILED, finished=2),)), ([], STARTS, 3.0)),
    Row("then it tries again", at(attempts=(attempt("Failed", SPOILED, finished=6),)), (["StartBuild 2"], STARTS, 5.0)),
    Row(
        "after three faults it says so, and goes on trying",
        at(attempts=(attempt("Failed", SPOILED, number=3, finished=700),)),
        (["StartBuild 4"], ENDED, 5.0),
    ),
    Row(
        "asked to build without a cache",
        {"spec": TOKEN, **at(build=build(**TOKEN))},
        (["StartBuild 1 without cache"], STARTS, 5.0),
    ),
)
def test_what_is_done_about_the_build(row: Row) -> None:
    plan = deciding(**row.given)
    build_step(plan)
    assert (effects(plan), said(plan, BUILT), again(plan)) == row.expected, row.why


@rows(
    Row("a given image runs as it is", {"spec": IMAGE}, ("registry.example.com/shop:1", 8080, True)),
    Row(
        "what was built runs on the port it names",
        at(attempts=(attempt("Succeeded", GOOD),)),
        (f"{REPOSITORY}@{digest('1')}", 3000, True),
    ),
    Row(
        "what the registry has runs",
        at(stored=StoredImage(digest("7"), (9000,))),
        (f"{REPOSITORY}@{digest('7')}", 9000, True),
    ),
    Row(
        "what runs goes on while its source is away",
        {"head": AWAY, **RUNS},
        (f"{REPOSITORY}@{digest('1')}", 3000, False),
    ),
    Row(
        "what runs goes on when the next build fails",
        at(NEXT, attempts=(attempt("Failed", BAD, commit=NEXT),), **RUNS),
        (f"{REPOSITORY}@{digest('1')}", 3000, False),
    ),
    Row("what runs is left alone while the next is built", at(NEXT, **RUNS), None),
    Row(
        "what was deployed last and was deleted comes back meanwhile",
        at(NEXT, revisions=(replace(LIVE, outcome="Deployed"),)),
        (f"{REPOSITORY}@{digest('1')}", 3000, False),
    ),
    Row("nothing was ever built", at(), None),
)
def test_what_is_to_run(row: Row) -> None:
    chosen = build_step(deciding(**row.given))
    runs = chosen.running
    assert ((runs.image, runs.port, chosen.newest) if runs else None) == row.expected, row.why


@rows(
    Row(
        "a build of another commit ends",
        at(NEXT, attempts=(attempt("Queued"),)),
        [f"Delete Job {attempt('Queued').name}"],
    ),
    Row("one that came to its end stays", at(NEXT, attempts=(attempt("Failed", BAD),)), []),
    Row("that of this commit goes on", at(attempts=(attempt("Running"),)), []),
)
def test_builds_that_nobody_waits_for_end(row: Row) -> None:
    plan = deciding(**row.given)
    build_step(plan)
    assert [line for line in effects(plan) if line.startswith("Delete Job")] == row.expected, row.why


@rows(
    Row(
        "a Secret that is missing stops the build",
        {"failure": Failure(Reason.CONFIG_NOT_FOUND, "No Secret npm.")},
        ("False", 60.0),
    ),
    Row(
        "a namespace in the making delays it", {"failure": Failure(Reason.DEPLOYING, "Being set up.")}, ("Unknown", 0.1)
    ),
)
def test_variables_of_the_build_that_are_not_known(row: Row) -> None:
    plan = deciding(**at(build_environment=Environment(**row.given)))
    build_step(plan)
    fact = said(plan, BUILT)
    assert fact is not None
    assert (fact[0], again(plan)) == row.expected, row.why
    assert effects(plan) == []
    assert plan.commit == COMMIT, "the status names the commit all the same"


def test_the_last_lines_of_a_failed_build_are_told() -> None:
    verdict = replace(BAD, log=tuple(f"line {n}" for n in range(40)))
    plan = deciding(**at(attempts=(attempt("Failed", verdict),)))
    build_step(plan)
    text = message(plan, BUILT)
    assert text.startswith("No.\nline 28\n")
    assert text.endswith("line 39\n")


def test_a_repository_that_is_away_is_told_with_what_is_known() -> None:
    plan = deciding(**at(head=AWAY))
    build_step(plan)
    assert COMMIT in message(plan, SOURCE)


@rows(
    Row("after the first fault five seconds", {"number": 1, "finished": 0}, 5.0),
    Row("after the second twenty", {"number": 2, "finished": 5}, 15.0),
    Row("after the third ten minutes", {"number": 3, "finished": 0}, 600.0),
    Row("and after every later one", {"number": 9, "finished": 600}, 0.0),
    Row("what is overdue is due now", {"number": 1, "finished": 60}, -55.0),
)
def test_how_long_a_spoiled_build_waits(row: Row) -> None:
    assert retry_wait(attempt("Failed", SPOILED, **row.given), NOW) == row.expected, row.why


def test_a_build_that_names_no_image_is_tried_again() -> None:
    plan = deciding(**at(attempts=(attempt("Succeeded", Verdict(True), finished=60),)))
    build_step(plan)
    assert effects(plan) == ["StartBuild 2"]
    assert "no longer in the registry" in message(plan, BUILT)
