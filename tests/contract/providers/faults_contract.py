"""What every provider promises about faults, whatever it provides: run over all calls of its port."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, TypeVar

from ink_operator.core.errors import InkError, LeaseLost, RateLimited, Transient, Unauthorized
from ink_operator.core.owner import Owner

T = TypeVar("T")
Call = Callable[[], Awaitable[Any]]
PATIENCE_SECONDS = 60.0


class Unable(Exception):
    """The check needs what cannot be done to this server. Not a failure."""


class World:
    """A provider, its server, and what others do to it. What a world cannot do raises Unable."""

    platform_key = ""
    """What the provider signs in with."""
    pause_seconds = 0.5

    def __init__(self) -> None:
        self.installation = uuid.uuid4().hex

    @property
    def reads(self) -> dict[str, Call]:
        """Every call of the port that only reads, about the thing that `writes` makes."""
        raise NotImplementedError

    @property
    def writes(self) -> dict[str, Call]:
        """Every call that writes, in an order in which each has what it needs: the first makes, the last deletes."""
        raise NotImplementedError

    async def state(self) -> object:
        """What exists outside, without passwords, serials and what changes by looking."""
        raise NotImplementedError

    async def settled(self) -> None:
        """Returns when what was begun is done."""

    def owner(self, name: str, tenant: str) -> Owner:
        """One that no other world has."""
        return Owner(self.installation, f"workspace/{tenant}", name)

    def lose_answer(self) -> None:
        """The next call that writes is done, and its answer is lost."""
        unable()

    def limit(self, retry_after_seconds: float | None) -> None:
        """The next call is one too many; None: the server does not say for how long."""
        unable()

    def revoke_key(self) -> None:
        """The platform's key is refused from now on."""
        unable()

    def restore_key(self) -> None:
        """And is accepted again."""
        unable()

    def take_away(self) -> None:
        """The server does not answer."""
        unable()

    def bring_back(self) -> None:
        """It does again."""
        unable()

    def delay_reads(self, count: int) -> None:
        """So many reads from now on show what is now."""
        unable()

    def set_lease_lost(self, lost: bool) -> None:
        """Whether this process may not write any more."""
        unable()


def unable() -> NoReturn:
    """Raises Unable."""
    raise Unable


async def until(world: World, ask: Callable[[], Awaitable[T | None]], what: str) -> T:
    """The first truthy answer; Transient counts as "not yet"."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    for _ in range(1000):
        try:
            answer = await ask()
        except Transient:
            answer = None
        if answer:
            return answer
        if time.monotonic() > deadline:
            break
        await asyncio.sleep(world.pause_seconds)
    raise AssertionError(f"not in time: {what}")


async def done(world: World, call: Call) -> None:
    """Call as a reconcile does: again after a Transient failure."""

    async def tried() -> bool:
        await call()
        return True

    await until(world, tried, "the call works")


async def refused(call: Call, kind: type[T]) -> T:
    """The error of that class which the call raises."""
    try:
        await call()
    except BaseException as error:
        if isinstance(error, kind):
            return error
        if not isinstance(error, (InkError, LeaseLost)):
            raise
        raise AssertionError(f"expected {kind.__name__}, got {type(error).__name__}: {error}") from error
    raise AssertionError(f"expected {kind.__name__}, but the call worked")


def same(before: object, after: object, what: str) -> None:
    """Fails when a state changed."""
    assert before == after, f"{what}: {before} became {after}"


class Listening(logging.Handler):
    """Everything that is logged meanwhile."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.texts.append(self.format(record))

    def __enter__(self) -> Listening:
        self._level = logging.getLogger().level
        logging.getLogger().addHandler(self)
        logging.getLogger().setLevel(logging.DEBUG)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger().removeHandler(self)
        logging.getLogger().setLevel(self._level)


async def made(world: World) -> None:
    """What the reads ask about."""
    await done(world, next(iter(world.writes.values())))
    await world.settled()


async def every_call_may_be_repeated(world: World) -> None:
    for name, call in world.writes.items():
        await done(world, call)
        await world.settled()
        once = await world.state()
        await done(world, call)
        await world.settled()
        same(once, await world.state(), f"{name} a second time")


async def work_whose_answer_is_lost_is_found_done(world: World) -> None:
    for name, call in world.writes.items():
        world.lose_answer()
        # A provider may ask again by itself; it may not take a lost answer for a refusal. A call of several requests
        # may be half done then: the next one completes it.
        with contextlib.suppress(Transient):
            await call()
        await done(world, call)
        await world.settled()
        once = await world.state()
        await done(world, call)
        await world.settled()
        same(once, await world.state(), f"{name} after a lost answer")


async def a_rate_limit_says_when_to_come_back(world: World) -> None:
    await a_call_refused_has_done_nothing(world, lambda: world.limit(7.0), lambda: None, within_rate)
    await made(world)
    for call in world.reads.values():
        world.limit(7.0)
        within_rate(await refused(call, InkError))
        world.limit(None)
        error = await refused(call, RateLimited)
        assert error.retry_after_seconds, "a rate limit without Retry-After still needs a time"
        await call()


def within_rate(error: InkError) -> None:
    """It is a RateLimited, with the server's own time."""
    assert isinstance(error, RateLimited), f"expected RateLimited, got {type(error).__name__}"
    assert 7.0 <= (error.retry_after_seconds or 0.0) < 70.0, f"come back after {error.retry_after_seconds}"


async def a_revoked_platform_key_is_for_an_administrator(world: World) -> None:
    def expected(error: InkError) -> None:
        assert isinstance(error, Unauthorized), f"expected Unauthorized, got {type(error).__name__}"
        assert world.platform_key not in f"{error} {error!r}", "the error shows the key"

    await a_call_refused_has_done_nothing(world, world.revoke_key, world.restore_key, expected)
    await made(world)
    for call in world.reads.values():
        world.revoke_key()
        expected(await refused(call, InkError))
        world.restore_key()
        await call()


async def an_outage_is_transient(world: World) -> None:
    def expected(error: InkError) -> None:
        assert isinstance(error, Transient), f"expected Transient, got {type(error).__name__}"

    await a_call_refused_has_done_nothing(world, world.take_away, world.bring_back, expected)
    await made(world)
    for call in world.reads.values():
        world.take_away()
        expected(await refused(call, InkError))
        world.bring_back()
        await call()


async def a_call_refused_has_done_nothing(
    world: World, begin: Callable[[], None], end: Callable[[], None], expected: Callable[[InkError], None]
) -> None:
    """Each call that writes: refused, nothing done; then it works."""
    for name, call in world.writes.items():
        before = await world.state()
        begin()
        expected(await refused(call, InkError))
        end()
        same(before, await world.state(), f"{name}, though refused")
        await done(world, call)
        await world.settled()


async def who_lost_the_lease_writes_nothing(world: World) -> None:
    for name, call in world.writes.items():
        before = await world.state()
        world.set_lease_lost(True)
        await refused(call, LeaseLost)
        world.set_lease_lost(False)
        same(before, await world.state(), f"{name} without the lease")
        await done(world, call)
        await world.settled()


FAULT_CHECKS: tuple[Callable[[World], Awaitable[None]], ...] = (
    every_call_may_be_repeated,
    work_whose_answer_is_lost_is_found_done,
    a_rate_limit_says_when_to_come_back,
    a_revoked_platform_key_is_for_an_administrator,
    an_outage_is_transient,
    who_lost_the_lease_writes_nothing,
)
