"""The path patterns of .dockerignore and of COPY sources, as BuildKit's daemon means them.

`*` and `?` stay within a path component, `**` crosses components, `[…]` is a class, `!` at the front reverses. A
pattern matches a path when it matches the path itself or a directory above it; the last pattern that applies wins.
"""

import posixpath
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

_WILD = frozenset("*[]?^\\")

Parent = tuple[bool, ...]
"""What each pattern said about the parent directory; empty at the root."""


@dataclass(frozen=True)
class Pattern:
    """One cleaned pattern; `negated` when it was written with `!`."""

    text: str
    negated: bool

    @cached_property
    def regex(self) -> re.Pattern[str]:
        """The pattern as an expression for whole paths."""
        return re.compile(_translate(self.text), re.DOTALL)

    @property
    def fixed_prefix(self) -> str | None:
        """The path under which everything that matches lies, or None when wildcards make that unknown."""
        text = self.text.removesuffix("/**").removesuffix("/*")
        return None if _WILD & set(text) else text


def parse(patterns: Iterable[str]) -> tuple[Pattern, ...]:
    """Clean patterns; empty ones are dropped."""
    result = []
    for raw in patterns:
        text = raw.strip()
        if not text:
            continue
        text = posixpath.normpath(text)
        negated = text.startswith("!")
        result.append(Pattern(text[1:] if negated else text, negated))
    return tuple(result)


def match(patterns: Sequence[Pattern], path: str, parent: Parent) -> tuple[bool, Parent]:
    """Whether `path` is matched, and what to hand to its children.

    A pattern that cannot change the outcome at a level is not asked there, and counts as not matching for the children.
    """
    matched = False
    seen = []
    for number, pattern in enumerate(patterns):
        hit = bool(parent) and parent[number]
        if not hit and pattern.negated == matched:
            hit = pattern.regex.fullmatch(path) is not None
        seen.append(hit)
        if hit:
            matched = not pattern.negated
    return matched, tuple(seen)


def may_match_below(patterns: Sequence[Pattern], directory: str) -> bool:
    """Whether a not negated pattern could match something inside `directory` that does not match itself."""
    for pattern in patterns:
        if pattern.negated:
            continue
        prefix = pattern.fixed_prefix
        if prefix is None or f"{prefix}/".startswith(f"{directory}/"):
            return True
    return False


def is_wild(component: str) -> bool:
    """Whether a path component holds an unescaped wildcard."""
    return re.search(r"(?:^|[^\\])(?:\\\\)*[*?\[]", component) is not None


def _translate(text: str) -> str:
    out, at = [], 0
    while at < len(text):
        char = text[at]
        at += 1
        if char == "*" and text[at : at + 1] == "*":
            at += 1
            if text[at : at + 1] == "/":
                at += 1
            out.append(".*" if at == len(text) else "(?:.*/)?")
        elif char == "*":
            out.append("[^/]*")
        elif char == "?":
            out.append("[^/]")
        elif char == "\\" and at < len(text):
            out.append(re.escape(text[at]))
            at += 1
        elif char == "[" and (end := _class_end(text, at)) > 0:
            out.append(_class(text[at:end]))
            at = end + 1
        else:
            out.append(re.escape(char))
    return "".join(out)


def _class_end(text: str, start: int) -> int:
    """The index of the bracket that closes the class whose content begins at `start`; -1 when nothing closes it."""
    at = start + (text[start : start + 1] == "^")
    first = at
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == "]" and at > first:
            return at
        at += 1
    return -1


def _class(content: str) -> str:
    negation = "^" if content.startswith("^") else ""
    body = re.sub(r"(?<!\\)([\[&~|])", r"\\\1", content.removeprefix("^"))
    return f"[{negation}{body}]"
