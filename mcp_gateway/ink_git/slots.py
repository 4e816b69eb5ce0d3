"""Limits git processes, in total and per workspace, so that one tenant cannot use all slots."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from weakref import WeakValueDictionary


class Busy(Exception):
    """No slot became free in time."""


class Slots:
    """Slots for processes."""

    def __init__(self, total: int, per_workspace: int, wait_seconds: float = 30) -> None:
        self._total = asyncio.Semaphore(total)
        self._per_workspace, self._wait_seconds = per_workspace, wait_seconds
        self._workspaces: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def place(self, workspace: str) -> AsyncIterator[None]:
        """Hold a slot. Raises Busy after the waiting time."""
        own = self._workspaces.setdefault(workspace, asyncio.Semaphore(self._per_workspace))
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(self._wait_seconds):
                    # The workspace's limit first: a request that waits there takes no shared slot.
                    await stack.enter_async_context(own)
                    await stack.enter_async_context(self._total)
            except TimeoutError as late:
                raise Busy from late
            yield
