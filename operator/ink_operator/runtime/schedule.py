"""Which key is due when: the queue's logic without its clock and tasks."""

import heapq
import random
from collections.abc import Callable

from ink_operator.core.objects import Key
from ink_operator.runtime.lanes import Lane

BACKOFF_FIRST_SECONDS = 0.5
BACKOFF_MAX_SECONDS = 300.0


def backoff(failures: int, spread: float, first: float = BACKOFF_FIRST_SECONDS) -> float:
    """Seconds to wait after that many failures in a row: doubling, capped; `spread` (0..1) takes off up to half."""
    whole = min(BACKOFF_MAX_SECONDS, first * 2.0 ** min(failures - 1, 20))
    return whole * (1.0 - 0.5 * spread)


class Schedule:
    """Each key at most once, never handed out twice at a time, earliest due first in its lane.

    A key that is added while it is being processed becomes due again when that ends.
    Times are seconds on the caller's clock.
    """

    def __init__(self, spread: Callable[[], float] = random.random) -> None:
        self._due: dict[Key, float] = {}
        self._heaps: dict[Lane, list[tuple[float, int, Key]]] = {lane: [] for lane in Lane}
        self._busy: set[Key] = set()
        self._failures: dict[Key, int] = {}
        self._slow: set[Key] = set()
        self._count = 0
        self._spread = spread

    def add(self, key: Key, at: float) -> None:
        """Make `key` due at that time, or earlier if it already is."""
        if key in self._due and self._due[key] <= at:
            return
        self._due[key] = at
        if key not in self._busy:
            self._push(key, at)

    def take(self, now: float, lane: Lane = Lane.QUICK) -> Key | None:
        """A due key of the lane, which is busy from now on; None if there is none."""
        self._drop_stale(lane)
        heap = self._heaps[lane]
        if not heap or heap[0][0] > now:
            return None
        _, _, key = heapq.heappop(heap)
        del self._due[key]
        self._busy.add(key)
        return key

    def done(self, key: Key) -> None:
        """Processing `key` succeeded."""
        self._failures.pop(key, None)
        self._release(key)

    def failed(self, key: Key, now: float, after: float | None = None) -> float:
        """Processing `key` failed: due again after the backoff (starting at `after` if given). Returns the seconds."""
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        wait = backoff(failures, self._spread(), BACKOFF_FIRST_SECONDS if after is None else after)
        self._busy.discard(key)
        # An event during a failing pass must not defeat the backoff: the retry sees the new state as well.
        self._due.pop(key, None)
        self.add(key, now + wait)
        return wait

    def note(self, key: Key, *, slow: bool) -> None:
        """Record whether the pass of a busy key is slow, which decides the lane of its next pass."""
        if slow:
            self._slow.add(key)
        else:
            self._slow.discard(key)

    def failures(self, key: Key) -> int:
        """Failures in a row so far."""
        return self._failures.get(key, 0)

    def next_due(self, lane: Lane = Lane.QUICK) -> float | None:
        """When the next key of the lane is due."""
        self._drop_stale(lane)
        heap = self._heaps[lane]
        return heap[0][0] if heap else None

    @property
    def waiting(self) -> int:
        """Number of keys that wait for their time or a worker."""
        return len(self._due)

    @property
    def busy(self) -> int:
        """Number of keys that are being processed."""
        return len(self._busy)

    def _release(self, key: Key) -> None:
        self._busy.discard(key)
        if key in self._due:
            self._push(key, self._due[key])

    def _push(self, key: Key, at: float) -> None:
        self._count += 1
        lane = Lane.SLOW if key in self._slow else Lane.QUICK
        heapq.heappush(self._heaps[lane], (at, self._count, key))

    def _drop_stale(self, lane: Lane) -> None:
        """An entry of a heap counts only while it is the key's current time."""
        heap = self._heaps[lane]
        while heap:
            at, _, key = heap[0]
            if key in self._busy or self._due.get(key) != at:
                heapq.heappop(heap)
            else:
                return
