"""The API server in memory, on which every scenario rests, keeps the promises that the real one keeps."""

import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from ink_operator.core.objects import Manifest, Ref
from support.cluster.contract import PROMISES, Place
from support.cluster.memory import MemoryCluster

_numbers = itertools.count(1)


class InMemory:
    """The fake."""

    def __init__(self) -> None:
        self.cluster, self.namespace = MemoryCluster(given=("acme",)), "acme"

    async def edit(self, ref: Ref, patch: dict[str, Any], subresource: str = "") -> Manifest:
        return self.cluster.edit(ref, patch, subresource=subresource)

    async def make_namespace(self) -> str:
        name = f"acme-{next(_numbers)}"
        await self.cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        return name


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
async def test_in_memory(promise: Callable[[Place], Awaitable[None]]) -> None:
    await promise(InMemory())
