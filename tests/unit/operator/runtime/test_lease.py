"""One holder at a time; a silent holder does not write, and a replaced one ends."""

import asyncio
import contextlib
import copy

import pytest
from ink_operator.core.errors import AlreadyExists, Conflict, LeaseLost, Transient
from ink_operator.core.objects import LEASE, Manifest, Ref
from ink_operator.runtime.lease import Guard, Lease

REF = Ref(LEASE, "dp-system", "ink-operator")


class Store:
    """A lease as the API server keeps it."""

    def __init__(self) -> None:
        self.live: Manifest | None = None
        self.version = 0

    async def get(self, ref: Ref) -> Manifest | None:
        return copy.deepcopy(self.live)

    async def create_unguarded(self, manifest: Manifest) -> Manifest:
        if self.live is not None:
            raise AlreadyExists
        return self._keep(manifest)

    async def replace(self, manifest: Manifest) -> Manifest:
        if self.live is None or manifest["metadata"]["resourceVersion"] != self.live["metadata"]["resourceVersion"]:
            raise Conflict("changed")
        return self._keep(manifest)

    def _keep(self, manifest: Manifest) -> Manifest:
        self.version += 1
        self.live = copy.deepcopy(manifest)
        self.live["metadata"]["resourceVersion"] = str(self.version)
        return copy.deepcopy(self.live)

    @property
    def holder(self) -> str:
        assert self.live is not None
        return str(self.live["spec"]["holderIdentity"])


def lease(store: Store, identity: str, guard: Guard | None = None, seconds: float = 0.2) -> Lease:
    return Lease(store, guard or Guard(), REF, identity, seconds)


async def test_nothing_may_be_written_before_the_lease_is_held() -> None:
    guard = Guard()
    with pytest.raises(Transient):
        guard.check()
    await lease(Store(), "a", guard, 10).acquire()
    guard.check()


async def test_a_standby_waits_while_the_holder_renews_and_takes_over_when_it_stops() -> None:
    store = Store()
    first, second = lease(store, "a"), lease(store, "b")
    await first.acquire()
    renewing = asyncio.create_task(first.keep())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.6):
            await second.acquire()
    renewing.cancel()
    async with asyncio.timeout(5):
        await second.acquire()
    assert store.holder == "b"


async def test_a_released_lease_is_taken_at_once() -> None:
    store = Store()
    first = lease(store, "a", seconds=60)
    await first.acquire()
    await first.release()
    async with asyncio.timeout(5):
        await lease(store, "b", seconds=60).acquire()


async def test_a_replaced_holder_ends_and_never_writes_again() -> None:
    store, guard = Store(), Guard()
    first = lease(store, "a", guard)
    await first.acquire()
    assert store.live is not None
    store.live["spec"]["holderIdentity"] = "b"
    store.live["metadata"]["resourceVersion"] = "other"
    with pytest.raises(LeaseLost):
        async with asyncio.timeout(5):
            await first.keep()
    with pytest.raises(LeaseLost):
        guard.check()


async def test_a_late_renewal_only_pauses_writes() -> None:
    now = 0.0
    guard = Guard(lambda: now)
    guard.hold_until(10.0)
    guard.check()
    now = 11.0
    with pytest.raises(Transient):
        guard.check()
    guard.hold_until(20.0)
    guard.check()


async def test_the_clock_of_a_dead_holder_does_not_matter() -> None:
    store = Store()
    await lease(store, "a").acquire()
    assert store.live is not None
    store.live["spec"]["renewTime"] = "2099-01-01T00:00:00.000000Z"
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(5):
            await lease(store, "b").acquire()
    assert store.holder == "b"
