"""What runtime/controller.py gives to every kind, shown by one that writes only observe, decide and desired."""

from __future__ import annotations

import pytest
from ink_api.conditions import find
from ink_api.inkdomain import InkDomainStatus
from ink_operator.core.errors import Transient
from ink_operator.core.kinds import CONFIG_MAP, INK_DOMAIN
from ink_operator.core.objects import Key, Ref
from scenarios.deaths import dying
from scenarios.toy_kind import PAGES, PageController
from scenarios.world import World

KEY = Key("InkDomain", "team", "shop")
DOMAIN = Ref(INK_DOMAIN, "team", "shop")
PAGE = Ref(CONFIG_MAP, PAGES, "shop")


def world_of(zone: str = "shop.example.com") -> World:
    world = World()
    world.cluster.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": PAGES, "uid": "u-0"}})
    meta = {"name": "shop", "namespace": "team", "uid": "u-1", "generation": 1, "labels": {}, "annotations": {}}
    world.cluster.put({"apiVersion": "ml.ink/v1alpha1", "kind": "InkDomain", "metadata": meta, "spec": {"zone": zone}})
    return world


async def settle(world: World) -> None:
    controller = PageController(world.ports)
    for _ in range(10):
        before = world.cluster.writes
        await controller.reconcile(KEY, 0)
        if world.cluster.writes == before:
            return
    raise AssertionError("it never rests")


def status(world: World) -> InkDomainStatus:
    return InkDomainStatus.model_validate(world.cluster.objects[DOMAIN].get("status") or {})


def condition(world: World, kind: str) -> tuple[str, str]:
    found = find(status(world).conditions, kind)
    return (found.status, found.reason) if found else ("", "")


async def test_it_becomes_ready_and_then_writes_nothing() -> None:
    world = world_of()
    await settle(world)
    assert world.cluster.objects[PAGE]["data"] == {"zone": "shop.example.com"}
    assert condition(world, "Ready") == ("True", "Ready")
    assert condition(world, "Reconciling") == ("", "")
    assert world.cluster.objects[DOMAIN]["metadata"]["finalizers"]


async def test_drift_is_corrected() -> None:
    world = world_of()
    await settle(world)
    world.cluster.edit(PAGE, {"data": {"zone": "evil.example.com"}})
    await settle(world)
    assert world.cluster.objects[PAGE]["data"] == {"zone": "shop.example.com"}


async def test_a_refusal_is_stalled_and_undoes_what_was_made() -> None:
    world = world_of()
    await settle(world)
    live = world.cluster.objects[DOMAIN]
    live["spec"], live["metadata"]["generation"] = {"zone": "shop.test"}, 2
    await settle(world)
    assert condition(world, "Ready") == ("False", "InvalidSpec")
    assert condition(world, "Stalled") == ("True", "InvalidSpec")
    assert PAGE not in world.cluster.objects


async def test_an_unreadable_spec_ends_in_a_reason_and_still_cleans_up() -> None:
    world = world_of()
    await settle(world)
    world.cluster.objects[DOMAIN]["spec"] = {"zone": 7}
    await settle(world)
    assert condition(world, "Ready") == ("False", "InvalidSpec")
    await world.cluster.delete(DOMAIN)
    await settle(world)
    assert DOMAIN not in world.cluster.objects
    assert PAGE not in world.cluster.objects


@pytest.mark.parametrize("after", [False, True])
async def test_dying_at_any_write_ends_in_the_same_objects(after: bool) -> None:
    calm = world_of()
    await settle(calm)
    for write in range(1, calm.cluster.writes + 1):
        world = world_of()
        with dying(world, write, after):
            await settle(world)
        await settle(world)
        assert world.cluster.objects.keys() == calm.cluster.objects.keys(), f"died at write {write}"
        assert condition(world, "Ready") == ("True", "Ready"), f"died at write {write}"


async def test_failures_are_reported_once_patience_is_over() -> None:
    world = world_of()
    controller = PageController(world.ports)

    async def fails(*_: object) -> None:
        raise Transient("the pages do not answer")

    controller.observe = fails  # type: ignore[method-assign, assignment]
    for failures in range(6):
        with pytest.raises(Transient):
            await controller.reconcile(KEY, failures)
        assert condition(world, "Ready")[0] == ("False" if failures >= 5 else "")


async def test_nothing_is_made_for_an_object_that_is_gone() -> None:
    world = world_of()
    await settle(world)
    del world.cluster.objects[PAGE]
    controller = PageController(world.ports)
    read = controller.observe

    async def observe_and_vanish(*args: object) -> object:
        seen = await read(*args)  # type: ignore[arg-type]
        world.cluster.objects.pop(DOMAIN)
        return seen

    controller.observe = observe_and_vanish  # type: ignore[method-assign, assignment]
    await controller.reconcile(KEY, 0)
    assert PAGE not in world.cluster.objects
