"""How many passes run at a time: a pass that is slow, or was slow last time, takes no place of the quick ones.

A call without an answer blocks a pass until its deadline, every time; without lanes a few such objects would occupy all
workers, and all others would wait for them.
"""

from enum import Enum

SLOW_LANE_FACTOR = 6
"""So many times the slow lane's places may be taken by passes that turned slow in the quick lane."""


class Lane(Enum):
    """Where a pass has its place."""

    QUICK = "quick"
    SLOW = "slow"


class Lanes:
    """Counts places: as many of the one lane as of the other."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._busy = dict.fromkeys(Lane, 0)

    @property
    def open(self) -> tuple[Lane, ...]:
        """Lanes in which somebody may begin."""
        return tuple(lane for lane in Lane if self._busy[lane] < self._places)

    def enter(self, lane: Lane) -> None:
        """A pass begins."""
        self._busy[lane] += 1

    def leave(self, lane: Lane) -> None:
        """A pass is over."""
        self._busy[lane] -= 1

    def slow_down(self, lane: Lane) -> Lane:
        """The pass is a slow one. Returns the lane that it is in from now on.

        It may go where all places are taken, so that quick ones go on; but there is an end to that too.
        """
        if lane is Lane.SLOW or self._busy[Lane.SLOW] >= SLOW_LANE_FACTOR * self._places:
            return lane
        self.leave(lane)
        self.enter(Lane.SLOW)
        return Lane.SLOW
