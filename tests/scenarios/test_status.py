"""What the status tells beside its conditions, and that telling comes to rest."""

from datetime import UTC, datetime, timedelta
from typing import Any

from ink_api.inkservice.workload import DEFAULT_CPU, DEFAULT_MEMORY
from ink_operator.core.kinds import DEPLOYMENT
from ink_operator.inkservice.facts.effective import default_requests
from ink_operator.inkservice.facts.status import COUNTS_REPORT_SECONDS, FIRST_REPORT_SECONDS
from scenarios.world import World

IMAGE = {"source": {"image": {"ref": "registry.example.com/web@sha256:" + "1" * 64}}, "replicas": 1}
PRIVATE = {"name": "feed", "port": 5000, "protocol": "TCP", "visibility": "Private"}


async def settled(**spec: Any) -> World:
    world = await World({**IMAGE, **spec}).settle()
    assert world.condition("Ready") == ("True", "Ready")
    return world


async def test_the_settings_that_count_are_shown() -> None:
    status = (await settled(health={"path": "/up"})).status
    assert status.effective is not None
    assert status.effective.to_wire() == {
        "ports": [{"name": "http", "port": 8080, "protocol": "HTTP", "visibility": "Public"}],
        "health": {
            "type": "HTTP",
            "path": "/up",
            "port": 8080,
            "interval": "5s",
            "timeout": "2s",
            "failureThreshold": 3,
            "startupGrace": "60s",
            "restartOnFailure": False,
        },
        "resources": {
            "requests": default_requests(DEFAULT_CPU, DEFAULT_MEMORY),
            "limits": {"cpu": DEFAULT_CPU, "memory": DEFAULT_MEMORY},
        },
    }
    assert status.urls == ["https://web.apps.localhost/"]


async def test_what_counts_no_longer_goes_from_the_status() -> None:
    world = await settled()
    world.change(ports=[])
    await world.settle()
    status = world.status
    assert status.effective is not None
    assert (status.effective.ports, status.effective.health, status.urls, status.url) == ([], None, None, None)


async def test_several_ports_have_one_url_and_a_private_address() -> None:
    status = (await settled(ports=[PRIVATE, {"name": "http", "port": 3000}])).status
    assert status.url == "https://web.apps.localhost/"
    assert status.private_url == "http://web.ink-t-acme--shop.svc.cluster.local:3000"


async def test_private_ports_alone_have_no_url() -> None:
    status = (await settled(ports=[PRIVATE])).status
    assert (status.url, status.urls) == (None, None)
    assert status.private_url == "tcp://web.ink-t-acme--shop.svc.cluster.local:5000"


async def test_a_health_check_of_no_port_is_refused_in_words() -> None:
    world = await World({**IMAGE, "ports": [], "health": {"path": "/up"}}).settle()
    assert world.condition("Ready") == ("False", "InvalidSpec")
    world.change(health={"port": 9000})
    await world.settle()
    assert world.condition("Ready") == ("True", "Ready")


async def test_the_number_of_pods_alone_is_told_later_while_a_revision_is_rolled_out() -> None:
    world = World({**IMAGE, "replicas": 3})
    for _ in range(4):
        await world.run()
    (deployment,) = world.of(DEPLOYMENT)
    one = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 0}
    world.cluster.put({**deployment, "status": one})
    before = world.cluster.writes
    await world.run()
    assert world.cluster.writes == before
    assert world.due is not None
    assert 0 < world.due <= COUNTS_REPORT_SECONDS
    assert world.status.replicas == 0
    long_ago = datetime.now(UTC) - timedelta(seconds=COUNTS_REPORT_SECONDS)
    world.unreported.put(world.cr()["metadata"]["uid"], long_ago, datetime.now(UTC))
    await world.run()
    assert world.status.replicas == 1
    await world.settle()
    assert (world.status.replicas, world.status.ready_replicas) == (3, 3)


async def test_while_others_wait_the_first_word_is_that_the_pods_run() -> None:
    world = World(IMAGE)
    world.is_backlogged = True
    for _ in range(4):
        await world.run()
    assert world.of(DEPLOYMENT)
    assert world.status.observed_generation == -1
    assert world.due is not None
    assert 0 < world.due <= FIRST_REPORT_SECONDS
    await world.settle()
    assert world.condition("Ready") == ("True", "Ready")
    world.change(replicas=2)
    await world.run()
    assert world.status.observed_generation == 2, "what was told before is put right at once"


async def test_the_first_word_does_not_wait_for_ever_and_a_failure_not_at_all() -> None:
    world = World(IMAGE)
    world.is_backlogged, world.pods_become_ready = True, False
    for _ in range(4):
        await world.run()
    long_ago = datetime.now(UTC) - timedelta(seconds=FIRST_REPORT_SECONDS)
    world.unreported.put(world.cr()["metadata"]["uid"], long_ago, datetime.now(UTC))
    await world.run()
    assert world.condition("Deployed") == ("Unknown", "Deploying")
    broken = World({**IMAGE, "ports": [], "health": {"path": "/up"}})
    broken.is_backlogged = True
    await broken.run()
    assert broken.condition("Ready") == ("False", "InvalidSpec")


async def test_the_number_of_pods_of_a_service_at_rest_is_told_at_once() -> None:
    world = await settled(replicas=3)
    (deployment,) = world.of(DEPLOYMENT)
    world.cluster.put({**deployment, "status": {**deployment["status"], "readyReplicas": 2}})
    await world.run()
    assert world.status.ready_replicas == 2


async def test_a_worker_is_told_of_twice_until_it_runs() -> None:
    world = World({**IMAGE, "ports": []})
    told: list[Any] = []
    for _ in range(12):
        await world.run()
        status = world.cr()["status"]
        if status["observedGeneration"] == 1 and (not told or told[-1] != status):
            told.append(status)
        if world.of(DEPLOYMENT):
            world.controllers()
    assert world.condition("Ready") == ("True", "Ready")
    # A namespace of Ink's own is set up first.
    assert len(told) == 3
    assert told[1]["revisions"][0]["created"] == told[2]["revisions"][0]["created"]
    assert told[1]["conditions"][0]["message"] == "No pod is available."
