"""Reasons: every failure tells a person what to do."""

from __future__ import annotations

import re

import pytest
from ink_api.reasons import PROGRESS, RETRIED, Reason, ReasonClass, remedy

FAILURES = [r for r in Reason if r.reason_class in (ReasonClass.ACTION_REQUIRED, ReasonClass.RETRIED)]


@pytest.mark.parametrize("reason", FAILURES)
def test_a_failure_has_a_remedy(reason: Reason) -> None:
    assert len(reason.remedy) > 10


@pytest.mark.parametrize("reason", sorted(set(Reason) - set(FAILURES)))
def test_what_is_no_failure_has_none(reason: Reason) -> None:
    assert reason.remedy == ""


@pytest.mark.parametrize("reason", FAILURES)
def test_a_remedy_is_a_sentence(reason: Reason) -> None:
    assert reason.remedy.endswith(".")
    assert reason.remedy[0].isupper()


@pytest.mark.parametrize("reason", sorted(Reason))
def test_a_reason_is_one_camel_case_word(reason: Reason) -> None:
    assert re.fullmatch(r"([A-Z][a-z]+)+", reason)


def test_a_reason_is_found_by_its_value_and_is_that_word() -> None:
    assert Reason("BuildFailed") is Reason.BUILD_FAILED
    assert f"{Reason.BUILD_FAILED}" == "BuildFailed" == Reason.BUILD_FAILED.value


def test_what_ink_retries_says_so() -> None:
    assert all("tries again" in reason.remedy for reason in RETRIED)


def test_the_sets_are_classes_of_the_table() -> None:
    assert {reason.reason_class for reason in PROGRESS} == {ReasonClass.IN_PROGRESS}
    assert {reason.reason_class for reason in RETRIED} == {ReasonClass.RETRIED}


def test_an_unknown_word_has_no_remedy() -> None:
    assert remedy("SomethingElse") == ""
    assert remedy("BuildFailed") == Reason.BUILD_FAILED.remedy
