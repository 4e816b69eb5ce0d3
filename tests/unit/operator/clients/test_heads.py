"""What the operator remembers of branches: one question a poll interval, and one when somebody has a reason to ask."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from ink_operator.clients.resolver import ResolverClient
from ink_operator.ports import HeadQuestion

QUESTION = HeadQuestion(url="https://example.com/shop.git", branch="main", tenant="acme", asker="one", generation=1)


@pytest.fixture
def commits() -> Iterator[str]:
    """Where the branch points, a new commit at each question."""
    return (f"{number:040x}" for number in count(1))


@asynccontextmanager
async def client(commits: Iterator[str]) -> AsyncIterator[ResolverClient]:
    async def head(_: web.Request) -> web.Response:
        return web.json_response({"commit": next(commits)})

    app = web.Application()
    app.router.add_post("/v1/head", head)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        yield ResolverClient(session, str(server.make_url("")).rstrip("/"), poll_seconds=300)


async def test_a_branch_is_asked_for_once_in_a_while(commits: Iterator[str]) -> None:
    async with client(commits) as heads:
        first = await heads.head(QUESTION)
        assert (await heads.head(QUESTION)).commit == first.commit


async def test_a_changed_spec_is_answered_anew_and_once(commits: Iterator[str]) -> None:
    """A service that follows its branch again after a rollback wants the commit of now, not of five minutes ago."""
    async with client(commits) as heads:
        first = await heads.head(QUESTION)
        changed = replace(QUESTION, generation=2)
        second = await heads.head(changed)
        assert second.commit != first.commit
        assert (await heads.head(changed)).commit == second.commit


async def test_a_second_service_of_the_branch_is_answered_anew_and_the_first_hears_of_it(
    commits: Iterator[str],
) -> None:
    async with client(commits) as heads:
        first = await heads.head(QUESTION)
        second = await heads.head(replace(QUESTION, asker="two"))
        assert second.commit != first.commit
        assert (await heads.head(QUESTION)).commit == second.commit


async def test_a_hint_is_looked_after_at_once(commits: Iterator[str]) -> None:
    async with client(commits) as heads:
        await heads.head(QUESTION)
        hinted = replace(QUESTION, hint="f" * 40)
        second = await heads.head(hinted)
        assert second.commit == f"{2:040x}"
        assert (await heads.head(hinted)).commit == second.commit
