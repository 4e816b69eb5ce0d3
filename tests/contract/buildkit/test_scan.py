"""The scan in a whole build: what it says, what it stops."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Stack

RECORDS = str(Path(__file__).parents[2] / "unit" / "builder" / "osv" / "records.json")
LOCK = json.dumps({"lockfileVersion": 3, "packages": {"node_modules/left-pad": {"version": "1.3.0"}}})
AWS = "AKIA" + "QWERTYUIOPASDFGH"
FILES: dict[str, str | bytes] = {
    "Dockerfile": "FROM scratch\nCOPY . /\n",
    "package-lock.json": LOCK,
    "config.py": f"key = '{AWS}'\n",
}


def test_what_only_warns_is_in_the_log_and_in_the_verdict(stack: Stack) -> None:
    outcome = stack.build(
        "warned", FILES, INK_SCAN_SECRETS="warn", INK_SCAN_VULNERABILITIES="warn", INK_OSV_SOURCE=RECORDS
    )
    assert outcome.code == 0, outcome.log
    assert "1 committed secret and 1 known vulnerability in dependencies (1 high)" in outcome.log
    assert "fixed in 1.3.1" in outcome.log
    assert outcome.verdict["scan"]["vulnerabilities"] == {"high": 1}
    assert outcome.verdict["scan"]["worst"][0]["fixedVersion"] == "1.3.1"
    assert outcome.verdict["scan"]["secrets"] == [{"place": "config.py:1", "kind": "AWS Access Key"}]
    assert AWS not in outcome.log + json.dumps(outcome.verdict)


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ({"INK_SCAN_SECRETS": "block"}, "AWS Access Key in 'config.py' line 1"),
        ({"INK_SCAN_VULNERABILITIES": "block", "INK_OSV_SOURCE": RECORDS}, "CVE-2099-0001"),
    ],
)
def test_what_the_policy_forbids_is_not_built(stack: Stack, policy: dict[str, str], words: str) -> None:
    outcome = stack.build("blocked", FILES, **policy)
    assert (outcome.code, outcome.reason) == (1, "ScanBlocked"), outcome.log
    assert words in outcome.message
    assert outcome.verdict["scan"]
    assert "COPY" not in outcome.log, "nothing was sent to the daemon"
    _, tags = stack.registry.get("/v2/tenant/blocked/tags/list", stack.registry.token("tenant/blocked"))
    assert json.loads(tags)["tags"] == ["log-b-blocked"], "the log, and no image"


def test_without_a_policy_nothing_is_scanned(stack: Stack) -> None:
    outcome = stack.build("unscanned", FILES)
    assert "scan" not in outcome.verdict
    assert "scan:" not in outcome.log


def test_data_that_cannot_be_read_stops_no_build_that_only_warns(stack: Stack) -> None:
    outcome = stack.build("no-data", FILES, INK_SCAN_VULNERABILITIES="warn", INK_OSV_SOURCE="http://127.0.0.1:1")
    assert outcome.code == 0
    assert "were not checked" in outcome.log
