"""Every reason is produced by a test with a real API server, a real BuildKit or a whole cluster; or says why not."""

from __future__ import annotations

import re
from pathlib import Path

from ink_api.reasons import Reason

TESTS = Path(__file__).resolve().parents[2]
REAL = ("api", "contract", "e2e")
WORDS = {"Pending", "Built", "Deployed", "Released"}
"""Reasons that are also words of Kubernetes or types of conditions: a quoted one proves nothing."""
EXCEPTIONS: dict[Reason, str] = {}
"""Reasons that no such test can produce, each with the why. A reason whose part comes later belongs here until then."""


def named() -> set[Reason]:
    """Reasons that the real tests name: as `Reason.X` or as a quoted word."""
    texts = [path.read_text() for tier in REAL for path in (TESTS / tier).rglob("*.py")]
    texts.append(
        (TESTS / "support" / "building" / "failing_repositories.py").read_text()
    )  # run by tests/contract/buildkit
    text = "\n".join(texts)
    by_name = {reason for reason in Reason if re.search(rf"\bReason\.{reason.name}\b", text)}
    by_name |= {reason for reason in Reason if f'["reason"] == "{reason}"' in text}
    by_word = {reason for reason in Reason if reason not in WORDS and re.search(rf"[\"']{reason}[\"']", text)}
    return by_name | by_word


def test_every_reason_is_named_by_a_test_that_may_produce_it() -> None:
    missing = set(Reason) - named() - set(EXCEPTIONS)
    assert not missing, "add a test that produces them, or a line in EXCEPTIONS"


def test_no_exception_is_kept_without_need() -> None:
    assert set(EXCEPTIONS) & named() == set()
