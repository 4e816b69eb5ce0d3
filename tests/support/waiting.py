"""Waiting for a condition with a deadline; the only place in the tests that lets time pass."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class NotInTime(AssertionError):
    """A condition did not come true before its deadline."""


def eventually(
    check: Callable[[], T | None],
    *,
    within: float,
    what: str,
    every: float = 0.3,
    state: Callable[[], str] | None = None,
) -> T:
    """The first truthy answer of `check`, asked every `every` seconds for at most `within` seconds.

    AssertionErrors of `check` count as "not yet". Raises NotInTime with `what` was waited for, the last answer or
    complaint, and `state()` (a dump for the reader) when the deadline passes.
    """
    deadline = time.monotonic() + within
    last: object = None
    while True:
        try:
            answer = check()
            last = answer
            if answer:
                return answer
        except AssertionError as complaint:
            last = complaint
        if time.monotonic() >= deadline:
            dump = f"\n{state()}" if state else ""
            raise NotInTime(f"not within {within:g} s: {what}; last seen: {last!r}{dump}")
        time.sleep(every)


def stays(check: Callable[[], object], *, seconds: float, what: str, every: float = 0.5) -> None:
    """Assert that `check` is truthy now and whenever it is asked during the next `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        assert check(), f"did not stay so: {what}"
        if time.monotonic() >= deadline:
            return
        time.sleep(every)
