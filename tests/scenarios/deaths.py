"""The operator's process ends at a write: at one, or at each write of a story in turn."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterator

from scenarios.world import World
from support.cluster.memory import Died

Step = Callable[[World], None]
Tell = Callable[[World, list[Step]], Awaitable[None]]
"""Tells a story in a world, or what is left of it: the list says what the user has done already."""


@contextlib.contextmanager
def dying(world: World, write: int, after: bool) -> Iterator[None]:
    """What runs in it ends at that write (from 1), before or after its effect; if there are fewer, not at all."""
    world.cluster.die_at = (world.cluster.writes + write, after)
    try:
        with contextlib.suppress(Died):
            yield
    finally:
        world.cluster.die_at = None


async def die_at_each_write(calm: World, after: bool, fresh: Callable[[], World], tell: Tell) -> None:
    """The story, once for each write that it took in `calm`: with a death there and a new process it ends as there."""
    assert calm.cluster.writes > 0
    for write in range(1, calm.cluster.writes + 1):
        world, told = fresh(), list[Step]()
        with dying(world, write, after):
            await tell(world, told)
        await tell(world, told)
        assert world.children() == calm.children(), f"died at write {write}"
        assert sorted(world.jobs_made) == sorted(calm.jobs_made), f"died at write {write}: other builds"
