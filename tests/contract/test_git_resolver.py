"""The resolver, asked about Ink's own git server, about servers that misbehave, and about what it must not touch."""

from __future__ import annotations

import base64
import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from contract.git_server import GitServer, Process, Repo, WorkingCopy, free_port, run, serving

ADVERTISEMENT = "application/x-git-upload-pack-advertisement"
Answer = Callable[[BaseHTTPRequestHandler], None]


class Resolver:
    """A running resolver."""

    def __init__(self, folder: Path, internal: str) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.process = Process(
            "ink_resolver",
            folder / "resolver.log",
            f"{self.url}/healthz",
            {"INK_PORT": str(port), "INK_GIT_INTERNAL_URL": internal},
        )

    def ask(self, url: str, branch: str = "main", **more: str | None) -> dict[str, str]:
        """The answer's body; its status must fit it."""
        body = {"url": url, "branch": branch, "commit": None, "username": None, "password": None, **more}
        answer = httpx.post(f"{self.url}/v1/head", json=body, timeout=20)
        result: dict[str, str] = answer.json()
        assert answer.status_code == (200 if "commit" in result else 422)
        assert more.get("password") is None or str(more["password"]) not in answer.text
        return result


@contextlib.contextmanager
def resolving(folder: Path, internal: str) -> Iterator[Resolver]:
    """A resolver for which one server is Ink's own."""
    resolver = Resolver(folder, internal)
    try:
        resolver.process.start()
        yield resolver
        log = resolver.process.log()
        assert "Traceback" not in log, log
        assert "mlg_" not in log
    finally:
        resolver.process.stop()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    with serving(tmp_path_factory.mktemp("git")) as running:
        yield running


@pytest.fixture(scope="module")
def resolver(server: GitServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Resolver]:
    with resolving(tmp_path_factory.mktemp("resolver"), server.url) as running:
        yield running


@pytest.fixture(scope="module")
def commits(server: GitServer, tmp_path_factory: pytest.TempPathFactory) -> tuple[Repo, list[str]]:
    """A repository with three commits on main, of which main2 has the first two."""
    repo, work = server.create("app"), WorkingCopy.new(tmp_path_factory.mktemp("work") / "work")
    made = [work.commit(f"{number}\n") for number in range(3)]
    work.git("push", repo.url(), "main", f"{made[1]}:refs/heads/main2", f"{made[0]}:refs/tags/main")
    return repo, made


def test_the_head_of_a_branch(resolver: Resolver, commits: tuple[Repo, list[str]]) -> None:
    repo, made = commits
    assert resolver.ask(repo.plain_url, username="ink", password=repo.read) == {"commit": made[2]}
    assert resolver.ask(repo.plain_url, "main2", password=repo.read) == {"commit": made[1]}
    assert resolver.ask(repo.plain_url, "", password=repo.read) == {"commit": made[2]}, "no branch is the default one"
    assert resolver.ask(repo.plain_url, "refs/heads/main", password=repo.read) == {"commit": made[2]}


def test_a_pinned_commit_must_exist(resolver: Resolver, commits: tuple[Repo, list[str]]) -> None:
    repo, made = commits
    for commit in made:
        assert resolver.ask(repo.plain_url, commit=commit, password=repo.read) == {"commit": commit}
    assert resolver.ask(repo.plain_url, "gone", commit=made[0], password=repo.read) == {"commit": made[0]}
    missing = resolver.ask(repo.plain_url, commit="f" * 40, password=repo.read)
    assert missing["reason"] == "CommitNotFound"
    assert "push it" in missing["message"]


def test_what_is_wrong_is_said(resolver: Resolver, server: GitServer, commits: tuple[Repo, list[str]]) -> None:
    repo, _ = commits
    other = server.create("other")

    def reason(url: str, branch: str = "main", **more: str) -> str:
        answer = resolver.ask(url, branch, **more)
        assert len(answer["message"]) > 20
        return answer["reason"]

    assert reason(repo.plain_url, "nope", password=repo.read) == "BranchNotFound"
    assert reason(repo.plain_url, "mai", password=repo.read) == "BranchNotFound", "a prefix is no match"
    assert reason(other.plain_url, password=other.read) == "BranchNotFound"
    assert reason(repo.plain_url) == "AuthRequired"
    assert reason(repo.plain_url, password="mlg_wrong") == "AuthRequired"
    assert reason(repo.plain_url, password=other.read) == "RepositoryNotFound"
    assert reason(f"{server.url}/nothing", password=repo.read) == "RepositoryNotFound"
    assert reason(repo.plain_url, "a\nb", password=repo.read) == "BranchNotFound"


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1:{port}/team/app.git",
        "http://127.0.0.1:1/team/app.git",
        "https://localhost:{port}/team/app.git",
        "https://127.1:{port}/r.git",
        "https://2130706433:{port}/r.git",
        "https://0x7f000001:{port}/r.git",
        "https://0177.0.0.1:{port}/r.git",
        "https://①②⑦.0.0.1:{port}/r.git",
        "https://0:{port}/r.git",
        "https://[::1]:{port}/r.git",
        "https://[::ffff:127.0.0.1]:{port}/r.git",
        "https://[::ffff:7f00:1]:{port}/r.git",
        "https://[64:ff9b::7f00:1]:{port}/r.git",
        "https://[fe80::1%25lo]:{port}/r.git",
        "https://10.0.0.1/r.git",
        "https://169.254.169.254/latest/meta-data",
        "https://[fd00:ec2::254]/latest/meta-data",
        "https://100.64.0.1/r.git",
        "https://192.168.0.1/r.git",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "git://localhost/r.git",
    ],
)
def test_nothing_private_is_asked(resolver: Resolver, server: GitServer, url: str) -> None:
    started = time.monotonic()
    answer = resolver.ask(url.format(port=server.public), password="p4ssw0rd")
    assert answer["reason"] == "SourceRefused", answer
    assert time.monotonic() - started < 3


def test_requests_that_are_none(resolver: Resolver) -> None:
    for content in (b"{", b"[]", b'"x"', b"[" * 10000, b"\xff"):
        answer = httpx.post(f"{resolver.url}/v1/head", content=content)
        assert (answer.status_code, answer.json()["reason"]) == (422, "SourceRefused")
    assert httpx.post(f"{resolver.url}/v1/head", content=b" " * 20000).status_code == 413


class Misbehaving:
    """A server that gives what a test wants for each path; it stands for any git server."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.seen: list[tuple[str, dict[str, str]]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                outer.seen.append((self.path, dict(self.headers)))
                with contextlib.suppress(OSError):
                    outer.answers[self.path.split("/")[1]](self)

            do_GET = do_POST = answer

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()


def reply(status: int = 200, body: bytes = b"", kind: str = ADVERTISEMENT, **headers: str) -> Answer:
    """An answer that is the same for all."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(body)

    return answer


def endless(head: bytes, each: bytes, pause: float) -> Answer:
    """An answer that never ends."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Type", ADVERTISEMENT)
        request.end_headers()
        request.wfile.write(head)
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            request.wfile.write(each)
            request.wfile.flush()
            threading.Event().wait(pause)

    return answer


@pytest.fixture(scope="module")
def strange() -> Iterator[Misbehaving]:
    running = Misbehaving()
    yield running
    running.close()


@pytest.fixture(scope="module")
def asking(strange: Misbehaving, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Resolver]:
    with resolving(tmp_path_factory.mktemp("resolver"), strange.url) as running:
        yield running


def old_server(path: Path) -> Answer:
    """A git server from before protocol version 2."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        command = ["git", "upload-pack", "--stateless-rpc", "--http-backend-info-refs", str(path)]
        env = {k: v for k, v in os.environ.items() if k != "GIT_PROTOCOL"}
        refs = subprocess.run(command, env=env, capture_output=True, check=True).stdout
        reply(body=b"001e# service=git-upload-pack\n0000" + refs)(request)

    return answer


def test_old_servers_are_understood(
    asking: Resolver, strange: Misbehaving, commits: tuple[Repo, list[str]], tmp_path: Path
) -> None:
    repo, made = commits
    strange.answers["old"] = old_server(repo.path)
    assert asking.ask(f"{strange.url}/old/r.git") == {"commit": made[2]}
    assert asking.ask(f"{strange.url}/old/r.git", "main2") == {"commit": made[1]}
    assert asking.ask(f"{strange.url}/old/r.git", "nope")["reason"] == "BranchNotFound"
    assert asking.ask(f"{strange.url}/old/r.git", commit="f" * 40) == {"commit": "f" * 40}, "the build finds out"
    run("clone", "--quiet", "--bare", str(repo.path), str(tmp_path / "many"))
    packed = "".join(f"{made[0]} refs/heads/x{number:06}\n" for number in range(3000))
    (tmp_path / "many/packed-refs").write_text(f"{made[2]} refs/heads/main\n{packed}{made[0]} refs/heads/z\n")
    strange.answers["many"] = old_server(tmp_path / "many")
    assert asking.ask(f"{strange.url}/many/r.git") == {"commit": made[2]}
    beyond = asking.ask(f"{strange.url}/many/r.git", "z")
    assert beyond["reason"] == "SourceRefused"
    assert "64 KiB" in beyond["message"]


def test_a_repository_that_moved_on_its_host_is_followed(
    asking: Resolver, strange: Misbehaving, commits: tuple[Repo, list[str]]
) -> None:
    repo, made = commits
    strange.answers["new"] = old_server(repo.path)
    strange.answers["moved"] = reply(301, Location="/new/r.git/info/refs?service=git-upload-pack")
    assert asking.ask(f"{strange.url}/moved/r") == {"commit": made[2]}
    strange.answers["round"] = reply(302, Location="/round/r/info/refs?service=git-upload-pack")
    assert asking.ask(f"{strange.url}/round/r")["reason"] == "SourceRefused"


def test_a_redirect_elsewhere_is_not_followed(asking: Resolver, strange: Misbehaving, server: GitServer) -> None:
    before = server.process.log()
    for location in (
        f"{server.url}/team/app.git/info/refs",
        "http://169.254.169.254/info/refs",
        "//localhost/info/refs",
    ):
        strange.answers["away"] = reply(302, Location=location)
        assert asking.ask(f"{strange.url}/away/r", password="p4ssw0rd")["reason"] == "SourceRefused"
    assert server.process.log() == before


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (reply(401), "AuthRequired"),
        (reply(403), "AuthRequired"),
        (reply(404), "RepositoryNotFound"),
        (reply(410), "RepositoryNotFound"),
        (reply(500), "SourceUnreachable"),
        (reply(429), "SourceUnreachable"),
        (reply(302, Location="/login"), "RepositoryNotFound"),
        (reply(200, b"<html>", "text/html"), "RepositoryNotFound"),
        (reply(200, b"<html>"), "SourceUnreachable"),
        (reply(200, b""), "SourceUnreachable"),
        (reply(200, b"00"), "SourceUnreachable"),
        (reply(200, b"x", Content_Encoding="gzip"), "SourceUnreachable"),
        (reply(200, b"001e# service=git-upload-pack\n0000000eversion 2\n0000"), "SourceUnreachable"),
        (endless(b"", b"001e# service=git-upload-pack\n" * 100, 0), "SourceRefused"),
        (endless(b"", b"0", 0.1), "SourceUnreachable"),
    ],
    ids=[
        "401",
        "403",
        "404",
        "410",
        "500",
        "429",
        "login",
        "page",
        "lie",
        "nothing",
        "cut",
        "gzip",
        "no ls-refs",
        "endless",
        "slow",
    ],
)
def test_servers_that_misbehave(asking: Resolver, strange: Misbehaving, answer: Answer, reason: str) -> None:
    strange.answers["bad"] = answer
    started = time.monotonic()
    result = asking.ask(f"{strange.url}/bad/r.git", password="p4ssw0rd")
    assert result["reason"] == reason, result
    assert time.monotonic() - started < 8


def test_both_meanings_of_a_refusal_are_said(asking: Resolver, strange: Misbehaving) -> None:
    strange.answers["hidden"] = reply(401)
    message = asking.ask(f"{strange.url}/hidden/r.git")["message"]
    assert "asks for credentials" in message
    assert "do not exist" in message
    assert "rejected the credentials" in asking.ask(f"{strange.url}/hidden/r.git", password="p4ssw0rd")["message"]


def test_credentials_are_sent_as_basic_and_only_when_given(asking: Resolver, strange: Misbehaving) -> None:
    strange.answers["auth"] = reply(404)
    asking.ask(f"{strange.url}/auth/r.git", username="me", password="p4ssw0rd")
    asking.ask(f"{strange.url}/auth/r.git")
    (_, with_password), (_, without) = strange.seen[-2:]
    assert with_password["Authorization"] == "Basic " + base64.b64encode(b"me:p4ssw0rd").decode()
    assert with_password["Git-Protocol"] == "version=2"
    assert "Authorization" not in without


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with resolving(tmp_path, url) as alone:
        answer = alone.ask(f"{url}/r.git")
        assert answer["reason"] == "SourceUnreachable"
        unknown: dict[str, Any] = alone.ask("https://no-such-host.invalid/r.git")
        assert unknown["reason"] == "SourceUnreachable"
        assert "no such host name" in unknown["message"]
