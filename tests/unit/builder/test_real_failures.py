"""Failures as the real tools printed them, and what users read. tests/contract/buildkit keeps the records."""

from __future__ import annotations

import json
import re

import pytest
from ink_builder import verdict
from ink_builder.buildkit.failure import Context, explain
from ink_builder.buildkit.progress import Step
from ink_builder.diagnosis.judge import RULES, SHOWN_LINES, decisive
from ink_builder.diagnosis.rule import Rule
from support.building import failing as failing_builds
from support.building import failing_repositories
from support.building.failing import Failing, Recorded


def _recorded(failing: Failing) -> Recorded:
    return Recorded.parse((failing_builds.FIXTURES / f"{failing.name}.txt").read_text(encoding="utf-8"))


@pytest.mark.parametrize("failing", failing_repositories.ALL, ids=lambda f: f.name)
def test_the_verdict_names_the_cause(failing: Failing) -> None:
    failing_builds.judged(failing, _recorded(failing))


@pytest.mark.parametrize("failing", failing_repositories.ALL, ids=lambda f: f.name)
def test_the_decisive_line_survives_in_the_termination_message(failing: Failing) -> None:
    recorded = _recorded(failing)
    step = Step(1, name=recorded.step)
    step.lines.extend(recorded.lines)
    error = explain(recorded.details, step if recorded.step else None, Context("Dockerfile", generated=False))
    kept = json.loads(verdict.encode(verdict.failure(error)))
    assert not failing.line or any(failing.line in line for line in kept["log"])


def test_every_kind_of_failure_is_among_them() -> None:
    assert len(failing_repositories.ALL) >= 25
    assert len({failing.reason for failing in failing_repositories.ALL}) >= 18


def test_no_record_tells_of_the_machine_that_made_it() -> None:
    for file in failing_builds.FIXTURES.iterdir():
        text = file.read_text(encoding="utf-8")
        for trace in ("/tmp/", "/opt/wheels", "proxy=", "pytest-of"):
            assert trace not in text, (file.name, trace)


def test_the_decisive_lines_are_those_around_the_cause() -> None:
    lines = [f"line {n}" for n in range(100)]
    shown = decisive(lines, 50)
    assert (len(shown), shown[3]) == (SHOWN_LINES, "line 50")
    assert decisive(lines, 99)[-1] == "line 99"
    assert decisive(lines, 0)[0] == "line 0"


def test_the_causes_line_is_kept_even_among_noise() -> None:
    assert decisive(["", "npm error", "npm error code E404", ""], 2) == ("npm error code E404",)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.pattern[:40])
def test_no_output_keeps_a_rule_busy(rule: Rule) -> None:
    """Beginnings of what a rule looks for, as often as a step's lines hold them: never its end."""
    beginnings = re.findall(r"[A-Za-z]{4}[A-Za-z ]*", rule.pattern)
    for part in [*beginnings, "a" * 400, " " * 400, "x: " * 130, "./" * 200, "E: 1 " * 80]:
        rule.find("\n".join([(part * 40)[:400]] * 400))
