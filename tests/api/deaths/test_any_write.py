"""The operator against a real API server: it converges, and survives its own death at any write."""

from __future__ import annotations

import difflib
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from support.operating.engine import BUILD_JOBS, CONVERGES_SECONDS, SEED, Engine, Surroundings, source_of
from support.operating.recording_proxy import Moment
from support.waiting import eventually

SAMPLED = 3
WRITES_AT_MOST = 60
"""More writes than this for one small service would be a fault of its own."""
Act = Callable[[Engine, str], None]


def test_a_change_of_the_spec_reaches_the_children(engine: Engine, namespace: str) -> None:
    engine.create(namespace, "shop")
    engine.wait_ready(namespace, "shop")
    engine.change(namespace, "shop", replicas=2, env=[{"name": "A", "value": "1"}])
    engine.wait_ready(namespace, "shop")
    workload = engine.deployment(namespace, "shop")
    assert workload is not None
    assert workload["spec"]["replicas"] == 2
    variables = workload["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {"name": "A", "value": "1"} in variables


@dataclass(frozen=True)
class Story:
    """What a user does to a service from a repository: what was before, what happens now, and when it is over."""

    name: str
    before: Act
    act: Act
    over: Act


def make(engine: Engine, namespace: str) -> None:
    engine.create(namespace, "shop", source=source_of("https://example.com/shop.git"))


def ready(engine: Engine, namespace: str) -> None:
    engine.wait_ready(namespace, "shop")


def made(engine: Engine, namespace: str) -> None:
    make(engine, namespace)
    ready(engine, namespace)
    engine.rest(quiet=1.0)


def change(engine: Engine, namespace: str) -> None:
    """Another host, one more port, a variable, and other settings of the build: a second build, and new pods."""
    engine.change(
        namespace,
        "shop",
        subdomain=f"{namespace}-new",
        replicas=2,
        env=[{"name": "A", "value": "1"}],
        ports=[{"name": "http", "port": 8080}, {"name": "admin", "port": 9000, "visibility": "Private"}],
        build={"pack": "Dockerfile", "dockerfile": "Dockerfile.release"},
    )


def remove(engine: Engine, namespace: str) -> None:
    engine.delete(namespace, "shop")


def gone(engine: Engine, namespace: str) -> None:
    def check() -> bool:
        engine.operator.ensure()
        return engine.service(namespace, "shop") is None

    eventually(check, within=CONVERGES_SECONDS, what="the custom resource is gone", state=engine.operator.tail)


def nothing(engine: Engine, namespace: str) -> None:
    """The service is new."""


STORIES = (
    Story("create", nothing, make, ready),
    Story("update", made, change, ready),
    Story("delete", made, remove, gone),
)


@dataclass(frozen=True)
class Calm:
    """The undisturbed run of a story: how many writes it takes, and what it leaves."""

    writes: int
    children: list[str]
    builds: int


@dataclass(frozen=True)
class Point:
    """A point of a story at which the operator dies."""

    story: Story
    write: int
    moment: Moment

    def __str__(self) -> str:
        return f"{self.story.name}, write {self.write}, {self.moment.value}"


@pytest.fixture(scope="module")
def world(around: Surroundings) -> Iterator[Engine]:
    """An operator whose lease outlasts a busy machine; its successor is told of its death."""
    with around.engine("crashing", INK_LEASE_SECONDS="10") as engine:
        yield engine


@pytest.fixture(scope="module")
def calm(world: Engine) -> dict[str, Calm]:
    """Every story as it goes when nobody dies."""
    return {story.name: undisturbed(world, story) for story in STORIES}


def undisturbed(engine: Engine, story: Story) -> Calm:
    namespace = engine.namespace("calm")
    story.before(engine, namespace)
    engine.rest(quiet=1.0)
    engine.proxy.forget()
    story.act(engine, namespace)
    story.over(engine, namespace)
    engine.rest()
    count = len(engine.proxy.writes)
    assert 0 < count <= WRITES_AT_MOST
    return Calm(count, left(engine, namespace), builds(engine, namespace))


def left(engine: Engine, namespace: str) -> list[str]:
    """The children, once Kubernetes' own garbage collection is done with those of a deleted owner."""
    return engine.children(namespace, "shop")


def builds(engine: Engine, namespace: str) -> int:
    """Builds that there are of the service."""
    jobs = engine.api.get(BUILD_JOBS)["items"]
    return sum(job["metadata"]["annotations"].get("ml.ink/owner") == f"{namespace}/shop" for job in jobs)


def points(calm: dict[str, Calm]) -> list[Point]:
    return [
        Point(story, write, moment)
        for story in STORIES
        for write in range(1, calm[story.name].writes + 1)
        for moment in Moment
    ]


def die_and_converge(engine: Engine, point: Point, expected: Calm) -> None:
    """Tell the story, end the operator at the point, start it again, and compare what came of it."""
    namespace = engine.namespace("crash")
    engine.operator.ensure()
    point.story.before(engine, namespace)
    engine.proxy.at_write(point.write, point.moment, engine.operator.kill)
    point.story.act(engine, namespace)
    # A run may take a write less than the calm one did, when two changes of the status fall together.
    eventually(
        lambda: not engine.operator.is_running or over(engine, point, namespace),
        within=CONVERGES_SECONDS,
        what=str(point),
        state=engine.operator.tail,
    )
    engine.operator.ensure()
    point.story.over(engine, namespace)
    eventually(
        lambda: left(engine, namespace) == expected.children,
        within=30,
        what=f"the same end after death at {point}",
        state=lambda: "\n".join(difflib.ndiff(expected.children, left(engine, namespace))),
    )
    assert builds(engine, namespace) == expected.builds, f"another build after death at {point}"


def over(engine: Engine, point: Point, namespace: str) -> bool:
    if point.story.over is gone:
        return engine.service(namespace, "shop") is None
    return engine.is_ready(namespace, "shop")


def test_dying_at_a_write_ends_in_the_same_cluster(world: Engine, calm: dict[str, Calm]) -> None:
    """A sample of the points, at least one of each story; `make test-full` takes them all."""
    chance = random.Random(SEED)
    all_points = points(calm)
    chosen = [chance.choice([p for p in all_points if p.story is story]) for story in STORIES]
    chosen += chance.sample([p for p in all_points if p not in chosen], SAMPLED - len(chosen))
    print(f"INK_TEST_SEED={SEED}: {', '.join(map(str, chosen))}; of {len(all_points)}")
    for point in chosen:
        die_and_converge(world, point, calm[point.story.name])


@pytest.mark.full
@pytest.mark.timeout(7200)
def test_dying_at_any_write_ends_in_the_same_cluster(world: Engine, calm: dict[str, Calm]) -> None:
    for point in points(calm):
        die_and_converge(world, point, calm[point.story.name])


def test_deletion_leaves_nothing(engine: Engine, namespace: str) -> None:
    make(engine, namespace)
    engine.wait_ready(namespace, "shop")
    remove(engine, namespace)
    engine.wait_gone(namespace, "shop")
    eventually(
        lambda: engine.children(namespace, "shop") == [] and builds(engine, namespace) == 0,
        within=60,
        what="its children are gone",
        state=lambda: "\n".join(engine.children(namespace, "shop")),
    )
