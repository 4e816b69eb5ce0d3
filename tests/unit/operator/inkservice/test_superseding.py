"""A newer commit ends a running build at most twice in a row."""

from dataclasses import replace
from typing import Any

import pytest
from ink_api.inkservice import InkService
from ink_operator.inkservice.decide.wanted_build import build_to_deploy, build_to_finish, cancelled
from ink_operator.inkservice.facts.source import build_plan
from ink_operator.inkservice.model import Attempt, BuildState, Revision, Running, Verdict
from unit.operator.inkservice.making import GIT, IDENTITY, ago, service

ONE = service()
PLAN = build_plan(ONE, IDENTITY, "e" * 40)
BUILT = Verdict(True, digest="sha256:1")
SPOILED = Verdict(False, infrastructure=True)


def attempt(letter: str, state: BuildState = BuildState.RUNNING, age: float = 0, one: InkService = ONE) -> Attempt:
    plan = build_plan(one, IDENTITY, letter * 40)
    return Attempt(
        f"b-{letter}", "", plan.key, plan.commit, 1, state, ago(age), BUILT if state == "Succeeded" else None
    )


def ended(number: int, letter: str, verdict: Verdict | None = None) -> Revision:
    """A build that gave no image: superseded, if it has no verdict."""
    state = BuildState.SUPERSEDED if verdict is None else BuildState.FAILED
    return Revision(f"r{number}", number, attempt=replace(attempt(letter, state, 100), verdict=verdict))


def live(number: int, letter: str = "a") -> Revision:
    return Revision(
        f"r{number}", number, "t", Running("x", 80, letter * 40, build_plan(ONE, IDENTITY, letter * 40).key)
    )


TWICE = (live(1), ended(2, "b"), ended(3, "c"))


@pytest.mark.parametrize(
    ("revisions", "count"),
    [
        ((), 0),
        ((live(1),), 0),
        (TWICE, 2),
        ((*TWICE, live(4)), 0),
        ((*TWICE, ended(4, "d", Verdict(False))), 0),
        ((*TWICE, ended(4, "d", SPOILED)), 2),
    ],
)
def test_a_row_ends_where_a_build_came_to_its_own_end(revisions: Any, count: int) -> None:
    assert len(cancelled(revisions)) == count


def test_the_third_is_let_be() -> None:
    running = attempt("d")
    assert build_to_finish(ONE, PLAN, [running], TWICE) == running
    assert build_to_finish(ONE, PLAN, [running], TWICE[:2]) is None
    assert build_to_finish(ONE, PLAN, [attempt("d", BuildState.QUEUED)], TWICE) is None


@pytest.mark.parametrize(
    "changed",
    [
        service(source={"git": {**GIT, "commit": "e" * 40}}),
        service(rebuildToken="x"),
        service(build={"buildCommand": "make"}),
    ],
    ids=["pin", "token", "settings"],
)
def test_what_a_person_changed_ends_any_build(changed: InkService) -> None:
    plan = build_plan(changed, IDENTITY, "e" * 40)
    assert build_to_finish(changed, plan, [attempt("d")], TWICE) is None


def test_its_image_is_deployed_until_that_is_done() -> None:
    done = attempt("d", BuildState.SUCCEEDED)
    assert build_to_deploy(ONE, PLAN, [done], TWICE) == done
    on_its_way = live(4, "d")
    assert build_to_deploy(ONE, PLAN, [done], [*TWICE, on_its_way]) == done
    assert build_to_deploy(ONE, PLAN, [done], [*TWICE, replace(on_its_way, outcome="Deployed")]) is None
    assert build_to_deploy(ONE, PLAN, [done], TWICE[:2]) is None


def test_an_image_from_before_the_row_stays_where_it_is() -> None:
    assert build_to_deploy(ONE, PLAN, [attempt("d", BuildState.SUCCEEDED, 200)], TWICE) is None
