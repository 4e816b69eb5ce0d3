#!/usr/bin/env python3
"""Refuses words that docs/words.md has replaced, in sentences that users read.

usage: check_words.py [PATH …]   (default: the whole repository)

The list is the table "Words not to use" of docs/words.md: a regular expression in backquotes, which begins with a word
boundary and a word, and what to write instead. A space matches line breaks too; case does not matter. It checks string
literals and docstrings of Python programs (not comments, not identifiers), and the whole text of Markdown, chart
templates, values, notes, examples and Dockerfiles. It leaves out tests, generated files and vendored protocol
definitions. Exit code 1 with findings.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
GLOSSARY = "docs/words.md"
HEADING = "## Words not to use"
PROGRAMS = ("crds/", "operator/", "mcp_gateway/", "local/", "install/", "bench/", "charts/", "examples/")
TEXTS = ("charts/", "examples/", "images/")
TEXT_ENDINGS = (".yaml", ".yml", ".tpl", ".txt", ".json", ".lua", ".sh", "Dockerfile")
LEFT_OUT = ("tests/", "crds/generated/", "charts/ink/files/crds/", "operator/ink_builder/buildkit/proto/")
ROW = re.compile(r"^\| `(?P<pattern>.+?)` \| (?P<instead>.+?) \|\s*$", re.M)
BETWEEN_LITERALS = re.compile(r"""["']\s*\n\s*[rRbBfF]{0,2}["']""")


class Rule(NamedTuple):
    """A word not to use, and what to write instead."""

    stem: str
    """Lower-case letters that every match begins with: looked for first, because that is fast."""
    pattern: re.Pattern[str]
    instead: str


class Finding(NamedTuple):
    """One use of such a word."""

    file: str
    line: int
    word: str
    instead: str


def rules_of(glossary: str) -> list[Rule]:
    """The rules in the glossary's text. Raises ValueError if there are none."""
    _, _, table = glossary.partition(HEADING)
    rows = [(row["pattern"].replace("\\|", "|"), row["instead"]) for row in ROW.finditer(table)]
    if not rows:
        raise ValueError(f"{GLOSSARY} has no rows below {HEADING!r}")
    return [Rule(_stem(pattern), re.compile(pattern.replace(" ", r"\s+"), re.I), instead) for pattern, instead in rows]


def _stem(pattern: str) -> str:
    begin = re.match(r"\\b([a-z ]{2,})(\?)?", pattern)
    if begin is None:
        raise ValueError(f"{GLOSSARY}: {pattern} must begin with \\b and a lower-case word")
    return (begin[1][:-1] if begin[2] else begin[1]).strip()


def kind_of(file: str) -> str | None:
    """How a file is read: "program", "text", or None if it is not checked."""
    if file.startswith(LEFT_OUT):
        return None
    if file.endswith(".py"):
        return "program" if file.startswith(PROGRAMS) else None
    if file.endswith(".md") or (file.startswith(TEXTS) and file.endswith(TEXT_ENDINGS)):
        return "text"
    return None


def possible(text: str, rules: Iterable[Rule]) -> list[Rule]:
    """The rules whose first letters occur in the text."""
    lower = " ".join(text.lower().split())
    return [rule for rule in rules if rule.stem in lower]


def in_text(file: str, text: str, rules: Iterable[Rule]) -> Iterator[Finding]:
    """Findings in prose."""
    if file == GLOSSARY:
        text = text.partition(HEADING)[0]
    for rule in possible(text, rules):
        for match in rule.pattern.finditer(text):
            yield Finding(file, text.count("\n", 0, match.start()) + 1, _one_line(match.group()), rule.instead)


def in_program(file: str, source: str, rules: Iterable[Rule]) -> Iterator[Finding]:
    """Findings in the string literals of a Python program."""
    joined = BETWEEN_LITERALS.sub("", source)
    suspects = [rule for rule in possible(joined, rules) if rule.pattern.search(joined)]
    if not suspects:
        return
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for rule in suspects:
                for match in rule.pattern.finditer(node.value):
                    yield Finding(file, _line_of(match.group(), node, lines), _one_line(match.group()), rule.instead)


def _line_of(word: str, node: ast.Constant, lines: list[str]) -> int:
    """The line of a literal that holds the word's first part, else its first line."""
    first = word.split(maxsplit=1)[0]
    last = node.end_lineno or node.lineno
    return next((n for n in range(node.lineno, last + 1) if first in lines[n - 1]), node.lineno)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def check(files: Iterable[str], rules: list[Rule], root: Path = ROOT) -> list[Finding]:
    """All findings in these files, which are named relative to `root`, in order."""
    found: list[Finding] = []
    for file in files:
        kind = kind_of(file)
        if kind is not None and (root / file).is_file():
            text = (root / file).read_text(encoding="utf-8")
            found += in_program(file, text, rules) if kind == "program" else in_text(file, text, rules)
    return sorted(set(found))


def main(paths: list[str]) -> int:
    """Print the findings; the exit code."""
    everything = ("--cached", "--others", "--exclude-standard")
    listed = subprocess.check_output(["git", "ls-files", "-z", *everything, "--", *paths], cwd=ROOT, text=True)
    rules = rules_of((ROOT / GLOSSARY).read_text(encoding="utf-8"))
    found = check(filter(None, listed.split("\0")), rules)
    for finding in found:
        print(f"{finding.file}:{finding.line}: do not write {finding.word!r}; write instead: {finding.instead}")
    if found:
        print(f"places with words that {GLOSSARY} replaces: {len(found)}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
