"""Secrets and ConfigMaps that variables come from: a change rolls the pods, and their values show nowhere."""

import base64
import json
from typing import Any

import pytest
from ink_operator.core.objects import CONFIG_MAP, DEPLOYMENT, SECRET, Manifest, Ref
from scenarios.world import World

IMAGE = {"source": {"image": {"ref": "registry.example.com/web@sha256:" + "1" * 64}}}
VALUE = "hunter2-in-the-open"
ENV = [{"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "app", "key": "token"}}}]
SECRETS = [{"secretRef": {"name": "app"}, "prefix": "APP_"}]
MAPS = [{"configMapRef": {"name": "app"}}]


def secret(world: World, **data: str) -> None:
    """What a person writes."""
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    meta = {"name": "app", "namespace": "team"}
    world.cluster.put({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": encoded})


def config_map(world: World, **data: str) -> None:
    meta = {"name": "app", "namespace": "team"}
    world.cluster.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data})


async def service(**spec: Any) -> World:
    world = World({**IMAGE, "replicas": 1, **spec}, owner="team")
    await world.sealing.ensure()
    return world


def deployment(world: World) -> Manifest:
    return world.cluster.objects[Ref(DEPLOYMENT, "team", "web")]


def revision(world: World) -> str:
    found: str = deployment(world)["metadata"]["annotations"]["ml.ink/revision"]
    return found


@pytest.mark.parametrize("spec", [{"env": ENV}, {"envFrom": SECRETS}], ids=["env", "envFrom"])
async def test_a_changed_secret_rolls_the_pods_and_a_touched_one_does_not(spec: dict[str, Any]) -> None:
    world = await service(**spec)
    secret(world, token=VALUE)
    await world.settle()
    first = revision(world)
    secret(world, token=VALUE)
    await world.settle()
    assert revision(world) == first
    secret(world, token="another")
    await world.settle()
    assert revision(world) != first
    assert world.condition("Ready") == ("True", "Ready")


async def test_a_key_that_no_variable_names_rolls_nothing() -> None:
    world = await service(env=ENV)
    secret(world, token=VALUE, other="1")
    await world.settle()
    first = revision(world)
    secret(world, token=VALUE, other="2")
    await world.settle()
    assert revision(world) == first


async def test_a_changed_config_map_rolls_the_pods() -> None:
    world = await service(envFrom=MAPS)
    config_map(world, GREETING="hello")
    await world.settle()
    first = revision(world)
    config_map(world, GREETING="goodbye")
    await world.settle()
    assert revision(world) != first


async def test_the_value_stands_nowhere_but_in_its_secret() -> None:
    world = await service(env=ENV, envFrom=SECRETS)
    secret(world, token=VALUE)
    await world.settle()
    rest = [live for ref, live in world.cluster.objects.items() if ref != Ref(SECRET, "team", "app")]
    for form in (VALUE, base64.b64encode(VALUE.encode()).decode()):
        assert form not in json.dumps(rest)


async def test_pods_take_whole_secrets_as_the_spec_says() -> None:
    world = await service(envFrom=[*SECRETS, *MAPS])
    secret(world, token=VALUE)
    config_map(world, GREETING="hello")
    await world.settle()
    (container,) = deployment(world)["spec"]["template"]["spec"]["containers"]
    assert container["envFrom"] == [{"prefix": "APP_", "secretRef": {"name": "app"}}, {"configMapRef": {"name": "app"}}]


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"env": ENV}, "spec.env TOKEN: the Secret app does not exist."),
        ({"envFrom": SECRETS}, "spec.envFrom: the Secret app does not exist."),
        ({"envFrom": MAPS}, "spec.envFrom: the ConfigMap app does not exist."),
    ],
)
async def test_what_is_missing_is_named_and_heals(spec: dict[str, Any], says: str) -> None:
    world = await (await service(**spec)).settle()
    assert world.condition("Ready") == ("False", "ConfigNotFound")
    assert says in next(c.message for c in world.status.conditions if c.type == "Ready")
    assert world.of(DEPLOYMENT) == []
    secret(world, token=VALUE)
    config_map(world, GREETING="hello")
    await world.settle()
    assert world.condition("Ready") == ("True", "Ready")


async def test_a_missing_key_is_named() -> None:
    world = await service(env=ENV)
    secret(world, other="1")
    await world.settle()
    assert "the Secret app has no key token." in next(c.message for c in world.status.conditions if c.type == "Ready")


async def test_what_runs_stays_when_its_secret_goes() -> None:
    world = await service(env=ENV)
    secret(world, token=VALUE)
    await world.settle()
    first = revision(world)
    del world.cluster.objects[Ref(SECRET, "team", "app")]
    await world.settle()
    assert world.condition("Ready") == ("False", "ConfigNotFound")
    assert world.condition("Available")[0] == "True"
    assert revision(world) == first


async def test_it_follows_what_it_names_for_as_long_as_it_names_it() -> None:
    world = await service(env=ENV, envFrom=MAPS)
    await world.settle()
    assert world.followed[world.key] == {Ref(SECRET, "team", "app"), Ref(CONFIG_MAP, "team", "app")}
    world.change(env=None)
    await world.settle()
    assert world.followed[world.key] == {Ref(CONFIG_MAP, "team", "app")}
    world.cr()["metadata"]["deletionTimestamp"] = "2099-01-01T00:00:00Z"
    await world.settle()
    assert world.followed[world.key] == frozenset()


@pytest.mark.parametrize(
    ("spec", "says"),
    [({"env": ENV}, "spec.env TOKEN: secretKeyRef"), ({"envFrom": SECRETS}, "spec.envFrom: secretRef")],
)
async def test_a_service_of_the_gateways_names_no_secret(spec: dict[str, Any], says: str) -> None:
    world = await World({**IMAGE, "replicas": 1, **spec}).settle()
    assert world.condition("Ready") == ("False", "ReferenceDenied")
    assert says in next(c.message for c in world.status.conditions if c.type == "Ready")
