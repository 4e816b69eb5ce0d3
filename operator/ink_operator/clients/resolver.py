"""Heads of branches, from the resolver: the operator itself follows no address of a tenant."""

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
REMEMBERED = 20_000
FAILED_SECONDS = 15.0
"""A failure is asked again sooner than a head, as somebody is probably mending it."""
FAILED_MOST_SECONDS = 300.0


@dataclass(slots=True)
class Memory:
    """The last answer about one branch."""

    head: Head
    until: float
    hint: str | None
    failures: int
    generations: dict[str, int]
    """Who was answered, and of which spec of theirs: a changed one is answered anew, not from memory."""


class ResolverClient:
    """Implements ports.BranchHeads: asks about a branch once a poll interval, at once for a new hint or spec."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        poll_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session, self._url, self._poll, self._clock = session, url, poll_seconds, clock
        self._memory: OrderedDict[str, Memory] = OrderedDict()
        self._asking: dict[str, asyncio.Lock] = {}

    async def head(self, question: HeadQuestion) -> Head:
        """Never raises for a bad source or a silent resolver: that is an answer, with a reason."""
        key = short_hash(question.url, question.branch, question.tenant, question.credential, length=40)
        lock = self._asking.setdefault(key, asyncio.Lock())
        async with lock:
            remembered = self._memory.get(key)
            if remembered is not None and not self._due(remembered, question):
                return replace(remembered.head, fresh_for_seconds=max(1.0, remembered.until - self._clock()))
            head = await self._ask(question)
            head = self._remember(key, head, question, remembered)
        self._asking.pop(key, None)
        return head

    def _due(self, memory: Memory, question: HeadQuestion) -> bool:
        new_hint = question.hint is not None and question.hint not in (memory.hint, memory.head.commit)
        new_spec = bool(question.asker) and memory.generations.get(question.asker) != question.generation
        return new_hint or new_spec or self._clock() >= memory.until

    def _remember(self, key: str, head: Head, question: HeadQuestion, before: Memory | None) -> Head:
        failures = (before.failures if before else 0) + 1 if head.commit is None else 0
        generations = (before.generations if before else {}) | {question.asker: question.generation}
        if failures:
            fresh = min(FAILED_MOST_SECONDS, FAILED_SECONDS * 2.0 ** min(failures - 1, 10))
        else:
            fresh = self._poll * random.uniform(0.9, 1.1)  # noqa: S311 - spreads polls, guards nothing
        self._memory[key] = Memory(head, self._clock() + fresh, question.hint, failures, generations)
        self._memory.move_to_end(key)
        while len(self._memory) > REMEMBERED:
            self._memory.popitem(last=False)
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
            return Head(None, Reason.SOURCE_UNREACHABLE, f"the resolver does not answer ({type(error).__name__})")


def parse_answer(status: int, answer: dict[str, object]) -> Head:
    """The resolver's answer as a Head."""
    commit = answer.get("commit")
    if status == 200 and isinstance(commit, str) and len(commit) == 40:
        return Head(commit)
    try:
        reason = Reason(str(answer.get("reason", "")))
    except ValueError:
        return Head(None, Reason.SOURCE_UNREACHABLE, f"the resolver answered with status {status}")
    return Head(None, reason, str(answer.get("message", ""))[:500])
