"""Reasons: every failure tells a person what to do."""

from __future__ import annotations

import re

import pytest
from ink_api.reasons import PROGRESS, REMEDIES, RETRIED, Reason, remedy

FINE = {
    Reason.RESOLVED,
    Reason.BUILT,
    Reason.IMAGE_EXISTS,
    Reason.NOT_NEEDED,
    Reason.RELEASED,
    Reason.DEPLOYED,
    Reason.ANSWERING,
    Reason.READY,
    Reason.SUSPENDED,
    Reason.RUN_SUCCEEDED,
    Reason.SUPERSEDED,
}
"""Reasons of what is as it should be."""


@pytest.mark.parametrize("reason", sorted(set(Reason) - FINE - PROGRESS))
def test_a_failure_has_a_remedy(reason: Reason) -> None:
    assert len(remedy(reason)) > 10


@pytest.mark.parametrize("reason", sorted(FINE | PROGRESS))
def test_what_is_no_failure_has_none(reason: Reason) -> None:
    assert remedy(reason) == ""


@pytest.mark.parametrize(("reason", "text"), sorted(REMEDIES.items()))
def test_a_remedy_is_a_sentence(reason: Reason, text: str) -> None:
    assert text.endswith("."), reason
    assert text[0].isupper(), reason


@pytest.mark.parametrize("reason", sorted(Reason))
def test_a_reason_is_one_camel_case_word(reason: Reason) -> None:
    assert re.fullmatch(r"([A-Z][a-z]+)+", reason)


def test_what_ink_retries_is_a_failure_that_says_so() -> None:
    assert not RETRIED & (FINE | PROGRESS)
    assert all("again" in remedy(reason) or "Nothing" in remedy(reason) for reason in RETRIED)


def test_an_unknown_word_has_no_remedy() -> None:
    assert remedy("SomethingElse") == ""
