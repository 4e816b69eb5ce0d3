"""How many passes run at a time: a pass that is slow, or was slow last time, uses no place of the quick ones.

A call without an answer blocks a pass until its deadline, every time. Without lanes, a few such objects would occupy
all workers, and all others would wait for them.
"""

from enum import Enum

SLOW_LANE_FACTOR = 6
"""The slow lane may hold this many times its places: the excess are passes that became slow in the quick lane."""


class Lane(Enum):
    """The lane of a pass."""

    QUICK = "quick"
    SLOW = "slow"


class Lanes:
    """Counts the places; each lane has the same number."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._busy = dict.fromkeys(Lane, 0)

    @property
    def open(self) -> tuple[Lane, ...]:
        """Lanes with a free place."""
        return tuple(lane for lane in Lane if self._busy[lane] < self._places)

    def enter(self, lane: Lane) -> None:
        """A pass starts."""
        self._busy[lane] += 1

    def leave(self, lane: Lane) -> None:
        """A pass is over."""
        self._busy[lane] -= 1

    def slow_down(self, lane: Lane) -> Lane:
        """The pass turned out to be slow. Returns its lane from now on.

        It may enter the slow lane even when that is full, so that quick passes continue, up to a limit.
        """
        if lane is Lane.SLOW or self._busy[Lane.SLOW] >= SLOW_LANE_FACTOR * self._places:
            return lane
        self.leave(lane)
        self.enter(Lane.SLOW)
        return Lane.SLOW
