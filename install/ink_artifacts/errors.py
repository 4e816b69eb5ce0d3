"""The one error of building, installing and running a cluster here: a sentence that a person can act on."""

from __future__ import annotations

import sys
from collections.abc import Callable


class SetupError(Exception):
    """Something that this machine or a cluster needs is missing or wrong.

    `what` says what is wrong, `seen` what was observed (may be empty), `remedy` what to do next.
    """

    def __init__(self, what: str, *, seen: str = "", remedy: str) -> None:
        self.what, self.seen, self.remedy = what, seen, remedy
        super().__init__(f"{what}{f' (seen: {seen})' if seen else ''}. To fix it: {remedy}")


def exit_code(act: Callable[[], int | None]) -> int:
    """Exit code of an entry point: what `act` returns (None is 0), or 1 with the error on standard error."""
    try:
        return act() or 0
    except SetupError as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1
