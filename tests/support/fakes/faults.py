"""What goes wrong between a provider and its server, and how a provider reports it."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ink_operator.core.errors import (
    InkError,
    LeaseLost,
    Missing,
    OverQuota,
    RateLimited,
    Rejected,
    Transient,
    Unauthorized,
)

S = TypeVar("S")
T = TypeVar("T")
PLATFORM_KEY = "platform-key-of-the-fake"
RETRY_SECONDS = 5.0


@dataclass
class Answer(Exception):
    """An answer of a server that is not a success."""

    status: int
    text: str = ""
    retry_after: float | None = None


class NoAnswer(Exception):
    """The connection ended before an answer came."""


@dataclass
class Line(Generic[S]):
    """The line to a server with the state `rows`; faults happen to the calls that come next."""

    rows: S
    key: str = PLATFORM_KEY
    away: bool = False
    limited: list[float | None] = field(default_factory=list)
    """Retry-After of the next calls; None: the header is absent."""
    lost: int = 0
    """So many calls that write are done, and their answers are lost."""
    stale: int = 0
    """So many reads see `before`."""
    before: S | None = None

    def delay(self, reads: int) -> None:
        """So many reads from now on see what is now."""
        self.before, self.stale = copy.deepcopy(self.rows), reads

    async def read(self, key: str, work: Callable[[S], T]) -> T:
        """What `work` finds."""
        await self._arrive(key)
        if self.stale and self.before is not None:
            self.stale -= 1
            return work(self.before)
        return work(self.rows)

    async def write(self, key: str, work: Callable[[S], T]) -> T:
        """What `work` answers; whether it arrives is another matter."""
        await self._arrive(key)
        answer = work(self.rows)
        if self.lost:
            self.lost -= 1
            raise NoAnswer
        return answer

    async def _arrive(self, key: str) -> None:
        await asyncio.sleep(0)
        if self.away:
            raise NoAnswer
        if key != self.key:
            raise Answer(401, "invalid token")
        if self.limited:
            raise Answer(429, "too many requests", self.limited.pop(0))


def as_ours(error: Exception, what: str) -> InkError:
    """A server's failure as one of core/errors.py."""
    if not isinstance(error, Answer):
        return Transient(f"{what}: no answer")
    text = f"{what}: {error.text or error.status}"
    if error.status == 401:
        return Unauthorized(text)
    if error.status == 402:
        return OverQuota(text)
    if error.status == 404:
        return Missing(text)
    if error.status == 422:
        return Rejected(text)
    if error.status == 429:
        return RateLimited(text, retry_after_seconds=error.retry_after or RETRY_SECONDS)
    return Transient(text)


class Guard:
    """Implements ports.WriteGuard."""

    def __init__(self) -> None:
        self.lost = False

    def check(self) -> None:
        """Raises LeaseLost once `lost` is set."""
        if self.lost:
            raise LeaseLost
