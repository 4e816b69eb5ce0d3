"""Every reason is produced by a test with a real API server, a real BuildKit or a whole cluster; or says why not."""

from __future__ import annotations

import re
from pathlib import Path

from ink_api.reasons import Reason

TESTS = Path(__file__).resolve().parents[2]
REAL = ("api", "contract", "e2e")
WORDS = {"Pending", "Built", "Deployed", "Released"}
"""Reasons that are also words of Kubernetes or types of conditions: a quoted one proves nothing."""
EXCEPTIONS = {
    Reason.PENDING: "the steps after the first that is not done say it in nearly every test",
    Reason.RESOLVING: "lasts until the RoleBinding of a fresh namespace is seen",
    Reason.RESOLVED: "every deployment from git in tests/e2e passes through it",
    Reason.QUEUED: "needs as many long builds as there are places; tests/unit/operator/test_builds.py decides it",
    Reason.BUILT: "every deployment from git in tests/e2e passes through it",
    Reason.IMAGE_EXISTS: "a rollback; tests/unit/operator decides it",
    Reason.DELETING: "nothing says it yet: a deleted object is told by its deletionTimestamp",
    Reason.PROGRESS_DEADLINE_EXCEEDED: "the last resort when nothing else explains it; tests/unit/operator decides it",
    Reason.RUN_SUCCEEDED: "tests/e2e/test_workload.py has a real run, and looks at the condition alone",
    Reason.RUN_FAILED: "tests/e2e/test_workload.py has a real run, and looks at the condition alone",
    Reason.INTERNAL_ERROR: "needs a fault of the operator's own",
}


def named() -> set[Reason]:
    """Reasons that the real tests name: as `Reason.X` or as a quoted word."""
    texts = [path.read_text() for tier in REAL for path in (TESTS / tier).rglob("*.py")]
    texts.append((TESTS / "support" / "failing_repositories.py").read_text())  # run by tests/contract/buildkit
    text = "\n".join(texts)
    by_name = {reason for reason in Reason if re.search(rf"\bReason\.{reason.name}\b", text)}
    by_name |= {reason for reason in Reason if f'["reason"] == "{reason}"' in text}
    by_word = {reason for reason in Reason if reason not in WORDS and re.search(rf"[\"']{reason}[\"']", text)}
    return by_name | by_word


def test_every_reason_is_produced_for_real() -> None:
    assert set(Reason) - named() - set(EXCEPTIONS) == set()


def test_no_exception_is_kept_without_need() -> None:
    assert set(EXCEPTIONS) & named() == set()
