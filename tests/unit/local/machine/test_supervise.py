"""When a component is started again."""

from __future__ import annotations

from typing import Any

import pytest
from ink_artifacts.errors import SetupError
from ink_local.machine import supervise
from ink_local.machine.supervise import NodeDaemon

NOBODY: Any = None


def dying(monkeypatch: pytest.MonkeyPatch, times: int) -> list[str]:
    """A component that ends at once so often, and then works; the starts are noted."""
    starts: list[str] = []

    def start(cluster: Any, holder: Any, daemon: NodeDaemon) -> bool:
        starts.append(daemon.name)
        return True

    def wait_healthy(cluster: Any, holder: Any, daemon: NodeDaemon) -> None:
        if len(starts) <= times:
            raise SetupError(f"{daemon.name} ended at once", remedy="read its log")

    monkeypatch.setattr(supervise, "start", start)
    monkeypatch.setattr(supervise, "wait_healthy", wait_healthy)
    monkeypatch.setattr(supervise, "find", lambda cluster, holder, name: None)
    return starts


def one(starts: int) -> NodeDaemon:
    return NodeDaemon("kubelet", ("kubelet",), lambda: True, starts=starts)


def test_what_gives_up_too_early_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    starts = dying(monkeypatch, times=2)
    assert supervise.ensure(NOBODY, NOBODY, one(5))
    assert len(starts) == 3


def test_what_never_works_is_told_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    starts = dying(monkeypatch, times=9)
    with pytest.raises(SetupError, match="ended at once"):
        supervise.ensure(NOBODY, NOBODY, one(3))
    assert len(starts) == 3


def test_what_runs_and_is_not_healthy_is_not_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    starts = dying(monkeypatch, times=9)
    monkeypatch.setattr(supervise, "find", lambda cluster, holder, name: object())
    with pytest.raises(SetupError):
        supervise.ensure(NOBODY, NOBODY, one(3))
    assert len(starts) == 1
