"""Random changes, good and bad ones, end as a service that was made with the last spec would be.

Also when the operator is killed at random moments meanwhile, and the API server goes and comes back.
"""

from __future__ import annotations

import difflib
import json
import random
from contextlib import suppress

import pytest
from support.cluster.audit import AuditTail
from support.cluster.control_plane import api_server_stopped
from support.cluster.kube_api import Json, Refused
from support.operating.engine import BUILD_JOBS, CRS, IMAGE, SEED, Engine, Surroundings, source_of
from support.operating.recording_proxy import Moment
from support.waiting import eventually

STEPS, LONG = 6, 40
DEATHS, MANY_DEATHS = 2, 12
LATEST_WRITE = 15
GOOD: tuple[Json, ...] = (
    {"source": {"git": None, "image": {"ref": IMAGE}}},
    {"source": {"git": None, "image": {"ref": IMAGE[:-1] + "2"}}},
    {"source": {"image": None, **source_of("https://example.com/shop.git")}},
    {"replicas": 1},
    {"replicas": 3},
    {"ports": []},
    {"ports": [{"name": "http", "port": 8000}]},
    {
        "ports": [
            {"name": "http", "port": 8000},
            {"name": "db", "port": 5432, "protocol": "TCP", "visibility": "Private"},
        ]
    },
    {"ports": None},
    {"env": [{"name": "A", "value": "1"}, {"name": "PORT", "value": "7000"}]},
    {"env": None},
    {"command": ["run"], "args": ["--fast"]},
    {"command": None, "args": None},
    {"resources": {"limits": {"memory": "1Gi", "cpu": "0.25"}}},
    {"resources": None},
    {"health": {"type": "HTTP", "path": "/up"}},
    {"health": None},
    {"restartedAt": "monday"},
    {"suspend": True},
    {"suspend": False},
)
BAD: tuple[Json, ...] = (
    {"replicas": -1},
    {"ports": [{"name": "a", "port": 1}, {"name": "b", "port": 1}]},
    {"subdomain": "Not A Label"},
    {"mode": "OnDemand"},
    {"source": {"git": None, "image": None}},
    {"subdomain": "www"},
)
"""Some are refused by the schema, some by the operator."""


def change_and_compare(engine: Engine, chance: random.Random, steps: int) -> None:
    namespace = engine.namespace("seq")
    engine.create(namespace, "shop")
    path = f"{CRS.format(namespace)}/shop"
    for _ in range(steps):
        for spec in chance.sample(GOOD, chance.randint(1, 3)) + chance.sample(BAD, chance.randint(0, 1)):
            with suppress(Refused):
                engine.api.merge(path, {"spec": spec})
        if chance.random() < 0.3:
            eventually(lambda: says_newest(engine, namespace, "shop"), within=60, what="it is looked at")
    engine.api.merge(path, {"spec": {"suspend": False, "mode": "Persistent", "subdomain": namespace}})
    engine.wait_ready(namespace, "shop", within=90)
    same_as_new(engine, namespace, "shop")


def same_as_new(engine: Engine, namespace: str, name: str) -> None:
    """The service has become what a new one of its spec becomes."""
    spec = engine.api.get(f"{CRS.format(namespace)}/{name}")["spec"]
    fresh = engine.namespace("new")
    engine.create(fresh, name, **{**spec, "subdomain": fresh})
    engine.wait_ready(fresh, name, within=90)
    eventually(
        lambda: end_of(engine, namespace, name) == end_of(engine, fresh, name),
        within=30,
        what=f"the same as a new one of {spec}",
        state=lambda: "\n".join(difflib.unified_diff(end_of(engine, fresh, name), end_of(engine, namespace, name))),
    )
    engine.delete(fresh, name)


def end_of(engine: Engine, namespace: str, name: str) -> list[str]:
    return engine.children(namespace, name, history=False)


def says_newest(engine: Engine, namespace: str, name: str) -> bool:
    found = engine.service(namespace, name)
    assert found is not None
    seen: int = found["status"]["observedGeneration"]
    return seen == found["metadata"]["generation"]


def test_random_changes_end_as_a_new_service_would_be(engine: Engine) -> None:
    print(f"INK_TEST_SEED={SEED}")
    change_and_compare(engine, random.Random(SEED), STEPS)


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_many_random_changes_end_as_a_new_service_would_be(engine: Engine) -> None:
    for number in range(10):
        print(f"INK_TEST_SEED={SEED}, {number}")
        change_and_compare(engine, random.Random(f"{SEED} {number}"), LONG)


def spaces_of(engine: Engine, pairs: int) -> dict[str, str]:
    """Service -> namespace, for so many services of an image and of a repository."""
    names = [f"{kind}-{number}" for kind in ("given", "built") for number in range(pairs)]
    spaces = {name: engine.namespace("dies") for name in names}
    for name, space in spaces.items():
        source = source_of(f"https://example.com/{name}.git") if name.startswith("built") else {"image": {"ref": IMAGE}}
        engine.create(space, name, source=source)
    return spaces


def disturb(engine: Engine, spaces: dict[str, str], chance: random.Random) -> None:
    """Change several services at once, and kill the operator at one of the writes that follow."""
    moment, write = chance.choice(list(Moment)), chance.randint(1, LATEST_WRITE)
    engine.proxy.at_write(write, moment, engine.operator.kill)
    # What is built in is left out: it asks for another build.
    changes = [spec for spec in GOOD if not spec.keys() & {"source", "command"}]
    for name, space in chance.sample(sorted(spaces.items()), chance.randint(1, len(spaces))):
        for spec in chance.sample(changes, chance.randint(1, 3)) + chance.sample(BAD, chance.randint(0, 1)):
            with suppress(Refused):
                engine.api.merge(f"{CRS.format(space)}/{name}", {"spec": spec})
    eventually(
        lambda: not engine.operator.is_running or all(says_newest(engine, s, n) for n, s in spaces.items()),
        within=60,
        what=f"it dies at write {write}, or has no so many to make",
        every=0.05,
        state=engine.operator.tail,
    )
    engine.proxy.disarm()
    engine.operator.ensure()


def die_at_random(engine: Engine, around: Surroundings, chance: random.Random, deaths: int, pairs: int) -> None:
    audit = AuditTail(around.plane.audit_log)
    spaces = spaces_of(engine, pairs)
    away = chance.randint(1, deaths - 1)
    for number in range(deaths):
        if number == away:
            with api_server_stopped(around.plane, 0):
                pass
        disturb(engine, spaces, chance)
    settled: Json = {"suspend": False, "mode": "Persistent"}
    for name, space in spaces.items():
        engine.api.merge(f"{CRS.format(space)}/{name}", {"spec": {**settled, "subdomain": space}})
    for name, space in spaces.items():
        engine.wait_ready(space, name, within=120)
    built = sorted({write.name for write in audit.writes() if write.resource == "jobs" and write.verb == "create"})
    assert len(built) == pairs, f"each was built once: {built}"
    for name, space in spaces.items():
        same_as_new(engine, space, name)
        engine.delete(space, name)
    for name, space in spaces.items():
        engine.wait_gone(space, name)
        eventually(
            lambda name=name, space=space: nothing_left(engine, space, name),
            within=60,
            what=f"nothing is left of {name}",
            state=lambda name=name, space=space: "\n".join(engine.children(space, name)),
        )


def nothing_left(engine: Engine, namespace: str, name: str) -> bool:
    builds = engine.api.get(BUILD_JOBS)["items"]
    return engine.children(namespace, name) == [] and f"{namespace}/{name}" not in json.dumps(builds)


def test_death_at_a_random_moment_of_random_changes_leaves_no_trace(engine: Engine, around: Surroundings) -> None:
    print(f"INK_TEST_SEED={SEED}")
    die_at_random(engine, around, random.Random(SEED), DEATHS, 1)


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_many_deaths_at_random_moments_leave_no_trace(engine: Engine, around: Surroundings) -> None:
    for number in range(5):
        print(f"INK_TEST_SEED={SEED}, {number}")
        die_at_random(engine, around, random.Random(f"{SEED} {number}"), MANY_DEATHS, 3)
