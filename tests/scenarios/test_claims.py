"""A public host that was given up: its tenant has it back at once, another tenant a day later; then the claim goes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ink_operator.core.errors import Conflict
from ink_operator.core.objects import CONFIG_MAP, INK_SERVICE, Key, Manifest, Ref
from ink_operator.inkservice.kept_claims import KEPT_MOST, claim_key, reconcile_claim
from scenarios.world import World, git_spec

IMAGE = {"source": {"image": {"ref": "registry.example.com/web@sha256:" + "1" * 64}}, "replicas": 1}
SIBLING, STRANGER = (
    Key("InkService", "ink-tenants", "acme.other.web"),
    Key("InkService", "ink-tenants", "evil.shop.web"),
)
DAY = timedelta(hours=24)


async def gave_up(**spec: Any) -> World:
    """The service is gone; its host is kept."""
    world = await World({**git_spec(), **spec}).settle()
    world.cr()["metadata"]["deletionTimestamp"] = "2099-01-01T00:00:00Z"
    for _ in range(9):
        if Ref(INK_SERVICE, world.key.namespace, world.key.name) in world.cluster.objects:
            await world.run()
            world.controllers()
    return world


def claim(world: World) -> Manifest:
    (found,) = [c for c in world.of(CONFIG_MAP) if c["metadata"]["name"].startswith("host-")]
    return found


def aged(world: World, age: timedelta) -> None:
    """It was given up so long ago."""
    live = claim(world)
    at = (datetime.now(UTC) - age).strftime("%Y-%m-%dT%H:%M:%SZ")
    live["metadata"]["annotations"]["ml.ink/released-at"] = at
    world.cluster.put(live)


async def asks(world: World, key: Key, spec: dict[str, Any] | None = None) -> tuple[str, str]:
    """Another service wants the host: what its Ready says in the end, and the message."""
    world.make(key, spec or IMAGE)
    await world.settle(key)
    (ready,) = [c for c in world.cr(key)["status"]["conditions"] if c["type"] == "Ready"]
    return ready["reason"], ready["message"]


async def look(world: World) -> float | None:
    """One look at the claim; when it wants to be looked at again."""
    key = claim_key(claim(world)["metadata"]["name"], world.settings)
    return (await reconcile_claim(key, world.ports, world.settings, datetime.now(UTC))).requeue_after_seconds


async def test_the_claim_outlives_its_service_for_a_day() -> None:
    world = await gave_up()
    kept = claim(world)
    assert kept["data"] == {"host": "web.apps.localhost", "tenant": "acme"}
    assert world.hosts() == []
    assert claim_key(kept["metadata"]["name"], world.settings) in world.awake
    writes = world.cluster.writes
    due = await look(world)
    assert due is not None
    assert 86_000 < due <= 86_400
    assert world.cluster.writes == writes


async def test_its_tenant_has_it_back_at_once() -> None:
    world = await gave_up()
    assert (await asks(world, SIBLING))[0] == "Ready"
    assert world.hosts() == ["web.apps.localhost"]
    assert "ml.ink/released-at" not in claim(world)["metadata"]["annotations"]


async def test_another_tenant_is_told_when_it_is_free() -> None:
    world = await gave_up()
    aged(world, DAY - timedelta(seconds=20))
    reason, message = await asks(world, STRANGER)
    assert reason == "HostTaken"
    free = datetime.fromisoformat(claim(world)["metadata"]["annotations"]["ml.ink/released-at"]) + DAY
    assert free.strftime("%Y-%m-%d %H:%M:%S UTC") in message
    assert "acme" not in message
    assert world.due is not None
    assert world.due <= 20


async def test_after_a_day_it_is_anybodys() -> None:
    world = await gave_up()
    aged(world, DAY)
    assert (await asks(world, STRANGER))[0] == "Ready"
    assert (claim(world)["data"]["tenant"], world.hosts()) == ("evil", ["web.apps.localhost"])


async def test_a_namespace_named_like_a_workspace_is_another_tenant() -> None:
    world = await gave_up()
    meta = {"name": "acme", "labels": {"ml.ink/managed": "true"}}
    world.cluster.put({"apiVersion": "v1", "kind": "Namespace", "metadata": meta})
    reason, _ = await asks(world, Key("InkService", "acme", "web"))
    assert reason == "HostTaken"


async def test_a_host_that_is_in_use_is_told_to_its_tenant_alone() -> None:
    world = await World(git_spec()).settle()
    assert "by the InkService ink-tenants/acme.shop.web" in (await asks(world, SIBLING))[1]
    assert "acme" not in (await asks(world, STRANGER))[1]


async def test_a_moved_service_keeps_its_old_host_and_moves_back() -> None:
    world = await World(git_spec()).settle()
    world.change(subdomain="other")
    await world.settle()
    assert world.hosts() == ["other.apps.localhost"]
    assert (await asks(world, STRANGER))[0] == "HostTaken"
    world.change(subdomain=None)
    await world.settle()
    assert world.condition("Ready")[0] == "True"
    assert world.hosts() == ["web.apps.localhost"]


async def test_of_two_that_take_it_over_one_comes_first() -> None:
    world = await gave_up()
    other = SIBLING._replace(name="acme.third.web")
    world.make(SIBLING, IMAGE)
    world.make(other, IMAGE)
    merge = world.cluster.merge_patch

    async def raced(ref: Ref, patch: dict[str, Any], **more: Any) -> Manifest | None:
        """The second service comes between the first one's read and its write."""
        if ref.kind == CONFIG_MAP:
            world.cluster.merge_patch = merge  # type: ignore[method-assign]
            await world.settle(other)
        return await merge(ref, patch, **more)

    world.cluster.merge_patch = raced  # type: ignore[method-assign]
    with pytest.raises(Conflict):
        await world.run(SIBLING)
    assert world.hosts() == ["web.apps.localhost"]
    await world.settle(SIBLING)
    reasons = {
        key.name: [c["reason"] for c in world.cr(key)["status"]["conditions"] if c["type"] == "Ready"]
        for key in (SIBLING, other)
    }
    assert reasons == {SIBLING.name: ["HostTaken"], other.name: ["Ready"]}


async def test_an_old_claim_goes() -> None:
    world = await gave_up()
    aged(world, DAY)
    await look(world)
    assert [c for c in world.of(CONFIG_MAP) if c["metadata"]["name"].startswith("host-")] == []


async def test_a_claim_of_a_vanished_service_is_given_up() -> None:
    """Somebody took its finalizer away."""
    world = await World(git_spec()).settle()
    writes = world.cluster.writes
    await look(world)
    assert world.cluster.writes == writes
    del world.cluster.objects[Ref(INK_SERVICE, world.key.namespace, world.key.name)]
    await look(world)
    assert world.hosts() == []
    assert (await asks(world, STRANGER))[0] == "HostTaken"


async def test_other_config_maps_are_none_of_its_business() -> None:
    world = World(git_spec())
    meta = {"name": "settings", "namespace": "dp-system", "annotations": {"ml.ink/released-at": "2020-01-01T00:00:00Z"}}
    world.cluster.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta})
    await reconcile_claim(claim_key("settings", world.settings), world.ports, world.settings, datetime.now(UTC))
    assert len(world.of(CONFIG_MAP)) == 1


async def test_a_tenant_keeps_only_so_many() -> None:
    """The oldest goes first, and others' count for nothing."""
    world = await gave_up()
    aged(world, timedelta(hours=2))
    oldest = claim(world)
    for number in range(KEPT_MOST):
        copy = {**oldest["metadata"], "name": f"host-{number:020x}", "uid": f"claim-{number}"}
        whose = {**copy["annotations"], "ml.ink/released-at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
        world.cluster.put({**oldest, "metadata": {**copy, "annotations": whose}})
    name = oldest["metadata"]["name"]
    key = claim_key(name, world.settings)
    await reconcile_claim(key, world.ports, world.settings, datetime.now(UTC))
    assert Ref(CONFIG_MAP, "dp-system", name) not in world.cluster.objects
    newest = claim_key(f"host-{0:020x}", world.settings)
    await reconcile_claim(newest, world.ports, world.settings, datetime.now(UTC))
    assert len([c for c in world.of(CONFIG_MAP) if c["metadata"]["name"].startswith("host-")]) == KEPT_MOST
