"""The fake of the port `Services` keeps its promises."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from unit.gateway.services_contract import PROMISES, Place, resolution
from unit.gateway.world import FakeServices


class InMemory:
    """The fake."""

    def __init__(self) -> None:
        self.services, self.workspace, self.other = FakeServices(), "acme", "evil"

    async def status(self, name: str, **status: Any) -> None:
        await self.services.status(name, **status)

    async def elsewhere(self, namespace: str, name: str, spec: dict[str, Any], *, resolved: bool) -> None:
        metadata = {"namespace": namespace, "name": name, "generation": 1}
        await self.services.put({"metadata": metadata, "spec": spec, "status": resolution(resolved)})


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
async def test_in_memory(promise: Callable[[Place], Awaitable[None]]) -> None:
    await promise(InMemory())
