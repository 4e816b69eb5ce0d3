"""One holder at a time; a silent holder does not write, and a replaced one ends."""

import asyncio
import contextlib
import copy

import pytest
from ink_operator.core.errors import AlreadyExists, Conflict, LeaseLost, Transient
from ink_operator.core.kinds import LEASE
from ink_operator.core.objects import Manifest, Ref
from ink_operator.runtime.lease import POLL_SECONDS, Lease, LeaseGuard

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


def lease(store: Store, identity: str, guard: LeaseGuard | None = None, seconds: float = 0.2) -> Lease:
    return Lease(store, guard or LeaseGuard(), REF, identity, seconds)


async def test_nothing_may_be_written_before_the_lease_is_held() -> None:
    guard = LeaseGuard()
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
    store, guard = Store(), LeaseGuard()
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
    guard = LeaseGuard(lambda: now)
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


class Clock:
    """Time that passes when somebody sleeps or a request is answered; never by itself."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


class SlowStore(Store):
    """Each request takes the same time, half of it on the way there. The holder renews until it dies."""

    def __init__(self, clock: Clock, round_trip: float) -> None:
        super().__init__()
        self.clock, self.round_trip = clock, round_trip
        self.renewals: list[float] = []

    async def get(self, ref: Ref) -> Manifest | None:
        self.clock.now += self.round_trip / 2
        while self.renewals and self.renewals[0] <= self.clock.now:
            self.renewals.pop(0)
            assert self.live is not None
            self._keep(self.live)
        answer = await super().get(ref)
        self.clock.now += self.round_trip / 2
        return answer


@pytest.mark.parametrize("round_trip", [0.0, 0.3, 1.0, 4.0])
@pytest.mark.parametrize("last_renewal", [3.0, 3.1, 3.5, 3.99])
async def test_a_standby_takes_over_soon_after_the_lease_expired_and_never_before(
    round_trip: float, last_renewal: float
) -> None:
    clock = Clock()
    store = SlowStore(clock, round_trip)
    await lease(store, "dead", seconds=10).acquire()
    store.renewals = [0.5, last_renewal]
    await Lease(store, LeaseGuard(), REF, "standby", 10, clock=clock, sleep=clock.sleep).acquire()
    taken = clock.now - last_renewal
    assert store.holder == "standby"
    assert 10 <= taken <= 10 + POLL_SECONDS + 3 * round_trip
