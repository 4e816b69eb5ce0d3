"""What the status tells beside its conditions, and that telling comes to rest."""

from typing import Any

from faults.world import World

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
        "resources": {"requests": {"cpu": "50m", "memory": "51Mi"}, "limits": {"cpu": "500m", "memory": "512Mi"}},
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
