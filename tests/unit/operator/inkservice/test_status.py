"""Conditions say what is, in words that do not change from pass to pass."""

from datetime import timedelta

from ink_api.condition_types import ConditionType
from ink_api.conditions import find
from ink_api.reasons import Reason
from ink_operator.core.plan import Fact
from ink_operator.inkservice.facts.status import CHAIN, summarise
from ink_operator.inkservice.model import Observed, ServicePlan
from ink_operator.runtime.events import transitions
from unit.operator.inkservice.making import IDENTITY, NOW, SETTINGS, deployment, service

DONE = tuple(Fact(kind, "True", Reason.DEPLOYED, "Done.") for kind in CHAIN)


def status(*facts: Fact, live: object = None, before: object = None):
    one = service()
    if before is not None:
        one = one.model_copy(update={"status": before})
    seen = Observed(IDENTITY, deployment=live)
    return summarise(one, seen, ServicePlan(facts=facts), SETTINGS, NOW + timedelta(seconds=100 if before else 0))


def condition(made, kind: str):
    return find(made.conditions, kind)


def test_ready_needs_every_step() -> None:
    assert condition(status(*DONE), "Ready").status == "True"
    for missing in CHAIN:
        made = status(*(f for f in DONE if f.type != missing))
        assert condition(made, "Ready").status == "Unknown"
        assert condition(made, "Reconciling").status == "True"
        assert condition(made, "Stalled") is None


def test_a_failure_stalls_and_brings_its_remedy() -> None:
    failed = Fact(ConditionType.BUILT, "False", Reason.BUILD_FAILED, "Exit code 1")
    made = status(*(f for f in DONE if f.type != ConditionType.BUILT), failed, live=deployment())
    ready = condition(made, "Ready")
    assert (ready.status, ready.reason) == ("False", "BuildFailed")
    assert ready.message == "Exit code 1. Read the lines above, fix the repository and push again."
    assert condition(made, "Stalled").status == "True"
    assert condition(made, "Reconciling") is None
    assert condition(made, "Available").status == "True"


def test_an_unchanged_world_gives_an_equal_status_later() -> None:
    first = status(*DONE)
    assert status(*DONE, before=first) == first


def test_a_ready_service_has_neither_roll_up_left() -> None:
    made = status(*DONE)
    assert {c.type for c in made.conditions} == {*CHAIN, "Ready", "Available"}


def test_events_are_told_on_transitions_only() -> None:
    pending, done = status(), status(*DONE)
    assert [h.reason for h in transitions(pending.conditions, done.conditions)] == ["Deployed", "Ready"]
    assert transitions(done.conditions, done.conditions) == []


def test_a_step_that_is_left_out_is_no_event() -> None:
    given = Fact(ConditionType.BUILT, "True", Reason.NOT_NEEDED, "The spec names an image.")
    assert [h.reason for h in transitions(status().conditions, status(*DONE, given).conditions)] == ["Ready"]


def test_a_failed_run_is_told_as_a_warning_and_changes_nothing_else() -> None:
    failed = Fact(ConditionType.LAST_RUN_SUCCEEDED, "False", Reason.RUN_FAILED, "The run failed")
    fine, bad = status(*DONE), status(*DONE, failed)
    assert [(h.type, h.reason) for h in transitions(fine.conditions, bad.conditions)] == [("Warning", "RunFailed")]
    assert condition(bad, "Ready").status == "True"
    assert condition(bad, "Stalled") is None
