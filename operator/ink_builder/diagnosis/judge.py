"""All rules in their order, and the lines of the log that show what a rule found."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ink_api.reasons import Reason

from ink_builder.diagnosis import compiled, javascript, locks, python, sites, system
from ink_builder.diagnosis.rule import Rule

SHOWN_LINES = 20
_BEFORE = 3
_ENOUGH = 8
_MOST_CHARS = 400
"""Of a line that the rules read: nobody controls what a step prints, and it must not keep an expression busy for long."""
_NOISE = re.compile(
    r"^\s*$|^npm (?:error|ERR!)\s*$|A complete log of this run|^\s+at .*(?:node:internal|\(native\)|\[as |<anonymous>\)$)|^\[INFO\]"
    r"|^\[ERROR\] *(?:$|To see the full stack|Re-run Maven|For more information about the errors|\[Help \d)|━━|^\s+(?:Downloading|Using cached) "
    r"|^npm (?:error|ERR!) (?:\[-|  -|aliases:|Options:|Usage:|Run \"npm help|npm ci$|Clean install)"
)

RULES: tuple[Rule, ...] = (
    *system.FIRST,
    *locks.RULES,
    *javascript.RULES,
    *python.RULES,
    *compiled.RULES,
    *sites.RULES,
    *javascript.NODE,
    *python.PYTHON,
    *system.LAST,
    *javascript.LAST,
)


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong, and the lines that show it."""

    reason: Reason
    message: str
    lines: tuple[str, ...]
    infrastructure: bool


def judge(lines: Sequence[str]) -> Diagnosis | None:
    """The diagnosis of the first rule that matches the output; None when none does."""
    text = "\n".join(line[:_MOST_CHARS] for line in lines)
    for rule in RULES:
        if match := rule.find(text):
            message = " ".join(rule.message(match, text).split())
            return Diagnosis(
                rule.reason, message, decisive(lines, text.count("\n", 0, match.start())), rule.infrastructure
            )
    return None


def decisive(lines: Sequence[str], at: int) -> tuple[str, ...]:
    """At most SHOWN_LINES around the line `at`, without the noise of the tools; line `at` is always among them."""
    before = [line for line in lines[:at] if not _NOISE.search(line)]
    after = [line for line in lines[at + 1 :] if not _NOISE.search(line)]
    after = after[: SHOWN_LINES - 1 - min(_BEFORE, len(before))]
    wanted = max(_BEFORE, _ENOUGH - 1 - len(after))
    return (*before[-wanted:], lines[at], *after)
