"""Heads of branches, from the resolver: the operator itself never connects to an address given by a tenant."""

import asyncio
import random
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

import aiohttp
from ink_api.names import short_hash
from ink_api.reasons import Reason

from ink_operator.ports import Head, HeadQuestion

CALL_SECONDS = 12.0
STORED_MAX = 20_000
FAILED_FIRST_SECONDS = 15.0
"""After a failure the next request comes sooner: someone is probably fixing it."""
FAILED_MAX_SECONDS = 300.0


@dataclass(slots=True)
class StoredHead:
    """The last answer about one branch."""

    head: Head
    until: float
    hint: str | None
    failures: int
    generations: dict[str, int]
    """By service: the generation of its spec that was answered. A newer generation gets a fresh answer."""


class ResolverClient:
    """Implements ports.PolledBranchHeads: asks once per poll interval, and at once for a new hint or spec."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        poll_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session, self._url, self._poll, self._clock = session, url, poll_seconds, clock
        self._stored: OrderedDict[str, StoredHead] = OrderedDict()
        self._asking: dict[str, asyncio.Lock] = {}

    async def head(self, question: HeadQuestion) -> Head:
        """Never raises for a bad source or an unavailable resolver: the result has a reason."""
        key = short_hash(question.url, question.branch, question.tenant, question.credential, length=40)
        lock = self._asking.setdefault(key, asyncio.Lock())
        async with lock:
            stored = self._stored.get(key)
            if stored is not None and not self._due(stored, question):
                return replace(stored.head, fresh_for_seconds=max(1.0, stored.until - self._clock()))
            head = await self._ask(question)
            head = self._store(key, head, question, stored)
        self._asking.pop(key, None)
        return head

    def _due(self, stored: StoredHead, question: HeadQuestion) -> bool:
        new_hint = question.hint is not None and question.hint not in (stored.hint, stored.head.commit)
        new_spec = bool(question.asker) and stored.generations.get(question.asker) != question.generation
        return new_hint or new_spec or self._clock() >= stored.until

    def _store(self, key: str, head: Head, question: HeadQuestion, before: StoredHead | None) -> Head:
        failures = (before.failures if before else 0) + 1 if head.commit is None else 0
        generations = (before.generations if before else {}) | {question.asker: question.generation}
        if failures:
            fresh = min(FAILED_MAX_SECONDS, FAILED_FIRST_SECONDS * 2.0 ** min(failures - 1, 10))
        else:
            fresh = self._poll * random.uniform(0.9, 1.1)  # noqa: S311 - spreads polls, guards nothing
        self._stored[key] = StoredHead(head, self._clock() + fresh, question.hint, failures, generations)
        self._stored.move_to_end(key)
        while len(self._stored) > STORED_MAX:
            self._stored.popitem(last=False)
        return replace(head, fresh_for_seconds=fresh)

    async def _ask(self, question: HeadQuestion) -> Head:
        body = {
            "url": question.url,
            "branch": question.branch,
            "commit": None,
            "username": question.username,
            "password": question.password,
        }
        try:
            timeout = aiohttp.ClientTimeout(total=CALL_SECONDS)
            async with self._session.post(f"{self._url}/v1/head", json=body, timeout=timeout) as response:
                answer = await response.json(content_type=None) if response.status in (200, 422) else {}
                return parse_answer(response.status, answer)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            return Head(None, Reason.SOURCE_UNREACHABLE, f"The resolver does not answer ({type(error).__name__}).")


def parse_answer(status: int, answer: dict[str, object]) -> Head:
    """The resolver's answer as a Head."""
    commit = answer.get("commit")
    if status == 200 and isinstance(commit, str) and len(commit) == 40:
        return Head(commit)
    try:
        reason = Reason(str(answer.get("reason", "")))
    except ValueError:
        return Head(None, Reason.SOURCE_UNREACHABLE, f"The resolver answered with status {status}.")
    return Head(None, reason, str(answer.get("message", ""))[:500])
