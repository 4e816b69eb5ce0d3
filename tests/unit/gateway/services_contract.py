"""What the port `Services` promises: one suite, run on the fake in memory and on a real API server."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from ink_api.group import ANNOTATION_HEAD
from ink_api.inkservice import InkService
from ink_gateway.actions.spec import manifest
from ink_gateway.ports import InkServices

URL = "https://git.localhost:8443/{workspace}/shop.git"


class Place(Protocol):
    """Where the suite runs: fresh workspaces, and what others do to the objects."""

    services: InkServices
    workspace: str
    other: str

    async def status(self, name: str, **status: Any) -> None:
        """As the operator."""

    async def elsewhere(self, namespace: str, name: str, spec: dict[str, Any], *, resolved: bool) -> None:
        """As a person with kubectl; `resolved`: whether the operator could read the repository."""


def wanted(workspace: str, name: str = "web", **spec: Any) -> dict[str, Any]:
    """A service's manifest."""
    git = {"url": URL.format(workspace=workspace), "branch": "main", "auth": {"internal": {}}}
    return manifest(workspace, "default", name, "ink-tenants", {"source": {"git": git}, **spec})


def resolution(resolved: bool) -> dict[str, Any]:
    """The status that says whether the operator could read the repository."""
    return {
        "observedGeneration": 1,
        "conditions": [
            {
                "type": "SourceResolved",
                "status": str(resolved),
                "reason": "Resolved" if resolved else "AuthRequired",
                "lastTransitionTime": "2026-01-01T00:00:00Z",
            }
        ],
    }


async def what_is_applied_is_seen_at_once(place: Place) -> None:
    applied = await place.services.apply(wanted(place.workspace))
    assert applied.metadata.uid
    assert await place.services.get(f"{place.workspace}.default.web") is not None
    assert [s.metadata.uid for s in await place.services.of_workspace(place.workspace)] == [applied.metadata.uid]
    assert await place.services.get(f"{place.workspace}.default.nothing") is None


async def applying_the_same_again_changes_nothing(place: Place) -> None:
    first = await place.services.apply(wanted(place.workspace, env=[{"name": "A", "value": "1"}]))
    again = await place.services.apply(wanted(place.workspace, env=[{"name": "A", "value": "1"}]))
    assert (first.metadata.uid, first.metadata.generation) == (again.metadata.uid, again.metadata.generation)


async def what_is_left_out_is_removed(place: Place) -> None:
    first = await place.services.apply(
        wanted(place.workspace, env=[{"name": "A", "value": "1"}, {"name": "B", "value": "2"}])
    )
    changed = await place.services.apply(wanted(place.workspace, env=[{"name": "B", "value": "2"}]))
    assert [variable.name for variable in changed.spec.env or []] == ["B"]
    assert changed.metadata.generation == first.metadata.generation + 1


async def a_workspace_is_no_prefix_of_another(place: Place) -> None:
    await place.services.apply(wanted(place.workspace + "x"))
    assert await place.services.of_workspace(place.workspace) == []


async def hosts_are_found_over_all_workspaces(place: Place) -> None:
    await place.services.apply(wanted(place.workspace, place.other))
    await place.services.apply(wanted(place.other, "web", subdomain=place.other))
    names = {s.metadata.name for s in await place.services.with_subdomain(place.other)}
    assert names == {f"{place.workspace}.default.{place.other}", f"{place.other}.default.web"}


async def following_shows_the_present_then_changes_then_the_end(place: Place) -> None:
    name = f"{place.workspace}.default.web"
    await place.services.apply(wanted(place.workspace))
    states = aiter(place.services.follow(name))
    first = await soon(anext(states))
    assert first is not None
    await place.status(name, commit="c" * 40)
    while (now := await soon(anext(states))) is None or now.status.commit is None:
        pass
    assert now.status.commit == "c" * 40
    await place.services.delete(name)
    while (now := await soon(anext(states))) is not None and now.metadata.deletion_timestamp is None:
        pass


async def deleting_what_is_not_there_is_none(place: Place) -> None:
    assert await place.services.delete(f"{place.workspace}.default.web") is None


async def a_hint_survives_the_next_apply(place: Place) -> None:
    name = f"{place.workspace}.default.web"
    await place.services.apply(wanted(place.workspace))
    await place.services.hint("ink-tenants", name, f"main@{'d' * 40}")
    await place.services.apply(wanted(place.workspace, env=[{"name": "A", "value": "1"}]))
    service = await place.services.get(name)
    assert service is not None
    assert service.metadata.annotations[ANNOTATION_HEAD] == f"main@{'d' * 40}"


async def followers_of_a_branch_are_found_where_they_may_be(place: Place) -> None:
    url = URL.format(workspace=place.workspace)
    git = {"url": url, "branch": "main", "auth": {"internal": {}}}
    await place.services.apply(wanted(place.workspace))
    await place.services.apply(wanted(place.workspace, "blog", source={"git": {**git, "branch": "dev"}}))
    await place.services.apply(wanted(place.other, "thief", source={"git": git}))
    with_token = {"url": url, "branch": "main", "auth": {"secretRef": {"name": "token"}}}
    await place.elsewhere(place.other, "guest", {"source": {"git": with_token}}, resolved=True)
    await place.elsewhere(place.other, "guess", {"source": {"git": with_token}}, resolved=False)
    await place.elsewhere(place.workspace, "namesake", {"source": {"git": git}}, resolved=True)
    found = await place.services.following(place.workspace, url, "main")
    assert {(s.metadata.namespace, s.metadata.name) for s in found} == {
        ("ink-tenants", f"{place.workspace}.default.web"),
        (place.other, "guest"),
    }


async def soon(awaitable: Awaitable[InkService | None]) -> InkService | None:
    """The next state, or a failure."""
    return await asyncio.wait_for(awaitable, 15)


PROMISES: list[Callable[[Place], Awaitable[None]]] = [
    what_is_applied_is_seen_at_once,
    applying_the_same_again_changes_nothing,
    what_is_left_out_is_removed,
    a_workspace_is_no_prefix_of_another,
    hosts_are_found_over_all_workspaces,
    following_shows_the_present_then_changes_then_the_end,
    deleting_what_is_not_there_is_none,
    a_hint_survives_the_next_apply,
    followers_of_a_branch_are_found_where_they_may_be,
]
