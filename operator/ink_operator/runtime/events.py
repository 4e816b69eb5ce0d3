"""Kubernetes Events on transitions, never on repetition."""

import asyncio
import contextlib
import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from ink_api.condition_types import ConditionType
from ink_api.conditions import Condition
from ink_api.reasons import Reason

from ink_operator.core import kinds
from ink_operator.core.errors import AlreadyExists, InkError
from ink_operator.core.kinds import Kind
from ink_operator.core.objects import Manifest
from ink_operator.ports import KubernetesApi

log = logging.getLogger(__name__)
WAITING_MAX = 1000
REPORTED = (ConditionType.BUILT, ConditionType.READY, ConditionType.LAST_RUN_SUCCEEDED)
"""Conditions whose changes become events; the others explain these."""


class Transition(NamedTuple):
    """One change that becomes an event."""

    type: str
    reason: str
    message: str


def transitions(before: Iterable[Condition], after: Iterable[Condition]) -> list[Transition]:
    """The changes worth showing in `kubectl describe`."""
    old = {c.type: (c.status, c.reason) for c in before}
    new = {c.type: c for c in after}
    stalled = ConditionType.STALLED in new
    found: list[Transition] = []
    for kind in REPORTED:
        condition = new.get(kind)
        if condition is None or old.get(kind) == (condition.status, condition.reason) or condition.status == "Unknown":
            continue
        if condition.reason == Reason.NOT_NEEDED:
            # A skipped step is not a change.
            continue
        warning = condition.status == "False" and (stalled or kind == ConditionType.LAST_RUN_SUCCEEDED)
        transition = Transition("Warning" if warning else "Normal", condition.reason, condition.message[:1000])
        if all(transition.reason != earlier.reason for earlier in found):
            found.append(transition)
    return found


def make_event(kind: Kind, owner: Manifest, transition: Transition, now: datetime) -> Manifest:
    """The Event object about `owner`."""
    meta = owner["metadata"]
    at = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": kinds.EVENT.api_version,
        "kind": kinds.EVENT.kind,
        "metadata": {"generateName": f"{meta['name'][:50]}.", "namespace": meta["namespace"]},
        "involvedObject": {
            "apiVersion": kind.api_version,
            "kind": kind.kind,
            "namespace": meta["namespace"],
            "name": meta["name"],
            "uid": meta["uid"],
        },
        "type": transition.type,
        "reason": transition.reason,
        "message": transition.message or transition.reason,
        "source": {"component": "ink-operator"},
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
        "reportingComponent": "ink-operator",
        "reportingInstance": "",
    }


class KubernetesEventRecorder:
    """Implements ports.EventRecorder: writes events in the background, one at a time."""

    def __init__(self, api: KubernetesApi) -> None:
        self._api = api
        self._waiting: asyncio.Queue[Manifest] = asyncio.Queue(WAITING_MAX)

    def record(self, kind: Kind, owner: Manifest, before: list[Condition], after: list[Condition]) -> None:
        """Record what changed; dropped when too many events wait."""
        for transition in transitions(before, after):
            with contextlib.suppress(asyncio.QueueFull):
                self._waiting.put_nowait(make_event(kind, owner, transition, datetime.now(UTC)))

    async def run(self) -> None:
        """Write until cancelled. LeaseLost propagates."""
        while True:
            event = await self._waiting.get()
            try:
                await self._api.create(event)
            except (InkError, AlreadyExists) as error:
                log.info("cannot write an event: %s", error)
