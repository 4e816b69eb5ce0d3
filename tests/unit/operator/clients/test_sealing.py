"""Sealed values: keys, opening, and what is made of them."""

import base64
import json
import logging
from typing import Any

import pytest
from ink_api.sealing import ALGORITHM, ENCRYPTION, Binding, SealedValueError, header_of, plaintext_of
from ink_operator.clients.sealing import KeyRing
from ink_operator.core.errors import Transient
from ink_operator.core.objects import CONFIG_MAP, DEPLOYMENT, ROLE, ROLE_BINDING, SECRET, Ref
from joserfc import jwe
from joserfc.jwk import ECKey
from scenarios.world import World

SPACE = "ink-t-acme--shop"
ENV = Ref(SECRET, SPACE, "web-env")
TOKEN = Binding("acme", "shop", "web", "TOKEN")
VALUE = "hunter2-in-the-open"
IMAGE = {"source": {"image": {"ref": "registry.example.com/web@sha256:" + "1" * 64}}}


def public(world: World) -> list[dict[str, Any]]:
    config = world.cluster.objects[Ref(CONFIG_MAP, "dp-system", "ink-sealing")]
    keys: list[dict[str, Any]] = json.loads(config["data"]["jwks.json"])["keys"]
    return keys


def seal(world: World, binding: Binding = TOKEN, value: str = VALUE, **header: str) -> str:
    key = dict(public(world)[0])
    return jwe.encrypt_compact(
        {**header_of(key["kid"]), **header},
        plaintext_of(binding, value),
        ECKey.import_key(key),
        algorithms=[ALGORITHM, ENCRYPTION],
    )


@pytest.fixture
async def world() -> World:
    made = World(spec=IMAGE)
    await made.sealing.ensure()
    return made


def variable(sealed: str, name: str = "TOKEN") -> dict[str, Any]:
    return {"name": name, "valueFrom": {"sealed": sealed}}


async def test_it_opens_what_was_sealed_for_that_variable(world: World) -> None:
    for value in (VALUE, "", "ä\n\x01€", "x" * 32768, "\x01" * 32768):
        assert await world.sealing.unseal(seal(world, value=value), TOKEN) == value


@pytest.mark.parametrize("field", Binding._fields)
async def test_what_was_sealed_for_another_is_refused(world: World, field: str) -> None:
    with pytest.raises(SealedValueError, match="another"):
        await world.sealing.unseal(seal(world, TOKEN._replace(**{field: "other"})), TOKEN)


async def test_what_was_changed_is_refused(world: World) -> None:
    head, key, iv, text, tag = seal(world).split(".")
    other_head = seal(world).split(".")[0]
    flipped = ("A" if text[5] != "A" else "B").join((text[:5], text[6:]))
    for broken in (
        ".".join((head, key, iv, flipped, tag)),
        ".".join((other_head, key, iv, text, tag)),
        ".".join((head, key, iv, text)),
        "nonsense",
        "",
        "e30.e30.e30.e30.e30",
    ):
        with pytest.raises(SealedValueError):
            await world.sealing.unseal(broken, TOKEN)


async def test_a_key_that_is_not_ours_is_named_as_such(world: World) -> None:
    with pytest.raises(SealedValueError, match="key that this platform does not have"):
        await world.sealing.unseal(seal(world, kid="unknown"), TOKEN)


async def test_keys_are_made_once_and_their_private_part_stays(world: World) -> None:
    before = public(world)
    await KeyRing(world.cluster, "dp-system", 1).ensure()
    assert public(world) == before
    assert all(not {"d", "p", "q"} & set(key) for key in public(world))


async def test_a_further_key_seals_from_then_on_and_the_older_still_opens(world: World) -> None:
    old = seal(world)
    more = KeyRing(world.cluster, "dp-system", 2)
    await more.ensure()
    assert len(public(world)) == 2
    assert await more.unseal(old, TOKEN) == VALUE
    assert await more.unseal(seal(world), TOKEN) == VALUE


async def test_a_secret_that_the_chart_made_empty_is_filled() -> None:
    world = World(spec=IMAGE)
    meta = {"name": "sealing-keys", "namespace": "dp-system"}
    world.cluster.put({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "type": "Opaque"})
    await world.sealing.ensure()
    assert public(world)


async def test_unreadable_keys_are_left_alone() -> None:
    world = World(spec=IMAGE)
    data = {"jwks.json": base64.b64encode(b"{").decode(), "rollout-key": ""}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "sealing-keys", "namespace": "dp-system"}}
    world.cluster.put({**secret, "data": data})
    with pytest.raises(Transient, match="restore"):
        await world.sealing.ensure()
    assert world.cluster.objects[Ref(SECRET, "dp-system", "sealing-keys")]["data"] == data


def container(world: World) -> dict[str, Any]:
    template = world.of(DEPLOYMENT)[0]["spec"]["template"]
    found: dict[str, Any] = template["spec"]["containers"][0]
    return found


async def test_a_sealed_variable_reaches_the_pods_by_a_secret(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    world.change(env=[variable(seal(world))])
    await world.settle()
    assert world.condition("Ready")[0] == "True"
    secret = world.cluster.objects[ENV]
    assert secret["data"] == {"TOKEN": base64.b64encode(VALUE.encode()).decode()}
    assert secret["metadata"]["labels"]["ml.ink/owner-uid"] == world.cr()["metadata"]["uid"]
    reference = {"secretKeyRef": {"name": "web-env", "key": "TOKEN"}}
    assert {"name": "TOKEN", "valueFrom": reference} in container(world)["env"]
    others = [live for ref, live in world.cluster.objects.items() if ref != ENV]
    assert VALUE not in json.dumps(others)
    assert secret["data"]["TOKEN"] not in json.dumps(others)
    assert VALUE not in caplog.text + str(world.told)


async def test_the_gateway_may_read_that_secret_and_the_right_goes_with_it(world: World) -> None:
    world.change(env=[variable(seal(world))])
    await world.settle()
    (role,) = world.of(ROLE)
    assert role["rules"] == [
        {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["web-env"], "verbs": ["get"]}
    ]
    binding = world.cluster.objects[Ref(ROLE_BINDING, SPACE, "web-env")]
    assert [subject["name"] for subject in binding["subjects"]] == ["gateway"]
    world.change(env=None)
    await world.settle()
    assert not world.of(ROLE)
    assert ENV not in world.cluster.objects
    assert Ref(ROLE_BINDING, SPACE, "web-env") not in world.cluster.objects


async def test_a_changed_value_rolls_and_a_value_sealed_anew_does_not(world: World) -> None:
    def revision() -> str:
        return str(world.of(DEPLOYMENT)[0]["metadata"]["annotations"]["ml.ink/revision"])

    world.change(env=[variable(seal(world))])
    await world.settle()
    first = revision()
    world.change(env=[variable(seal(world))])
    await world.settle()
    assert revision() == first
    world.change(env=[variable(seal(world, value="other"))])
    await world.settle()
    assert revision() != first


async def test_a_secret_that_somebody_changed_is_set_right(world: World) -> None:
    world.change(env=[variable(seal(world))])
    await world.settle()
    live = world.cluster.objects[ENV]
    world.cluster.put({**live, "data": {"TOKEN": base64.b64encode(b"evil").decode()}})
    await world.settle()
    assert world.cluster.objects[ENV]["data"] == {"TOKEN": base64.b64encode(VALUE.encode()).decode()}


async def test_a_value_that_cannot_be_used_is_named_and_what_runs_stays(world: World) -> None:
    world.change(env=[variable(seal(world))])
    await world.settle()
    before = (world.of(DEPLOYMENT), world.cluster.objects[ENV])
    world.change(env=[variable(seal(world, TOKEN._replace(service="other"), value="stolen"))])
    await world.settle()
    assert world.condition("Ready") == ("False", "SealedValueInvalid")
    assert world.condition("Available")[0] == "True"
    assert (world.of(DEPLOYMENT), world.cluster.objects[ENV]) == before
    (ready,) = [c for c in world.status.conditions if c.type == "Ready"]
    assert "spec.env TOKEN" in ready.message
    assert "ink seal" in ready.message
    assert "stolen" not in json.dumps(world.cr())


async def test_somebody_elses_secret_of_that_name_is_not_taken_over(world: World) -> None:
    meta = {"name": "web-env", "namespace": SPACE}
    world.cluster.put({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": {"A": "eA=="}})
    world.change(env=[variable(seal(world))])
    await world.settle()
    assert world.condition("Ready") == ("False", "NameConflict")
    assert world.cluster.objects[ENV]["data"] == {"A": "eA=="}


async def test_deletion_takes_the_secret_along(world: World) -> None:
    world.change(env=[variable(seal(world))])
    await world.settle()
    live = world.cr()
    world.cluster.put(
        {**live, "metadata": {**live["metadata"], "deletionTimestamp": live["metadata"]["creationTimestamp"]}}
    )
    for _ in range(10):
        await world.run()
    assert ENV not in world.cluster.objects
