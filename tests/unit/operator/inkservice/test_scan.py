"""What a build found in its source: out of the verdict, harmless, into the status."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ink_api.inkservice import ScanStatus, VulnerabilityCounts
from ink_operator.inkservice.builds import parse_verdict, verdict_json
from ink_operator.inkservice.scan import parse_scan

WORST = {"severity": "high", "package": "left-pad", "version": "1.3.0", "advisory": "CVE-1", "fixedVersion": "1.3.1"}
SECRET = {"place": "config.py:3", "kind": "AWS Access Key"}
SCAN = {"vulnerabilities": {"high": 3}, "worst": [WORST], "secretsFound": 1, "secrets": [SECRET], "more": 2}


IMAGE = {"packages": 93, "vulnerablePackages": 2, "vulnerabilities": {"high": 3}, "worst": [WORST], "more": 2}


@pytest.mark.parametrize("scan", [SCAN, {"image": {"packages": 0}}, {**SCAN, "image": IMAGE}])
@pytest.mark.parametrize("ok", [True, False])
def test_the_findings_outlive_the_pod(ok: bool, scan: dict[str, Any]) -> None:
    verdict = parse_verdict(json.dumps({"ok": ok, "reason": "ScanBlocked", "scan": scan}))
    assert verdict is not None
    assert verdict.scan is not None
    assert verdict.scan.to_wire() == scan
    assert parse_verdict(verdict_json(verdict)) == verdict


@pytest.mark.parametrize(
    "data",
    [
        None,
        3,
        [],
        "x",
        {"worst": 1},
        {"worst": [{}]},
        {"secretsFound": -1},
        {"more": "many"},
        {"secrets": [{"kind": 1}]},
        {"image": {}},
        {"image": {"packages": -1}},
    ],
)
def test_what_is_no_scan_is_left_out_and_the_build_counts(data: Any) -> None:
    assert parse_scan(data) is None
    verdict = parse_verdict(json.dumps({"ok": True, "scan": data}))
    assert verdict is not None
    assert verdict.ok


def test_hostile_words_are_bounded_and_printable() -> None:
    evil = "a\nReady: True\x1b[2J\u202e\u200b" + "x" * 500
    found = parse_scan(
        {
            "worst": [{**WORST, "package": evil, "fixedVersion": evil}] * 40,
            "secrets": [{"place": evil, "kind": evil}] * 40,
            "vulnerabilities": {"critical": 10**30},
            "unchecked": evil,
            "image": {
                "packages": 10**30,
                "vulnerablePackages": 10**30,
                "worst": [{**WORST, "advisory": evil}] * 40,
                "unchecked": evil,
            },
        }
    )
    assert found is not None
    text = json.dumps(found.to_wire(), ensure_ascii=False)
    assert text.isprintable()
    assert "\\n" not in text
    assert len(text) < 6_000
    assert (len(found.worst or []), len(found.secrets or []), found.more) == (5, 5, 70)
    assert found.vulnerabilities == VulnerabilityCounts(critical=1_000_000)


def test_nothing_found_is_said() -> None:
    found = parse_scan({"secretsFound": 0, "vulnerabilities": {}})
    assert found == ScanStatus(secrets_found=0, vulnerabilities=VulnerabilityCounts())
