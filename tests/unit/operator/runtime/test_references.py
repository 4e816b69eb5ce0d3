"""Watching what is referred to: one watch where it is needed, none elsewhere."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from ink_operator.core.objects import CONFIG_MAP, SECRET, Key, Kind, Ref
from ink_operator.runtime.references import References

ONE, TWO = Key("InkService", "team", "one"), Key("InkService", "team", "two")
APP, OTHER = Ref(SECRET, "team", "app"), Ref(CONFIG_MAP, "team", "app")


class Source:
    """Watches that a test feeds."""

    def __init__(self) -> None:
        self.listed: list[tuple[Kind, str]] = []
        self.events: asyncio.Queue[str] = asyncio.Queue()

    async def list_version(self, kind: Kind, namespace: str, labels: str) -> str:
        self.listed.append((kind, namespace))
        return "1"

    async def watch(self, kind: Kind, namespace: str, labels: str, version: str) -> AsyncIterator[dict[str, Any]]:
        while True:
            name = await self.events.get()
            yield {"type": "MODIFIED", "object": {"metadata": {"name": name, "resourceVersion": "2"}}}


@asynccontextmanager
async def watching(source: Source, woken: list[Key]) -> AsyncIterator[References]:
    references = References(source, woken.append)
    task = asyncio.create_task(references.run())
    yield references
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def turn() -> None:
    """Let everything happen that can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_change_wakes_who_refers_to_it_and_nobody_else() -> None:
    source, woken = Source(), list[Key]()
    async with watching(source, woken) as references:
        references.follow(ONE, frozenset({APP}))
        references.follow(TWO, frozenset({Ref(SECRET, "team", "unrelated")}))
        await turn()
        woken.clear()
        source.events.put_nowait("app")
        await turn()
    assert woken == [ONE]
    assert source.listed == [(SECRET, "team")]


async def test_what_changed_before_a_watch_began_is_looked_at_once() -> None:
    source, woken = Source(), list[Key]()
    async with watching(source, woken) as references:
        references.follow(ONE, frozenset({APP}))
        await turn()
        assert woken == [ONE]
        references.follow(ONE, frozenset({APP}))
        await turn()
    assert woken == [ONE]


async def test_the_last_follower_takes_the_watch_along() -> None:
    source, woken = Source(), list[Key]()
    async with watching(source, woken) as references:
        references.follow(ONE, frozenset({APP, OTHER}))
        references.follow(TWO, frozenset({APP}))
        await turn()
        assert len(references.places) == 2
        references.follow(ONE, frozenset())
        assert len(references.places) == 1
        references.follow(TWO, frozenset())
        assert references.places == frozenset()
        await turn()
        woken.clear()
        source.events.put_nowait("app")
        await turn()
    assert woken == []
