"""Of a watch only what tells of more than a new status."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from ink_operator.core.objects import HORIZONTAL_POD_AUTOSCALER as KIND
from ink_operator.core.objects import Kind
from ink_operator.runtime.edits import EditsOnly

Event = dict[str, Any]


class Source:
    """A watch with these events."""

    def __init__(self, *events: Event) -> None:
        self._events = events

    async def list_version(self, kind: Kind, namespace: str, labels: str) -> str:
        return "1"

    async def watch(self, kind: Kind, namespace: str, labels: str, version: str) -> AsyncIterator[Event]:
        for event in self._events:
            yield event


def live(version: int, *, spec_at: str = "10:00", status_at: str = "10:00", uid: str = "u", **meta: Any) -> Event:
    writers = [
        {"manager": "ink-operator", "operation": "Apply", "time": spec_at},
        {"manager": "kube", "operation": "Update", "subresource": "status", "time": status_at},
    ]
    return {"metadata": {"uid": uid, "resourceVersion": str(version), "managedFields": writers, **meta}}


async def told(edits: EditsOnly) -> list[str]:
    return [e["object"]["metadata"]["resourceVersion"] async for e in edits.watch(KIND, "", "", "1")]


async def test_a_measurement_is_no_news() -> None:
    modified = [live(2), live(3, status_at="10:01"), live(4, status_at="10:02")]
    assert await told(EditsOnly(Source(*({"type": "MODIFIED", "object": item} for item in modified)))) == ["2"]


async def test_every_other_change_is() -> None:
    changed = [
        live(2),
        live(3, spec_at="10:01"),
        live(4, spec_at="10:01", labels={"a": "b"}),
        live(5, spec_at="10:01", deletionTimestamp="10:02"),
        live(6, uid="other"),
    ]
    events = [{"type": "MODIFIED", "object": item} for item in changed]
    assert await told(EditsOnly(Source(*events))) == ["2", "3", "4", "5", "6"]


async def test_an_end_is_told_of_however_little_changed() -> None:
    events = [{"type": kind, "object": live(n)} for n, kind in enumerate(("ADDED", "DELETED"))]
    assert await told(EditsOnly(Source(*events, {"type": "ERROR", "object": live(9)}))) == ["0", "1", "9"]


async def test_nothing_is_known_after_a_gap() -> None:
    edits = EditsOnly(Source({"type": "MODIFIED", "object": live(2)}))
    assert [await told(edits), await told(edits)] == [["2"], []]
    await edits.list_version(KIND, "", "")
    assert await told(edits) == ["2"]
