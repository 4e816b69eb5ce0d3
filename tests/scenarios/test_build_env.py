"""Variables of a build that come from elsewhere: they reach the builder alone, and a change of one builds anew."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from ink_api.sealing import Binding
from ink_operator.core.kinds import DEPLOYMENT, JOB, SECRET
from ink_operator.core.objects import Manifest, Ref
from scenarios.deaths import dying
from scenarios.world import World
from unit.operator.clients.test_sealing import seal

GIT = {"source": {"git": {"url": "https://git.example.com/team/web.git", "branch": "main"}}, "replicas": 1}
VALUE = "hunter2-in-the-open"
REFERRED = {"name": "NPM_TOKEN", "valueFrom": {"secretKeyRef": {"name": "npm", "key": "token"}}}
PLAIN = {"name": "MODE", "value": "fast"}
NPM = Ref(SECRET, "team", "npm")


def secret(world: World, **data: str | bytes) -> None:
    """What a person writes."""
    raw = {key: value if isinstance(value, bytes) else value.encode() for key, value in data.items()}
    encoded = {key: base64.b64encode(value).decode() for key, value in raw.items()}
    meta = {"name": NPM.name, "namespace": NPM.namespace}
    world.cluster.put({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": encoded})


async def service(*env: dict[str, Any], **spec: Any) -> World:
    world = World({**GIT, "build": {"env": list(env or (REFERRED, PLAIN))}, **spec}, owner="team")
    await world.sealing.ensure()
    return world


def handed(world: World, job: str) -> Any:
    """What the builder of that Job reads."""
    live = world.cluster.objects[Ref(SECRET, "dp-builds", job)]
    return json.loads(live["stringData"]["INK_BUILD_SECRETS"])


def message(world: World) -> str:
    return next(c.message for c in world.status.conditions if c.type == "Ready")


def no_cache(job: Manifest) -> bool:
    variables = {v["name"]: v.get("value", "") for v in job["spec"]["template"]["spec"]["containers"][0]["env"]}
    return bool(variables["INK_NO_CACHE"])


async def test_a_changed_value_builds_anew_and_a_touched_secret_does_not() -> None:
    world = await service()
    secret(world, token=VALUE)
    await world.settle()
    (first,) = world.jobs_made
    assert handed(world, first) == {"NPM_TOKEN": VALUE}
    secret(world, token=VALUE, other="1")
    await world.settle()
    assert world.jobs_made == [first]
    secret(world, token="another")
    await world.settle()
    _, second = world.jobs_made
    assert handed(world, second) == {"NPM_TOKEN": "another"}
    assert {job["metadata"]["name"]: no_cache(job) for job in world.of(JOB)} == {first: False, second: True}
    assert world.condition("Ready") == ("True", "Ready")
    secret(world, token=VALUE)
    await world.settle()
    assert world.jobs_made == [first, second], "that image is there"


async def test_sealed_values_are_opened_for_the_build_and_sealed_again_build_nothing() -> None:
    world = await service(PLAIN)
    binding = Binding("team", "", "web", "KEY")
    for _ in range(2):
        sealed = seal(world, binding, VALUE)
        world.change(build={"env": [{"name": "KEY", "valueFrom": {"sealed": sealed}}]})
        await world.settle()
        (job,) = world.jobs_made
        assert handed(world, job) == {"KEY": VALUE}
        assert sealed not in json.dumps(world.of(JOB))


async def test_the_value_stands_nowhere_else() -> None:
    world = await service()
    secret(world, token=VALUE)
    await world.settle()
    mine = {NPM, *(Ref(SECRET, "dp-builds", job) for job in world.jobs_made)}
    rest = json.dumps([live for ref, live in world.cluster.objects.items() if ref not in mine])
    for form in (VALUE, base64.b64encode(VALUE.encode()).decode()):
        assert form not in rest


@pytest.mark.parametrize(
    ("data", "reason", "says"),
    [
        (None, "ConfigNotFound", "spec.build.env NPM_TOKEN: the Secret npm does not exist."),
        ({"other": "1"}, "ConfigNotFound", "spec.build.env NPM_TOKEN: the Secret npm has no key token."),
        ({"token": b"\xff\xfe"}, "InvalidSpec", "key token of the Secret npm is not UTF-8 text"),
        ({"token": VALUE * 9_000}, "InvalidSpec", "the limit is"),
    ],
)
async def test_what_cannot_be_had_is_named_and_heals(data: dict[str, Any] | None, reason: str, says: str) -> None:
    world = await service()
    if data is not None:
        secret(world, **data)
    await world.settle()
    assert world.condition("Built") == ("False", reason)
    assert world.condition("Ready") == ("False", reason)
    assert says in message(world)
    assert VALUE not in message(world)
    assert world.jobs_made == []
    assert world.followed[world.key] == {NPM}
    secret(world, token=VALUE)
    await world.settle()
    assert world.condition("Ready") == ("True", "Ready")


async def test_what_was_sealed_for_another_is_refused() -> None:
    world = await service(PLAIN)
    sealed = seal(world, Binding("team", "", "api", "KEY"), VALUE)
    world.change(build={"env": [{"name": "KEY", "valueFrom": {"sealed": sealed}}]})
    await world.settle()
    assert world.condition("Ready") == ("False", "SealedValueInvalid")
    assert "spec.build.env KEY" in message(world)


async def test_a_service_of_the_gateways_names_no_secret() -> None:
    world = World({**World().cr()["spec"], "build": {"env": [REFERRED]}})
    await world.sealing.ensure()
    await world.settle()
    assert world.condition("Ready") == ("False", "ReferenceDenied")
    assert "spec.build.env NPM_TOKEN: secretKeyRef" in message(world)
    assert world.jobs_made == []


async def test_what_runs_goes_on_when_the_secret_goes() -> None:
    world = await service()
    secret(world, token=VALUE)
    await world.settle()
    before = [d["spec"] for d in world.of(DEPLOYMENT)]
    del world.cluster.objects[NPM]
    await world.settle()
    assert world.condition("Ready") == ("False", "ConfigNotFound")
    assert world.condition("Available")[0] == "True"
    assert [d["spec"] for d in world.of(DEPLOYMENT)] == before
    assert world.status.commit == "a" * 40


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_dying_at_any_write_hands_over_the_same(after: bool) -> None:
    async def told(world: World) -> World:
        secret(world, token=VALUE)
        await world.settle()
        secret(world, token="another")
        return await world.settle()

    calm = await told(await service())
    # Each cluster has a key of its own, and so other names.
    handed_over = [handed(calm, job) for job in calm.jobs_made]
    for write in range(1, calm.cluster.writes + 1):
        world = await service()
        with dying(world, write, after):
            await told(world)
        await told(world)
        values = [handed(world, job) for job in world.jobs_made]
        assert all(value in values for value in handed_over), f"died at write {write}"
        assert len(values) == len(handed_over), f"died at write {write}: other builds"
        assert world.condition("Ready") == ("True", "Ready")
