"""Values that are cached for a while, to save reads. Forgetting one costs a read, never correctness."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from ink_operator.core.objects import Manifest

T = TypeVar("T")


class Memo(Generic[T]):
    """Values by key, each with its age; the caller passes the time."""

    def __init__(self, seconds: float, limit: int = 10_000) -> None:
        self._life = timedelta(seconds=seconds)
        self._limit = limit
        self._stored: dict[str, tuple[datetime, T]] = {}

    def get(self, key: str, now: datetime) -> T | None:
        """The value, if it is not too old."""
        stored = self._stored.get(key)
        return stored[1] if stored is not None and now - stored[0] < self._life else None

    def put(self, key: str, value: T, now: datetime) -> None:
        """Store the value as of now."""
        while len(self._stored) >= self._limit:
            del self._stored[next(iter(self._stored))]
        self._stored[key] = (now, value)

    def clear(self) -> None:
        """Forget everything."""
        self._stored.clear()

    def forget(self, key: str) -> None:
        """Forget one value, so that it is read again."""
        self._stored.pop(key, None)


@dataclass(frozen=True, slots=True)
class Shared:
    """What the passes of one process share: created when it starts."""

    tenancy: Memo[tuple[str, dict[tuple[str, str], Manifest]]]
    """Namespace -> its uid and what the operator created in it, by kind and name."""
    without_env: Memo[bool]
    """Uids of services without sealed values and without an old Secret of them."""
    build_gate: AbstractAsyncContextManager[Any]
    """Held while deciding whether another build may start, so that two never take the last slot."""
