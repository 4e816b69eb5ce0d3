"""The gateway over HTTP on loopback: its doors, and MCP by a real client."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from ink_gateway.errors import PartUnavailable
from unit.gateway.listening import TOKEN, Running, running
from unit.gateway.world import KEY, LIVE, NOW, key


@pytest.fixture
async def gateway() -> AsyncIterator[Running]:
    # Entered and left by one task, as anyio's scopes want it; pytest runs the two halves of a fixture in two.
    stop: asyncio.Event = asyncio.Event()
    started: asyncio.Future[Running] = asyncio.get_running_loop().create_future()

    async def run() -> None:
        async with running() as gateway:
            started.set_result(gateway)
            await stop.wait()

    task = asyncio.create_task(run())
    await asyncio.wait([task, started], return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        await task
    yield started.result()
    stop.set()
    await task


async def request(method: str, url: str, **options: Any) -> httpx2.Response:
    async with httpx2.AsyncClient(trust_env=False) as http:
        return await http.request(method, url, **options)


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_an_agent_of_either_era_deploys_with_progress(gateway: Running, mode: str) -> None:
    told: list[str] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        told.append(message or "")
        if len(told) == 1:
            await gateway.world.services.status("acme.default.web", **LIVE)

    async with gateway.client(mode) as client:
        answer = await client.call_tool("create_service", {"repo": "shop", "name": "web"}, progress_callback=progress)
        assert not answer.is_error, answer.content
        assert answer.structured_content is not None
        assert (answer.structured_content["state"], answer.structured_content["url"]) == ("live", LIVE["url"])
        assert told == ["building", "live"]
        who = await client.call_tool("whoami", {})
        assert who.structured_content is not None
        assert who.structured_content["workspace"] == "acme"


async def test_failures_reach_the_agent_as_text_with_a_remedy(gateway: Running) -> None:
    async with gateway.client() as client:
        answer = await client.call_tool("create_service", {"repo": "shop", "name": "My App"})
        assert answer.is_error
        text = answer.content[0].text
        assert "'My App' is not a DNS label" in text
        assert "my-app" in text


async def test_repositories_and_their_tokens(gateway: Running) -> None:
    async with gateway.client() as client:
        repo = (await client.call_tool("create_repo", {"name": "new"})).structured_content
        assert repo is not None
        assert (repo["url"], repo["empty"]) == ("https://git.localhost:8443/acme/new.git", True)
        token = (await client.call_tool("get_git_token", {"name": "new"})).structured_content
        assert token is not None
        assert token["authenticated_url"] == "https://ink:mlg_write@git.localhost:8443/acme/new.git"
        missing = await client.call_tool("get_git_token", {"name": "nowhere"})
        assert missing.is_error
        assert "create_repo" in missing.content[0].text


@pytest.mark.parametrize(
    ("header", "challenge"),
    [
        (None, "Bearer"),
        ("Bearer dk_live_" + "z" * 40, 'Bearer error="invalid_token"'),
        ("Bearer nonsense", "Bearer error"),
    ],
)
async def test_without_a_valid_key_nothing_is_said_but_how_to_get_one(
    gateway: Running, header: str | None, challenge: str
) -> None:
    for method in ("POST", "GET", "DELETE"):
        headers = {"Authorization": header} if header else {}
        answer = await request(method, f"{gateway.public}/mcp", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith(challenge)
        assert "dk_live_…" in answer.json()["message"]


async def test_a_key_ends_with_its_revocation(gateway: Running) -> None:
    async with gateway.client() as client:
        assert not (await client.call_tool("whoami", {})).is_error
    gateway.world.keys.known = [key(revoked_at=NOW - timedelta(seconds=1))]
    answer = await request("POST", f"{gateway.public}/mcp", headers={"Authorization": f"Bearer {KEY}"})
    assert answer.status_code == 401


@pytest.mark.parametrize("path", ["/", "/mcp", "/healthz", "/internal/v1/pushes"])
async def test_hosts_that_are_not_the_gateways_get_the_unrouted_page(gateway: Running, path: str) -> None:
    answer = await request("GET", gateway.public + path, headers={"Host": "web.apps.localhost:8443"})
    assert answer.status_code == 404
    assert answer.headers["X-Ink-Unrouted"] == "1"


async def test_the_gateways_own_404_is_not_taken_for_an_unrouted_service(gateway: Running) -> None:
    answer = await request("GET", f"{gateway.public}/nothing")
    assert answer.status_code == 404
    assert "X-Ink-Unrouted" not in answer.headers


async def test_health_answers_probes_by_address_and_readiness_names_what_is_missing(gateway: Running) -> None:
    for base in (gateway.public, gateway.internal):
        probe = {"Host": "10.1.2.3:8080"}
        assert (await request("GET", f"{base}/healthz", headers=probe)).status_code == 200
        assert (await request("GET", f"{base}/readyz", headers=probe)).status_code == 200

    async def broken() -> None:
        raise PartUnavailable("the Kubernetes API server", "timeout")

    gateway.probes["kubernetes"] = broken
    answer = await request("GET", f"{gateway.internal}/readyz")
    assert answer.status_code == 503
    assert answer.json()["database"] == "ok"
    assert "Unavailable" in answer.json()["kubernetes"]


async def test_push_events_come_in_by_the_internal_port_and_token_only(gateway: Running) -> None:
    update = {"ref": "refs/heads/main", "old": "0" * 40, "new": "d" * 40}
    event = {"workspace": "acme", "repository": "shop", "updates": [update]}
    right = {"Authorization": f"Bearer {TOKEN}"}
    url = f"{gateway.internal}/internal/v1/pushes"
    for wrong in ({}, {"Authorization": "Bearer x"}, {"Authorization": f"Bearer {KEY}"}):
        assert (await request("POST", url, json=event, headers=wrong)).status_code == 401
    assert (await request("POST", url, json=event, headers=right)).status_code == 204
    assert (await request("POST", url, json={"workspace": "acme"}, headers=right)).status_code == 422
    assert (await request("POST", url, content=b"x" * 2_000_000, headers=right)).status_code == 413
    assert (await request("POST", f"{gateway.public}/internal/v1/pushes", json=event, headers=right)).status_code == 404
