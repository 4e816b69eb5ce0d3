"""Bad input: each ends, within its deadline, in a reason and a remedy, for the agent and for the administrator."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from ink_api.reasons import Reason, remedy
from support.outside.agent import Answer
from support.outside.platform import SAMPLES, TENANTS, Deployed, Platform, condition

APPS = Path(__file__).parent / "apps"
SECONDS = 240

CASES: dict[str, tuple[Reason, str]] = {
    "nothing-detectable": (Reason.PACK_NOT_DETECTED, ""),
    "build-fails": (Reason.BUILD_FAILED, "the licence file is missing"),
    "exits-at-once": (Reason.CRASH_LOOPING, ""),
    "other-port": (Reason.PORT_NOT_LISTENING, "8080"),
}
"""Application in tests/e2e/apps -> the reason, and what the message must quote."""
SOON = ("nothing-detectable", "no-branch")


@pytest.fixture(scope="module")
def outcomes(platform: Platform) -> Iterator[dict[str, Future[Answer]]]:
    """Every case is started at once; each test waits for its own."""

    def push_and_create(case: str) -> Answer:
        name = platform.name(case)
        platform.repository(name, APPS / case).push()
        return platform.agent.ok("create_service", repo=name, name=name, wait=SECONDS)

    def without_branch() -> Answer:
        name = platform.name("no-branch")
        platform.repository(name, SAMPLES / "hello-dockerfile").push()
        return platform.agent.ok("create_service", repo=name, name=name, branch="release", wait=SECONDS)

    with ThreadPoolExecutor(max_workers=len(CASES) + 1) as pool:
        started = {case: pool.submit(push_and_create, case) for case in CASES}
        started["no-branch"] = pool.submit(without_branch)
        yield started


def is_answered(platform: Platform, answer: Answer, case: str) -> None:
    """Reason and remedy, for the agent and for the administrator."""
    reason, quote = CASES.get(case, (Reason.BRANCH_NOT_FOUND, "release"))
    assert (answer["state"], answer["reason"]) == ("failed", reason), answer.data
    assert answer["remedy"] == remedy(reason)
    assert quote in answer["message"]

    name = platform.cr_name(platform.name(case))
    assert platform.row(TENANTS, name)[1:3] == ["False", reason]
    told = " ".join(platform.describe(TENANTS, name).split())
    assert remedy(reason) in told
    assert quote in told
    found = platform.cr(platform.name(case))
    assert condition(found, "Stalled")["status"] == "True"
    assert not condition(found, "Reconciling"), "nothing keeps 'in progress' for ever"


@pytest.mark.parametrize("case", SOON)
def test_what_is_no_application_is_answered_soon(
    platform: Platform, outcomes: dict[str, Future[Answer]], case: str
) -> None:
    is_answered(platform, outcomes[case].result(timeout=SECONDS + 30), case)


def test_a_repository_that_does_not_exist(platform: Platform) -> None:
    answer = platform.agent.call("create_service", repo="no-such-repo", name=platform.name("ghost"))
    assert answer.is_error
    assert "RepositoryNotFound" in answer.text
    assert "create_repo" in answer.text
    assert platform.kubectl.get("inksvc", platform.cr_name(platform.name("ghost")), TENANTS) is None


def test_a_name_that_is_taken(platform: Platform, hello: Deployed, neighbour: Deployed) -> None:
    """The same name for another repository of the project."""
    answer = platform.agent.call("create_service", repo=neighbour.name, name=hello.name)
    assert answer.is_error
    assert "NameTaken" in answer.text
    assert "another name" in answer.text


@pytest.mark.parametrize("name", ["Hello", "my_app", "-x", "a" * 53, "a.b", ""])
def test_a_name_that_is_no_dns_label(platform: Platform, hello: Deployed, name: str) -> None:
    answer = platform.agent.call("create_service", repo=hello.name, name=name)
    assert answer.is_error
    assert "name" in answer.text
    assert "lower-case letters" in answer.text or "at most" in answer.text


def in_call(platform: Platform, headers: dict[str, str]) -> httpx.Response:
    """A tools/list request as a bare client sends it."""
    context = ssl.create_default_context(cafile=str(platform.ca))
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    accept = {"Accept": "application/json, text/event-stream", **headers}
    return httpx.post(platform.agent.url, json=body, headers=accept, verify=context, trust_env=False, timeout=30)


KEYS: dict[str, Callable[[str], dict[str, str]]] = {
    "none": lambda _key: {},
    "wrong": lambda key: {"Authorization": f"Bearer {key[:-4]}0000"},
    "of another kind": lambda key: {"Authorization": f"Basic {key}"},
    "not a key": lambda _key: {"Authorization": "Bearer hello"},
}


@pytest.mark.parametrize("which", KEYS)
def test_a_missing_or_wrong_key_says_how_to_get_in(platform: Platform, which: str) -> None:
    answer = in_call(platform, KEYS[which](platform.agent.key))
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert "dk_live_" in answer.text or "API key" in answer.text
    assert platform.agent.key not in answer.text


@pytest.mark.parametrize("case", [case for case in CASES if case not in SOON])
def test_a_failure_names_its_reason_and_the_way_out(
    platform: Platform, outcomes: dict[str, Future[Answer]], case: str
) -> None:
    """Awaited last: a build, a crash loop and a port that nobody opens take their time."""
    is_answered(platform, outcomes[case].result(timeout=SECONDS + 30), case)


def test_a_failed_build_shows_the_decisive_lines(platform: Platform, outcomes: dict[str, Future[Answer]]) -> None:
    outcomes["build-fails"].result(timeout=SECONDS + 30)
    answer = platform.agent.ok("get_service", name=platform.name("build-fails"))
    assert any("the licence file is missing" in line for line in answer["deploy_log"])


def test_a_crash_shows_what_the_application_said(platform: Platform, outcomes: dict[str, Future[Answer]]) -> None:
    outcomes["exits-at-once"].result(timeout=SECONDS + 30)
    answer = platform.agent.ok("get_service", name=platform.name("exits-at-once"))
    assert any("DATABASE_URL is not set" in line for line in answer["runtime_log"])
