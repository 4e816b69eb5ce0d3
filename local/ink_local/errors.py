"""The one error of the launcher: a sentence a person can act on."""

from __future__ import annotations

import sys
from collections.abc import Callable


class LocalError(Exception):
    """Something the local cluster needs is not so.

    `what` says what is wrong, `seen` what was observed (may be empty), `remedy` what to do next.
    """

    def __init__(self, what: str, *, seen: str = "", remedy: str) -> None:
        self.what, self.seen, self.remedy = what, seen, remedy
        super().__init__(f"{what}{f' (seen: {seen})' if seen else ''}. To mend it: {remedy}")


def exit_code(act: Callable[[], int | None]) -> int:
    """What an entry point ends with: the answer of `act` (none is 0), or 1 with the error on standard error."""
    try:
        return act() or 0
    except LocalError as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1
