"""When the registry is asked for verdicts of running builds, and what is believed of the answers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from ink_operator.clients.verdicts import EACH_SECONDS, FIRST_SECONDS, UNASKED_SECONDS, KeptVerdicts
from ink_operator.core.errors import Transient
from ink_operator.core.objects import Key

KEY, REPOSITORY, UID = Key("InkService", "ink-tenants", "acme.shop.web"), "acme/shop/web", "u-1"


class House:
    """A registry, a queue and a clock."""

    behind = False

    def __init__(self) -> None:
        self.now = 100.0
        self.logs: dict[tuple[str, str], dict[str, Any]] = {}
        self.asked: list[tuple[str, str]] = []
        self.answers, self.broken = True, ""
        self.awake: list[Key] = []
        self.woken = asyncio.Event()
        self.verdicts = KeptVerdicts(self, self, lambda: self.now)

    async def annotations(self, repository: str, tag: str) -> dict[str, Any] | None:
        self.asked.append((repository, tag))
        if tag == self.broken:
            raise ValueError("surprise")
        if not self.answers:
            raise Transient("the registry does not answer")
        return self.logs.get((repository, tag))

    def add(self, key: Key, after_seconds: float = 0.0) -> None:
        self.awake.append(key)
        self.woken.set()

    def told(self, build: str = "b-x-1", uid: str = UID) -> str:
        return self.verdicts.told(KEY, REPOSITORY, build, uid)

    async def later(self, seconds: float) -> None:
        self.now += seconds
        await self.verdicts.look()

    def leave(self, uid: str = UID, **notes: Any) -> None:
        self.logs[REPOSITORY, "log-b-x-1"] = {"ml.ink/job-uid": uid, **notes}


@pytest.fixture
def house() -> House:
    return House()


async def test_a_verdict_wakes_its_service_once(house: House) -> None:
    assert house.told() == ""
    await house.later(FIRST_SECONDS / 2)
    assert house.asked == []
    await house.later(FIRST_SECONDS)
    assert house.asked == [(REPOSITORY, "log-b-x-1")]
    assert house.awake == []
    house.leave(**{"ml.ink/verdict": "good"})
    await house.later(EACH_SECONDS)
    assert house.awake == [KEY]
    assert house.told() == "good"
    await house.later(60)
    assert len(house.asked) == 2


@pytest.mark.parametrize("notes", [{}, {"ml.ink/verdict": ""}])
async def test_a_log_without_a_verdict_is_not_asked_for_again(house: House, notes: dict[str, Any]) -> None:
    house.told()
    house.leave(**notes)
    await house.later(FIRST_SECONDS)
    await house.later(10)
    assert (len(house.asked), house.awake, house.told()) == (1, [], "")


async def test_the_log_of_another_job_of_this_name_is_not_believed(house: House) -> None:
    house.told()
    house.leave(uid="u-0", **{"ml.ink/verdict": "old"})
    await house.later(FIRST_SECONDS)
    assert (house.told(), house.awake) == ("", [])
    house.leave(**{"ml.ink/verdict": "new"})
    await house.later(EACH_SECONDS)
    assert (house.told(), house.awake) == ("new", [KEY])


async def test_a_registry_that_is_silent_is_asked_again(house: House) -> None:
    house.told()
    house.leave(**{"ml.ink/verdict": "good"})
    house.answers = False
    await house.later(FIRST_SECONDS)
    assert house.told() == ""
    house.answers = True
    await house.later(1)
    assert house.told() == "good"


async def test_an_answer_that_breaks_us_is_given_up_and_the_others_go_on(house: House) -> None:
    house.told()
    house.told("b-y-1", "u-2")
    house.broken = "log-b-x-1"
    house.logs[REPOSITORY, "log-b-y-1"] = {"ml.ink/job-uid": "u-2", "ml.ink/verdict": "good"}
    await house.later(FIRST_SECONDS)
    await house.later(1)
    assert house.told("b-y-1", "u-2") == "good"
    assert house.asked.count((REPOSITORY, "log-b-x-1")) == 1


async def test_a_long_build_is_looked_at_more_and_more_seldom(house: House) -> None:
    counts = []
    for _ in range(3):
        before = len(house.asked)
        for _ in range(600):
            house.told()
            await house.later(0.1)
        counts.append(len(house.asked) - before)
    assert counts[0] <= 90
    assert counts[0] > 4 * counts[1] > 4 * counts[2] > 0


async def test_many_builds_share_the_looks_of_one(house: House) -> None:
    for number in range(20):
        house.told(f"b-x-{number}", f"u-{number}")
    await house.later(FIRST_SECONDS)
    house.asked.clear()
    for _ in range(30):
        await house.later(0.1)
    assert len(house.asked) <= 3 / EACH_SECONDS


async def test_a_build_that_nobody_asks_for_is_forgotten(house: House) -> None:
    house.told()
    await house.later(UNASKED_SECONDS - 1)
    asked = len(house.asked)
    assert asked > 0
    await house.later(2)
    await house.later(2)
    assert len(house.asked) == asked


async def test_it_sleeps_while_there_is_nothing_to_look_for() -> None:
    house = House()
    house.verdicts = KeptVerdicts(house, house)
    running = asyncio.create_task(house.verdicts.run())
    await asyncio.sleep(0)
    house.leave(**{"ml.ink/verdict": "good"})
    house.told()
    async with asyncio.timeout(10):
        await house.woken.wait()
    assert house.told() == "good"
    running.cancel()
