"""Which commit is built, and what becomes of repositories that cannot be read."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
from support.building import daemons as build_daemons
from support.building.daemons import GitServer

from .conftest import Stack

FILES: dict[str, str | bytes] = {"Dockerfile": "FROM scratch\nCOPY . /\n", "version": "1"}


@pytest.fixture(scope="module")
def private(stack: Stack) -> Iterator[GitServer]:
    """A git server that wants a password."""
    with build_daemons.git_server(stack.directory / "private", password="correct horse") as server:
        yield server


def test_the_commit_is_built_even_when_the_branch_has_moved_on(stack: Stack) -> None:
    old = stack.git.commit("moved", {**FILES, "version": "1"})
    stack.git.commit("moved", {**FILES, "version": "2"})
    outcome = stack.finish(*stack.start(stack.variables("moved", "moved", old)))
    assert outcome.code == 0, outcome.log
    again = stack.build("moved", {**FILES, "version": "2"})
    assert again.verdict["digest"] != outcome.verdict["digest"]


@pytest.mark.parametrize(
    ("changes", "code", "reason"),
    [
        ({"INK_GIT_URL": "{git}/absent.git"}, 1, "RepositoryNotFound"),
        ({"INK_COMMIT": "0123456789012345678901234567890123456789"}, 1, "CommitNotFound"),
        ({"INK_BRANCH": "gone", "INK_COMMIT": "0123456789012345678901234567890123456789"}, 1, "CommitNotFound"),
        ({"INK_GIT_URL": "{git}/away/source.git"}, 1, "SourceRefused"),
        ({"INK_GIT_ALLOWED_PRIVATE": ""}, 1, "SourceRefused"),
        ({"INK_GIT_URL": "https://127.0.0.1:1/x.git"}, 1, "SourceRefused"),
        ({"INK_GIT_URL": "https://localhost/x.git"}, 1, "SourceRefused"),
        ({"INK_GIT_URL": "file:///etc"}, 1, "SourceRefused"),
        (
            {"INK_GIT_URL": "http://127.0.0.1:1/x.git", "INK_GIT_ALLOWED_PRIVATE": "http://127.0.0.1:1"},
            75,
            "SourceUnreachable",
        ),
        ({"INK_GIT_URL": "https://no-such-host.invalid/x.git"}, 75, "SourceUnreachable"),
        ({"INK_SOURCE_MAX_BYTES": "2000"}, 1, "SourceTooLarge"),
        ({"INK_SOURCE_MAX_FILES": "1"}, 1, "SourceTooLarge"),
        ({"INK_ROOT_DIRECTORY": "apps/none"}, 1, "PackNotDetected"),
        ({"INK_ROOT_DIRECTORY": "out"}, 1, "SourceRefused"),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else None,
)
def test_what_cannot_be_read_ends_in_a_named_reason(
    stack: Stack, changes: dict[str, str], code: int, reason: str
) -> None:
    commit = stack.git.commit("source", {**FILES, "large": "x" * 5000, "out": "-> /etc"})
    filled = {name: value.format(git=stack.git.url) for name, value in changes.items()}
    variables = {**stack.variables("source", "source", commit), **filled}
    outcome = stack.finish(*stack.start(variables))
    assert (outcome.code, outcome.reason) == (code, reason), outcome.log


def test_a_redirect_on_the_same_host_is_followed(stack: Stack) -> None:
    assert stack.build("renamed", FILES, INK_GIT_URL=f"{stack.git.url}/moved/renamed.git").code == 0


@pytest.mark.parametrize(
    ("password", "reason"), [("correct horse", None), ("wrong horse", "AuthRequired"), ("", "AuthRequired")]
)
def test_private_repositories(stack: Stack, private: GitServer, password: str, reason: str | None) -> None:
    here = dataclasses.replace(stack, git=private)
    outcome = here.build("private", FILES, INK_GIT_PASSWORD=password)
    assert outcome.reason == reason, outcome.log
    assert "horse" not in outcome.log
