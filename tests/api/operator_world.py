"""An operator of the tests' own before a real API server, and what it makes there."""

from __future__ import annotations

from support.engine import CHILDREN, CRS
from support.engine import Engine as World
from support.waiting import stays


def settled(world: World) -> bool:
    """Whether nothing was written for two seconds."""
    world.proxy.forget()
    stays(lambda: True, seconds=2, what="time passes")
    return world.proxy.writes == []


__all__ = ["CHILDREN", "CRS", "World", "settled"]
