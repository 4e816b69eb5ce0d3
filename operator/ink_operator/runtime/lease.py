"""One active operator, by a coordination.k8s.io Lease, like client-go's leader election.

A standby measures with its own clock how long the Lease has not changed, so clocks need not agree. The holder may write
for only four fifths of the duration after its last renewal, before a standby may take over. If it still holds the lease
later, it continues; if another process holds it, this process ends.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Protocol

from ink_operator.core import kinds
from ink_operator.core.errors import AlreadyExists, InkError, LeaseLost, NotRenewed
from ink_operator.core.objects import Manifest, Ref

log = logging.getLogger(__name__)
SAFE_PART = 0.8
RENEW_PART = 0.25
RENEWAL_RETRY_SECONDS = 0.2
POLL_SECONDS = 1.0


class LeaseStore(Protocol):
    """The part of the API server that the lease needs."""

    async def get(self, ref: Ref) -> Manifest | None: ...
    async def create_unguarded(self, manifest: Manifest) -> Manifest: ...
    async def replace(self, manifest: Manifest) -> Manifest: ...


class LeaseGuard:
    """Says whether this process may write. Writes of the lease itself do not ask."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until = float("-inf")
        self.lost = False

    def hold_until(self, until: float) -> None:
        """Allow writes until that time of the clock."""
        self._until = until

    def lose(self) -> None:
        """Never allow writes again."""
        self.lost = True

    def check(self) -> None:
        """Raises NotRenewed while the lease is not renewed, LeaseLost if another process holds it."""
        if self.lost:
            raise LeaseLost("another operator holds the lease")
        if self._clock() >= self._until:
            raise NotRenewed("the lease is not renewed yet", retry_after_seconds=RENEWAL_RETRY_SECONDS)


class Lease:
    """Acquires, renews and releases the lease. `identity` is unique to the process."""

    def __init__(
        self,
        store: LeaseStore,
        guard: LeaseGuard,
        ref: Ref,
        identity: str,
        seconds: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store, self._guard, self._ref = store, guard, ref
        self._identity, self._seconds = identity, seconds
        self._clock, self._sleep = clock, sleep
        self._seen: tuple[str, float] | None = None
        self._expires = float("inf")
        self._held: Manifest | None = None

    async def acquire(self) -> None:
        """Returns once this process holds the lease, at most POLL_SECONDS and three round trips after it expired."""
        while True:
            try:
                if await self._try_take():
                    log.info("holding the lease as %s", self._identity)
                    return
            except InkError as error:
                log.warning("cannot acquire the lease: %s", error)
            poll = min(POLL_SECONDS, self._seconds * RENEW_PART)
            until_expiry = self._expires - self._clock()
            await self._sleep(until_expiry if 0 < until_expiry < poll else poll)

    async def keep(self) -> None:
        """Renew until cancelled. Raises LeaseLost if another process holds it."""
        while True:
            await self._sleep(self._seconds * RENEW_PART)
            try:
                async with asyncio.timeout(max(1.0, self._seconds * RENEW_PART * 2)):
                    if not await self._try_take():
                        self._guard.lose()
                        raise LeaseLost("another operator holds the lease")
            except (InkError, TimeoutError) as error:
                self._held = None
                log.warning("cannot renew the lease: %s", error or "timeout")

    async def release(self) -> None:
        """Let a standby take over at once. Never raises: the lease also expires by itself."""
        held, self._held = self._held, None
        if held is None:
            return
        try:
            async with asyncio.timeout(2):
                await self._store.replace({**held, "spec": {**held["spec"], "holderIdentity": "", "renewTime": now()}})
        except (InkError, TimeoutError) as error:
            log.info("cannot release the lease: %s", error or "timeout")

    async def _try_take(self) -> bool:
        started = self._clock()
        live = self._held or await self._store.get(self._ref)
        if live is None:
            manifest: Manifest = {
                "apiVersion": kinds.LEASE.api_version,
                "kind": kinds.LEASE.kind,
                "metadata": {"namespace": self._ref.namespace, "name": self._ref.name},
                "spec": self._spec({}),
            }
            try:
                self._held = await self._store.create_unguarded(manifest)
            except AlreadyExists:
                return False
        else:
            if not self._may_take(live):
                return False
            try:
                self._held = await self._store.replace({**live, "spec": self._spec(live["spec"])})
            except InkError:
                self._held = None
                raise
        self._guard.hold_until(started + self._seconds * SAFE_PART)
        return True

    def _may_take(self, live: Manifest) -> bool:
        spec = live.get("spec") or {}
        if spec.get("holderIdentity") in (self._identity, "", None):
            return True
        version = live["metadata"]["resourceVersion"]
        if self._seen is None or self._seen[0] != version:
            # Counted from the answer, not the request: the holder may have renewed in between.
            self._seen = (version, self._clock())
            self._expires = self._seen[1] + float(spec.get("leaseDurationSeconds") or self._seconds)
            return False
        return self._clock() >= self._expires

    def _spec(self, old: dict[str, Any]) -> dict[str, Any]:
        taken = old.get("holderIdentity") != self._identity
        return {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": max(1, round(self._seconds)),
            "acquireTime": now() if taken else old.get("acquireTime"),
            "renewTime": now(),
            "leaseTransitions": int(old.get("leaseTransitions") or 0) + int(taken and bool(old)),
        }


def now() -> str:
    """The time as Kubernetes' MicroTime."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
