"""The copy of the services: what this process wrote is in it at once, and stays."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from ink_api.inkservice import InkService
from ink_gateway.stores.mirror import Mirror


def written(version: int) -> InkService:
    """A service as the API server answered a write."""
    metadata = {"namespace": "ink-tenants", "name": "acme.default.web", "uid": "u", "resourceVersion": str(version)}
    return InkService.model_validate({"metadata": metadata, "spec": {"source": {"image": {"ref": "x"}}}})


class SlowList:
    """A list that was taken at version 99 and arrives when it is let go; nothing happens after it."""

    def __init__(self) -> None:
        self.asked, self.go = asyncio.Event(), asyncio.Event()

    async def page(self) -> tuple[list[dict[str, Any]], str]:
        self.asked.set()
        await self.go.wait()
        return [], "99"

    async def events(self, resource_version: str, seconds: int) -> AsyncIterator[dict[str, Any]]:
        await asyncio.Event().wait()
        yield {}


async def listed_after(version: int) -> InkService | None:
    """What the mirror knows of a service of that version once the list has arrived."""
    source = SlowList()
    mirror = Mirror(source)
    task = asyncio.create_task(mirror.run())
    try:
        await source.asked.wait()
        mirror.put(written(version))
        source.go.set()
        await mirror.synced()
        return mirror.get("acme.default.web")
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_list_from_before_a_write_does_not_hide_it() -> None:
    assert await listed_after(100) is not None


async def test_a_list_from_after_a_deletion_removes_it() -> None:
    assert await listed_after(98) is None
