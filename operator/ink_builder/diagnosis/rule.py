"""A rule: what a tool prints when something is wrong, and a message that a person can act on."""

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from ink_api.reasons import Reason

Message = str | Callable[[re.Match[str], str], str]
"""A text with the pattern's groups in braces; or a function of the match and the whole output."""


@dataclass(frozen=True)
class Rule:
    """`pattern` is searched in the whole output, its lines separated by newlines; `^` and `$` mean lines."""

    reason: Reason
    pattern: str
    words: Message
    infrastructure: bool = False
    last: bool = False
    """Take the last match, for tools that print a summary at the end."""

    @cached_property
    def regex(self) -> re.Pattern[str]:
        """The compiled pattern."""
        return re.compile(self.pattern, re.MULTILINE)

    def find(self, text: str) -> re.Match[str] | None:
        """The match that the message is made from."""
        if not self.last:
            return self.regex.search(text)
        return next(iter(deque(self.regex.finditer(text), maxlen=1)), None)

    def message(self, match: re.Match[str], text: str) -> str:
        """The message for the user."""
        if callable(self.words):
            return self.words(match, text)
        return self.words.format(**{name: value or "" for name, value in match.groupdict().items()})


def around(pattern: str, text: str, fallback: str = "") -> str:
    """The first group of `pattern`, searched in the whole output."""
    found = re.search(pattern, text, re.MULTILINE)
    return found[1] if found else fallback
