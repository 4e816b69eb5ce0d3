"""Push events: told once to whoever follows the branch, and to nobody else."""

from typing import Any

import pytest
from ink_gateway.actions.pushes import Push, PushActions, heads
from pydantic import ValidationError
from unit.gateway.services_contract import resolution
from unit.gateway.world import COMMIT, LIVE, World

NEW, OLD = "d" * 40, "0" * 40


def push(**changes: Any) -> Push:
    update = {"ref": "refs/heads/main", "old": OLD, "new": NEW}
    return Push.model_validate({"workspace": "acme", "repository": "shop", "updates": [update], **changes})


async def follower(world: World, namespace: str, name: str, **git: Any) -> None:
    source = {"url": "https://git.localhost:8443/acme/shop.git", "branch": "main", **git}
    metadata = {"namespace": namespace, "name": name, "generation": 1, "annotations": {}}
    status = resolution(namespace != "evil")
    await world.services.put({"metadata": metadata, "spec": {"source": {"git": source}}, "status": status})


async def test_every_follower_is_told_once(world: World) -> None:
    await follower(world, "ink-tenants", "acme.default.web")
    await follower(world, "ink-tenants", "acme.staging.web", url="https://GIT.localhost:8443/acme/shop")
    await follower(world, "team", "web", auth={"secretRef": {"name": "token"}})
    await follower(world, "acme", "web", auth={"internal": {}})
    await follower(world, "ink-tenants", "acme.default.dev", branch="dev")
    await follower(world, "ink-tenants", "acme.default.blog", url="https://git.localhost:8443/acme/blog.git")
    await follower(world, "ink-tenants", "evil.default.web")
    await follower(world, "evil", "web", auth={"secretRef": {"name": "guess"}})
    await follower(world, "ink-tenants", "acme.default.pinned", commit=COMMIT)
    assert await PushActions(world.platform)(push()) == 3
    told = {(namespace, name) for _, (namespace, name, _) in world.services.writes}
    assert told == {("ink-tenants", "acme.default.web"), ("ink-tenants", "acme.staging.web"), ("team", "web")}
    assert {head for _, (_, _, head) in world.services.writes} == {f"main@{NEW}"}


async def test_the_same_event_again_writes_nothing(world: World) -> None:
    await follower(world, "ink-tenants", "acme.default.web")
    await PushActions(world.platform)(push())
    world.services.writes.clear()
    assert await PushActions(world.platform)(push()) == 0
    assert world.services.writes == []


async def test_a_commit_that_is_deployed_already_is_no_news(world: World) -> None:
    await follower(world, "ink-tenants", "acme.default.web")
    await world.services.status("acme.default.web", **LIVE)
    assert await PushActions(world.platform)(push(updates=[{"ref": "refs/heads/main", "old": OLD, "new": COMMIT}])) == 0


def test_tags_and_deleted_branches_move_nothing() -> None:
    updates = [
        {"ref": "refs/tags/v1", "old": OLD, "new": NEW},
        {"ref": "refs/heads/gone", "old": NEW, "new": OLD},
        {"ref": "refs/heads/a/b", "old": OLD, "new": NEW},
    ]
    assert heads(push(updates=updates)) == {"a/b": NEW}


@pytest.mark.parametrize(
    "changes", [{"workspace": "../x"}, {"repository": "a/b"}, {"updates": [{"ref": "r", "old": "x", "new": "y"}]}]
)
def test_what_is_no_push_event_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        push(**changes)


@pytest.fixture
def world() -> World:
    return World()
