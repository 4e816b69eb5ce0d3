"""Passes that read what the watches saw, while their events come late, twice, out of turn, or not at all."""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ink_operator.clients.cached import CachedCluster
from ink_operator.core.errors import InkError
from ink_operator.core.kinds import DEPLOYMENT, INK_SERVICE, NAMESPACE, SERVICE
from ink_operator.core.object_cache import ObjectCache
from ink_operator.core.objects import Manifest, Ref
from ink_operator.core.selectors import matches
from ink_operator.ports import Ports
from ink_operator.triggers.watches import cached_scopes
from scenarios.test_sequences import UNDO, end, step
from scenarios.world import World
from support.cluster.memory import copied

IMAGE = {"image": {"ref": "registry.example.com/shop@sha256:" + "1" * 64}}


class Told(dict[Ref, Manifest]):
    """Objects that tell of their changes as watches do."""

    def __init__(self, world: LateWorld, objects: dict[Ref, Manifest]) -> None:
        super().__init__(objects)
        self.world = world

    def __setitem__(self, ref: Ref, live: Manifest) -> None:
        super().__setitem__(ref, live)
        self.world.tell("MODIFIED", ref, live)

    def __delitem__(self, ref: Ref) -> None:
        live = copied(self[ref])
        super().__delitem__(ref)
        cluster = self.world.cluster
        cluster.version += 1
        live["metadata"]["resourceVersion"] = str(cluster.version)
        self.world.tell("DELETED", ref, live)


class LateWorld(World):
    """A world whose operator reads from a store that chance keeps behind."""

    def __init__(self, seed: int, spec: dict[str, Any] | None = None, **more: Any) -> None:
        super().__init__(spec, **more)
        self.chance = random.Random(seed)
        self.coming: list[tuple[str, Ref, Manifest]] = []
        self.cache = ObjectCache(cached_scopes(self.settings))
        self.cluster.objects = Told(self, self.cluster.objects)
        self.resync()

    @property
    def ports(self) -> Ports:
        return replace(super().ports, cluster=CachedCluster(self.cluster, self.cache))

    def tell(self, event_type: str, ref: Ref, live: Manifest) -> None:
        fate = self.chance.random()
        if fate < 0.1:
            return
        self.coming += [(event_type, ref, copied(live))] * (2 if fate > 0.8 else 1)

    def deliver(self) -> None:
        """Some of the news. Kinds do not wait for each other; the events of one kind come in their order."""
        for kind in {ref.kind for _, ref, _ in self.coming}:
            mine = [one for one in self.coming if one[1].kind == kind]
            arrive = mine[: self.chance.randint(0, len(mine))]
            for one in arrive:
                self.coming.remove(one)
                event_type, ref, live = one
                scope = self.cache.scope_of(ref.kind, ref.namespace)
                if scope is None:
                    continue
                # A watch with a selector never tells of an object without the labels, but says that it left.
                selected = matches(live["metadata"].get("labels") or {}, scope.labels)
                if selected or self.cache.get(ref) is not None:
                    self.cache.on_event(event_type if selected else "DELETED", live, ref.kind)

    def resync(self) -> None:
        """The resync."""
        for scope in self.cache.scopes:
            found = {
                ref: live
                for ref, live in self.cluster.objects.items()
                if ref.kind == scope.kind
                and scope.namespace in ("", ref.namespace)
                and matches(live["metadata"].get("labels") or {}, scope.labels)
            }
            for live in found.values():
                self.cache.record(live, scope.kind)
            self.cache.mark_synced(scope, frozenset(found), self.cluster.version, self.cache.gaps(scope))

    async def live_on(self, passes: int) -> None:
        """Passes, controllers and news in any order."""
        for _ in range(passes):
            self.deliver()
            try:
                await self.run()
            except InkError:
                continue
            finally:
                self.controllers()

    async def come_to_rest(self) -> None:
        """Nothing is told any more but by the resync."""
        failed = False
        for _ in range(40):
            if not failed:
                self.resync()
            before = self.cluster.writes
            failed = False
            try:
                await self.run()
            except InkError:
                failed = True
            if not self.controllers() and self.cluster.writes == before and not failed:
                return
        raise AssertionError(f"not settled: {self.status.to_wire()}")


async def told(seed: int, steps: list[dict[str, Any]]) -> None:
    world = LateWorld(seed)
    for one in steps:
        world.change(**one)
        await world.live_on(world.chance.randint(0, 6))
    world.change(**UNDO)
    await world.live_on(3)
    await world.come_to_rest()
    fresh = World(json.loads(json.dumps(world.cr()["spec"])))
    await fresh.settle()
    if world.cr()["spec"].get("suspend") or world.cr()["spec"]["replicas"] == 0:
        assert all(o["spec"]["replicas"] == 0 for o in world.of(DEPLOYMENT))
        return
    assert end(world) == end(fresh)
    assert world.condition("Ready") == fresh.condition("Ready") == ("True", "Ready")
    assert len(world.jobs_made) == len(set(world.jobs_made))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
@given(st.integers(0, 10**6), st.lists(step, min_size=1, max_size=6))
def test_late_lost_and_repeated_news_change_nothing_in_the_end(seed: int, steps: list[dict[str, Any]]) -> None:
    asyncio.run(told(seed, steps))


async def test_what_no_watch_tells_of_is_not_taken_over() -> None:
    world = LateWorld(1, {"source": IMAGE}, owner="shop")
    foreign = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "shop", "uid": "theirs", "labels": {"app": "theirs"}},
        "spec": {"selector": {"app": "theirs"}},
    }
    world.cluster.put(foreign)
    await world.come_to_rest()
    assert world.condition("Ready") == ("False", "NameConflict")
    (theirs,) = world.of(SERVICE)
    assert theirs["metadata"]["uid"] == "theirs"
    assert theirs["spec"] == {"selector": {"app": "theirs"}}
    assert theirs["metadata"]["labels"] == {"app": "theirs"}


@pytest.mark.parametrize("held", [True, False], ids=["past its finalizer", "before its finalizer"])
async def test_nothing_is_made_for_a_service_that_is_gone_without_a_word(*, held: bool) -> None:
    world = LateWorld(1, {"source": IMAGE})
    if held:
        await world.come_to_rest()
        world.change(replicas=3)
        for deployment in [ref for ref in world.cluster.objects if ref.kind == DEPLOYMENT]:
            del world.cluster.objects[deployment]
        world.resync()
    del world.cluster.objects[next(ref for ref in world.cluster.objects if ref.kind == INK_SERVICE)]
    world.coming.clear()
    assert world.cache.get(Ref(INK_SERVICE, world.key.namespace, world.key.name)) is not None
    await world.run()
    assert world.of(DEPLOYMENT) == []
    assert world.of(NAMESPACE) == [] or held


async def test_a_settled_service_costs_no_read() -> None:
    world = LateWorld(1, {"source": IMAGE})
    await world.come_to_rest()
    world.resync()
    asked: list[Ref] = []
    get = world.cluster.get

    async def counted(ref: Ref) -> Manifest | None:
        asked.append(ref)
        return await get(ref)

    world.cluster.get = counted  # type: ignore[method-assign]
    await world.run()
    assert [ref for ref in asked if world.cache.scope_of(ref.kind, ref.namespace)] == []
    assert Ref(SERVICE, "ink-t-acme--shop", "web") not in asked
