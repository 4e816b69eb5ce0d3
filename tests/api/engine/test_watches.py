"""Watches that lose, repeat and reorder events, and an API server that is away: the end state is the same."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

import pytest
from support.cluster.control_plane import api_server_stopped
from support.operating.engine import DEPLOYMENTS, SEED, SERVICES, Engine, Surroundings
from support.operating.recording_proxy import BadWatches
from support.waiting import eventually, stays

RESYNC_SECONDS = 4
CONTROLLERS_BACK_OFF_SECONDS = 60
"""Kubernetes' own controllers, once they failed for long, try to watch again only after so long."""


@pytest.fixture(scope="module")
def world(around: Surroundings) -> Iterator[Engine]:
    """An operator that looks at everything every few seconds."""
    with around.engine(INK_RESYNC_SECONDS=str(RESYNC_SECONDS)) as engine:
        yield engine


def replicas(engine: Engine, namespace: str, name: str) -> int | None:
    found = engine.deployment(namespace, name)
    return None if found is None else int(found["spec"]["replicas"])


def test_lost_repeated_and_stale_events_end_in_what_the_specs_say(engine: Engine, namespace: str) -> None:
    print(f"INK_TEST_SEED={SEED}")
    chance = random.Random(SEED)
    engine.proxy.bad_watches = BadWatches(lost=0.4, twice=0.3, stale=0.3, chance=chance)
    engine.operator.stop()
    engine.operator.start()
    wanted: dict[str, int] = {}
    for number in range(4):
        engine.create(namespace, f"s{number}", subdomain=f"{namespace}-{number}")
        wanted[f"s{number}"] = 1
    for _ in range(10):
        name = chance.choice(sorted(wanted))
        wanted[name] = chance.randint(1, 4)
        engine.change(namespace, name, replicas=wanted[name])
    engine.delete(namespace, "s0")
    del wanted["s0"]
    engine.wait_all_ready(namespace, len(wanted))
    assert {name: replicas(engine, namespace, name) for name in wanted} == wanted
    eventually(lambda: engine.deployment(namespace, "s0") is None, within=30, what="the deleted one has gone")


def test_what_no_event_told_of_is_found_at_the_next_look_at_everything(engine: Engine, namespace: str) -> None:
    engine.create(namespace, "shop")
    engine.wait_ready(namespace, "shop")
    engine.proxy.bad_watches = BadWatches(lost=1.0, twice=0.0, stale=0.0, chance=random.Random(SEED))
    engine.change(namespace, "shop", replicas=3)
    engine.api.delete(f"{SERVICES.format(namespace)}/shop")
    engine.wait_ready(namespace, "shop")
    assert replicas(engine, namespace, "shop") == 3
    assert engine.api.find(f"{SERVICES.format(namespace)}/shop") is not None


def away(engine: Engine, namespace: str, seconds: float) -> None:
    """Nothing gets through for so long; meanwhile one service is new, one changed, one deleted, one broken by hand."""
    for number in range(3):
        engine.create(namespace, f"s{number}", subdomain=f"{namespace}-{number}")
    engine.wait_all_ready(namespace, 3)
    engine.proxy.cut()
    began = time.monotonic()
    engine.create(namespace, "s3", subdomain=f"{namespace}-3")
    engine.change(namespace, "s0", replicas=2)
    engine.delete(namespace, "s1")
    engine.api.delete(f"{DEPLOYMENTS.format(namespace)}/s2")
    stays(lambda: engine.service(namespace, "s1"), seconds=seconds, what="nothing gets through")
    assert time.monotonic() - began >= seconds
    engine.proxy.mend()
    wanted = {"s0": 2, "s1": None, "s2": 1, "s3": 1}
    eventually(
        lambda: {name: replicas(engine, namespace, name) for name in wanted} == wanted,
        within=45,
        what="what changed meanwhile is made up for",
        state=engine.operator.tail,
    )
    engine.wait_gone(namespace, "s1")
    engine.wait_all_ready(namespace, 3)
    assert engine.operator.is_running


def test_changes_while_the_api_server_is_out_of_reach_are_made_up_for(alone: Surroundings, namespace: str) -> None:
    """Without a resync to rely on: the operator notices by itself that it has missed something."""
    with alone.engine(INK_RESYNC_SECONDS="3600") as engine:
        away(engine, namespace, 5)


@pytest.mark.full
def test_changes_while_it_is_out_of_reach_for_a_minute_are_made_up_for(alone: Surroundings, namespace: str) -> None:
    with alone.engine(INK_RESYNC_SECONDS="3600") as engine:
        away(engine, namespace, 60)


@pytest.mark.full
def test_an_api_server_that_stands_still_for_a_minute_is_survived(alone: Surroundings, namespace: str) -> None:
    with alone.engine(INK_RESYNC_SECONDS="3600") as engine:
        engine.create(namespace, "shop")
        engine.wait_ready(namespace, "shop")
        with api_server_stopped(alone.plane, 60):
            pass
        engine.change(namespace, "shop", replicas=2)
        eventually(
            lambda: replicas(engine, namespace, "shop") == 2,
            within=60,
            what="the change reaches the Deployment",
            state=engine.operator.tail,
        )
        engine.wait_ready(namespace, "shop", within=60 + CONTROLLERS_BACK_OFF_SECONDS)
