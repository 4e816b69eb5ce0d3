"""Push events get to their receiver whatever happens in between: outages, restarts, a server killed after a push."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from contract.git_server import GitServer, Repo, WorkingCopy, serving
from support.waiting import eventually, stays

ZERO = "0" * 40


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    with serving(tmp_path) as running:
        yield running


@pytest.fixture
def repo(server: GitServer) -> Repo:
    return server.create("app")


@pytest.fixture
def work(tmp_path: Path) -> WorkingCopy:
    return WorkingCopy.new(tmp_path / "work")


def heard(repo: Repo, expected: list[dict[str, str]]) -> None:
    """Wait for exactly these updates in this order, and that none is said twice."""
    receiver = repo.server.receiver
    eventually(lambda: receiver.of(repo.name) == expected, within=20, every=0.05, what=f"{expected} is heard")
    stays(lambda: receiver.of(repo.name) == expected, seconds=1, what="nothing is said twice")


def test_events_wait_for_a_receiver_that_is_out(repo: Repo, work: WorkingCopy) -> None:
    receiver = repo.server.receiver
    receiver.status = 503
    first = work.commit("one\n")
    work.git("push", repo.url(), "main")
    second = work.commit("two\n")
    work.git("push", repo.url(), "main")
    eventually(lambda: receiver.tried >= 3, within=20, every=0.05, what="it is tried again")
    receiver.status = 204
    heard(
        repo,
        [
            {"ref": "refs/heads/main", "old": ZERO, "new": first},
            {"ref": "refs/heads/main", "old": first, "new": second},
        ],
    )


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_events_survive_a_restart(repo: Repo, work: WorkingCopy, end: signal.Signals) -> None:
    server = repo.server
    server.receiver.status = 500
    commit = work.commit()
    work.git("push", repo.url(), "main")
    eventually(lambda: server.receiver.tried, within=10, every=0.05, what="it is tried")
    server.process.stop(end)
    server.receiver.status = 204
    assert server.receiver.of("app") == []
    server.process.start()
    heard(repo, [{"ref": "refs/heads/main", "old": ZERO, "new": commit}])
    # Tokens and repositories are still there, and a restart alone says nothing again.
    server.process.stop()
    server.process.start()
    work.git("fetch", "--quiet", repo.url(repo.read), "main")
    heard(repo, [{"ref": "refs/heads/main", "old": ZERO, "new": commit}])


def test_a_push_that_nobody_announced_is_found_at_the_start(repo: Repo, work: WorkingCopy) -> None:
    """As if the server had been killed between git's last write and its own."""
    commit = work.commit()
    repo.server.process.stop(signal.SIGKILL)
    work.git("push", str(repo.path), "main")
    repo.server.process.start()
    heard(repo, [{"ref": "refs/heads/main", "old": ZERO, "new": commit}])


def test_an_event_that_is_never_understood_is_given_up(repo: Repo, work: WorkingCopy) -> None:
    receiver = repo.server.receiver
    receiver.status = 422
    first = work.commit("one\n")
    work.git("push", repo.url(), "main")
    eventually(lambda: "was dropped" in repo.server.process.log(), within=10, every=0.05, what="it is dropped")
    receiver.status = 204
    second = work.commit("two\n")
    work.git("push", repo.url(), "main")
    heard(repo, [{"ref": "refs/heads/main", "old": first, "new": second}])


def test_a_push_does_not_wait_for_the_receiver(repo: Repo, work: WorkingCopy) -> None:
    repo.server.receiver.close()
    commit = work.commit()
    assert f"main@{commit[:7]} received" in work.git("push", repo.url(), "main")
