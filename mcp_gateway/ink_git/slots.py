"""How many git processes run at once, in all and for each workspace, so that one tenant cannot take every place."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from weakref import WeakValueDictionary


class Busy(Exception):
    """No place became free in time."""


class Slots:
    """Places for processes."""

    def __init__(self, total: int, per_workspace: int, wait_seconds: float = 30) -> None:
        self._total = asyncio.Semaphore(total)
        self._per_workspace, self._wait_seconds = per_workspace, wait_seconds
        self._workspaces: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def place(self, workspace: str) -> AsyncIterator[None]:
        """Hold a place. Raises Busy after the waiting time."""
        own = self._workspaces.setdefault(workspace, asyncio.Semaphore(self._per_workspace))
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(self._wait_seconds):
                    # The tenant's own first: who waits there takes no common place.
                    await stack.enter_async_context(own)
                    await stack.enter_async_context(self._total)
            except TimeoutError as late:
                raise Busy from late
            yield
