"""The one error of the launcher: a sentence a person can act on."""

from __future__ import annotations


class LocalError(Exception):
    """Something the local cluster needs is not so.

    `what` says what is wrong, `seen` what was observed (may be empty), `remedy` what to do next.
    """

    def __init__(self, what: str, *, seen: str = "", remedy: str) -> None:
        self.what, self.seen, self.remedy = what, seen, remedy
        super().__init__(f"{what}{f' (seen: {seen})' if seen else ''}. To mend it: {remedy}")
