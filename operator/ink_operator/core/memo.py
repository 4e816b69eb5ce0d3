"""Values that are trusted for a while, to spare reads. Forgetting one costs a read, never correctness."""

from datetime import datetime, timedelta
from typing import Generic, TypeVar

T = TypeVar("T")


class Memo(Generic[T]):
    """Keyed values with an age; the caller brings the clock."""

    def __init__(self, seconds: float, most: int = 10_000) -> None:
        self._life = timedelta(seconds=seconds)
        self._most = most
        self._kept: dict[str, tuple[datetime, T]] = {}

    def get(self, key: str, now: datetime) -> T | None:
        """The value, if it is young enough."""
        kept = self._kept.get(key)
        return kept[1] if kept is not None and now - kept[0] < self._life else None

    def put(self, key: str, value: T, now: datetime) -> None:
        """Trust the value from now on."""
        while len(self._kept) >= self._most:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = (now, value)

    def clear(self) -> None:
        """Read everything anew."""
        self._kept.clear()

    def forget(self, key: str) -> None:
        """Read it anew next time."""
        self._kept.pop(key, None)
