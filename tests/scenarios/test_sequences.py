"""Whatever somebody did to a service before: what it ends as is what a new one with that spec would be."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ink_operator.core.objects import DEPLOYMENT, INGRESS, INK_SERVICE, ROLE_BINDING, SERVICE, Manifest
from scenarios.world import World, git_spec

IMAGE = "registry.example.com/shop@sha256:" + "1" * 64
GIT = git_spec()["source"]
NAMES = st.sampled_from(["A", "B", "PORT"])
NOTHING = st.none()

VALID: dict[str, st.SearchStrategy[Any]] = {
    "source": st.sampled_from(
        [GIT, {"git": None, "image": {"ref": IMAGE}}, {"git": None, "image": {"ref": IMAGE[:-1] + "2"}}]
    ),
    "replicas": st.integers(0, 3),
    "suspend": st.booleans(),
    "subdomain": NOTHING | st.sampled_from(["web", "shop-two"]),
    "ports": NOTHING
    | st.sampled_from(
        [
            [],
            [{"name": "http", "port": 8000}],
            [{"name": "db", "port": 5432, "protocol": "TCP", "visibility": "Private"}],
        ]
    ),
    "env": NOTHING
    | st.lists(
        st.builds(lambda n, v: {"name": n, "value": v}, NAMES, st.text("xyz", max_size=3)),
        unique_by=lambda e: e["name"],
    ),
    "command": NOTHING | st.just(["run"]),
    "args": NOTHING | st.sampled_from([["a"], ["a", "b"]]),
    "resources": NOTHING | st.sampled_from([{"limits": {"memory": "1Gi"}}, {"requests": {"cpu": "0.5"}}]),
    "health": NOTHING | st.just({"type": "HTTP", "path": "/up"}),
    "restartedAt": NOTHING | st.sampled_from(["monday", "friday"]),
}
INVALID: tuple[dict[str, Any], ...] = (
    {"health": {"type": "Telepathy"}},
    {"mode": "OnDemand"},
    {"subdomain": "www"},
    {"env": [{"name": "S", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]},
    {"volumes": [{"name": "v", "mountPath": "/v", "size": "1Gi"}]},
)
UNDO: dict[str, Any] = {"health": None, "mode": None, "subdomain": None, "env": None, "volumes": None}
"""Takes every invalid change back."""

change = st.sampled_from(sorted(VALID)).flatmap(lambda name: VALID[name].map(lambda value: {name: value}))
step = st.one_of(change, change, st.sampled_from(INVALID))


def without_life(live: Manifest) -> str:
    """The object, without its uid and without the order of things."""
    meta = live["metadata"]
    kept = {key: value for key, value in live.items() if key not in ("metadata", "status")}
    text = json.dumps([meta.get("labels"), meta.get("annotations"), kept], sort_keys=True)
    return re.sub(r'"ml.ink/applied": "[0-9a-f]+"', "", text)


def end(world: World) -> dict[str, str]:
    """What runs and what is open to the world."""
    kinds = (DEPLOYMENT, SERVICE, INGRESS, ROLE_BINDING)
    found = {f"{kind.kind} {o['metadata']['name']}": without_life(o) for kind in kinds for o in world.of(kind)}
    return {**found, "claims": ",".join(world.hosts())}


async def told(steps: list[dict[str, Any]], rests: list[bool]) -> None:
    world = await World().settle()
    for one, rest in zip(steps, rests, strict=False):
        world.change(**one)
        if rest:
            await world.settle()
    world.change(**UNDO)
    await world.settle()
    fresh = World(json.loads(json.dumps(world.cr(world.key)["spec"])))
    await fresh.settle()
    wanted = fresh.cr()["spec"]
    assert world.cr()["spec"] == wanted
    if wanted.get("suspend") or wanted["replicas"] == 0:
        # A service that has never run has no Deployment; one that has keeps it, at zero.
        assert all(o["spec"]["replicas"] == 0 for o in world.of(DEPLOYMENT))
        return
    assert end(world) == end(fresh)
    assert world.condition("Ready") == fresh.condition("Ready") == ("True", "Ready")
    assert len(world.of(INK_SERVICE)) == 1


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
@given(st.lists(step, min_size=1, max_size=8), st.lists(st.booleans(), min_size=8, max_size=8))
def test_any_changes_end_as_a_fresh_service_of_the_same_spec(steps: list[dict[str, Any]], rests: list[bool]) -> None:
    asyncio.run(told(steps, rests))
