"""Random changes, good and bad ones, end as a service that was made with the last spec would be."""

from __future__ import annotations

import difflib
import random
from contextlib import suppress

import pytest
from support.engine import CRS, IMAGE, SEED, Engine, source_of
from support.kube_api import Json, Refused
from support.waiting import eventually

STEPS, LONG = 6, 40
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
            eventually(lambda: says_newest(engine, namespace), within=60, what="it is looked at")
    engine.api.merge(path, {"spec": {"suspend": False, "mode": "Persistent", "subdomain": namespace}})
    engine.wait_ready(namespace, "shop", within=90)
    spec = engine.api.get(path)["spec"]
    fresh = engine.namespace("new")
    engine.create(fresh, "shop", **{**spec, "subdomain": fresh})
    engine.wait_ready(fresh, "shop", within=90)
    eventually(
        lambda: end_of(engine, namespace) == end_of(engine, fresh),
        within=30,
        what=f"the same as a new one of {spec}",
        state=lambda: "\n".join(difflib.unified_diff(end_of(engine, fresh), end_of(engine, namespace))),
    )


def end_of(engine: Engine, namespace: str) -> list[str]:
    return engine.children(namespace, "shop", history=False)


def says_newest(engine: Engine, namespace: str) -> bool:
    found = engine.service(namespace, "shop")
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
