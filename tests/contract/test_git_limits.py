"""Large, slow, broken and hostile clients: bounded memory, a sentence for who pushes too much, nothing left behind."""

from __future__ import annotations

import contextlib
import gzip
import itertools
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from contract.git_server import PLAIN, GitServer, Repo, WorkingCopy, serving
from support.waiting import eventually

MIB = 1 << 20
ZERO = "0" * 40
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    limits = {
        "INK_REPO_MAX_BYTES": str(30 * MIB),
        "INK_PUSH_MAX_BYTES": str(20 * MIB),
        "INK_IDLE_TIMEOUT_SECONDS": "3",
    }
    with serving(tmp_path_factory.mktemp("git"), **limits) as running:
        yield running


@pytest.fixture
def repo(server: GitServer) -> Repo:
    return server.create(f"repo-{next(numbers)}")


@pytest.fixture
def work(tmp_path: Path) -> WorkingCopy:
    copy = WorkingCopy.new(tmp_path / "work")
    copy.commit("base\n")
    return copy


def test_fifty_megabytes_fit_and_do_not_pass_through_memory(work: WorkingCopy, tmp_path: Path) -> None:
    with serving(tmp_path) as roomy:
        push_and_clone_fifty_megabytes(roomy.create("big"), work, tmp_path)


def push_and_clone_fifty_megabytes(repo: Repo, work: WorkingCopy, tmp_path: Path) -> None:
    commit = work.commit(file="big", data=os.urandom(50 * MIB))
    work.git("push", repo.url(), "main")
    assert repo.refs() == {"refs/heads/main": commit}
    clone = WorkingCopy(tmp_path / "copy")
    work.git("clone", "--quiet", repo.url(repo.read), str(clone.directory))
    assert (clone.directory / "big").stat().st_size == 50 * MIB
    assert repo.server.process.peak_bytes() < 100 * MIB


def test_a_push_over_the_limit_is_refused_in_words(repo: Repo, work: WorkingCopy) -> None:
    work.git("push", repo.url(), "main")
    before = repo.refs()
    work.commit(file="big", data=os.urandom(21 * MIB))
    said = work.git("push", repo.url(), "main", fails=True)
    assert "remote: Ink: a push is limited to 20.0 MiB" in said
    assert "received" not in said
    assert repo.refs() == before
    assert not list((repo.path / "objects").glob("tmp_objdir*")), "refused objects stay on the disk"
    # The connection and the repository are as good as before.
    work.git("reset", "--quiet", "--hard", "HEAD~1")
    work.commit("small\n")
    work.git("push", repo.url(), "main")


def test_a_full_repository_takes_no_more_but_gives_and_deletes(repo: Repo, work: WorkingCopy) -> None:
    work.commit(file="one", data=os.urandom(15 * MIB))
    work.git("push", repo.url(), "main", "main:other")
    work.commit(file="two", data=os.urandom(16 * MIB))
    said = work.git("push", repo.url(), "main", fails=True)
    assert "remote: Ink: the repository is limited to 30.0 MiB and has 15." in said
    assert "push less, or remove large files from its history" in said
    work.git("push", repo.url(), "--delete", "other")
    work.git("fetch", "--quiet", repo.url(repo.read), "main")


def test_a_client_killed_in_mid_push_leaves_nothing(repo: Repo, work: WorkingCopy) -> None:
    work.git("push", repo.url(), "main")
    before, server = repo.refs(), repo.server
    # By hand, so that exactly half of the request has been sent when the connection breaks.
    with push_by_hand(repo, f"{ZERO} {work.commit()} refs/heads/x\0 report-status side-band-64k") as client:
        client.sendall(chunk(b"PACK" + b"\0\0\0\2" + b"\0\0\0\1"))
        eventually(server.process.children, within=10, every=0.02, what="git runs")
    eventually(lambda: not server.process.children(), within=10, every=0.05, what="git has ended")
    assert repo.refs() == before
    assert not list((repo.path / "objects").glob("tmp_objdir*"))
    work.git("push", repo.url(), "main")


def test_a_killed_git_client_leaves_nothing(repo: Repo, work: WorkingCopy) -> None:
    work.commit(file="big", data=os.urandom(12 * MIB))
    with narrow_way(repo.server.public, 5 * MIB) as port:
        url = repo.url().replace(f":{repo.server.public}/", f":{port}/")
        command = ["git", "-C", str(work.directory), "push", url, "main"]
        push = subprocess.Popen(command, env=PLAIN, start_new_session=True, stderr=subprocess.DEVNULL)
        objects = repo.path / "objects"
        eventually(lambda: list(objects.glob("tmp_objdir*")), within=60, every=0.05, what="objects arrive")
        os.killpg(push.pid, signal.SIGKILL)
        push.wait()
        eventually(lambda: not repo.server.process.children(), within=10, every=0.05, what="git has ended")
    assert not list(objects.glob("tmp_objdir*"))
    work.git("push", repo.url(), "main")


def test_a_silent_client_is_given_up(repo: Repo, work: WorkingCopy) -> None:
    with push_by_hand(repo, f"{ZERO} {work.commit()} refs/heads/x\0 report-status") as client:
        eventually(repo.server.process.children, within=10, every=0.02, what="git runs")
        client.settimeout(20)
        assert client.recv(65536).startswith(b"HTTP/1.1 408 "), "it is told why"
        assert client.recv(65536) == b"" or client.recv(65536) == b"", "the connection ends"
    eventually(lambda: not repo.server.process.children(), within=10, every=0.05, what="git has ended")


def test_a_client_that_does_not_read_is_given_up(repo: Repo, work: WorkingCopy) -> None:
    commit = work.commit(file="big", data=os.urandom(18 * MIB))
    work.git("push", repo.url(), "main")
    body = packet(f"want {commit} side-band-64k\n") + b"0000" + packet("done\n")
    with connection(repo, "git-upload-pack", repo.read) as client:
        client.sendall(f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        assert client.recv(1024).startswith(b"HTTP/1.1 200")
        eventually(lambda: not repo.server.process.children(), within=20, every=0.05, what="git has ended")


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (gzip.compress(b"\0" * (200 * MIB), 1), {"Content-Encoding": "gzip"}, 413),
        (b"no gzip at all", {"Content-Encoding": "gzip"}, 400),
        (gzip.compress(b"0000")[:-6], {"Content-Encoding": "gzip"}, 400),
        (b"0000", {"Content-Encoding": "br"}, 415),
        (b"0000", {"Content-Type": "text/plain"}, 415),
    ],
    ids=["bomb", "no gzip", "cut gzip", "brotli", "other type"],
)
def test_bad_bodies_are_refused(repo: Repo, body: bytes, headers: dict[str, str], status: int) -> None:
    headers = {"Content-Type": "application/x-git-upload-pack-request", **headers}
    url = f"{repo.plain_url}/git-upload-pack"
    try:
        answer = httpx.post(url, content=body, headers=headers, auth=("x", repo.read))
        assert answer.status_code == status
    except httpx.WriteError:
        assert status == 413, "only who sends too much may find the connection closed"
    assert repo.server.process.peak_bytes() < 100 * MIB


def test_a_fetch_that_asks_without_end_is_refused(repo: Repo, work: WorkingCopy) -> None:
    work.git("push", repo.url(), "main")
    wants = packet(f"want {repo.refs()['refs/heads/main']}\n") * (11 * MIB // 50)
    with connection(repo, "git-upload-pack", repo.read) as client:
        client.sendall(f"Content-Length: {len(wants)}\r\n\r\n".encode())
        with contextlib.suppress(ConnectionError):
            client.sendall(wants)
        assert client.recv(1024).startswith(b"HTTP/1.1 413 ")


def test_too_much_is_told_even_when_git_has_ended_before(repo: Repo) -> None:
    with connection(repo, "git-upload-pack", repo.read) as client:
        client.sendall(f"Content-Length: {11 * MIB}\r\n\r\n".encode())
        eventually(repo.server.process.children, within=10, every=0.02, what="git runs")
        client.sendall(b"no packet at all")
        eventually(lambda: not repo.server.process.children(), within=10, every=0.02, what="git has ended")
        with contextlib.suppress(ConnectionError):
            client.sendall(bytes(11 * MIB - 16))
        assert client.recv(1024).startswith(b"HTTP/1.1 413 ")


def test_only_the_three_addresses_of_a_repository_exist(repo: Repo) -> None:
    base, auth = repo.plain_url, ("x", repo.write)
    assert httpx.get(f"{base}/info/refs", auth=auth).status_code == 403
    assert httpx.get(f"{base}/info/refs?service=git-shell", auth=auth).status_code == 403
    assert httpx.get(f"{base}/info/refs?service=git-upload-pack%20--help", auth=auth).status_code == 403
    for path in ("HEAD", "objects/info/packs", "config", "../../../git.db", "%2e%2e/%2e%2e/git.db"):
        assert httpx.get(f"{base}/{path}", auth=auth).status_code in (404, 405)
    assert httpx.post(f"{base}/git-upload-archive", auth=auth, content=b"0000").status_code == 403
    assert httpx.put(f"{base}/git-receive-pack", auth=auth, content=b"").status_code == 405
    assert httpx.get(f"{repo.server.url}/v1/repos/team", auth=auth).status_code == 404, "the internal API is elsewhere"


@pytest.mark.parametrize(
    "ref",
    ["refs/heads/a\nb", "refs/heads/../../config", "refs/heads/-x", "HEAD", "config", "refs/heads/a\x07", "objects/x"],
)
def test_ref_names_that_git_refuses_change_nothing(repo: Repo, work: WorkingCopy, ref: str) -> None:
    commit = work.commit()
    work.git("push", repo.url(), "main")
    before = sorted(str(path) for path in repo.path.rglob("*") if "objects" not in path.parts)
    line = f"{ZERO} {commit} {ref}\0 report-status side-band-64k"
    empty_pack = bytes.fromhex("5041434b0000000200000000029d08823bd8a8eab510ad6ac75c823cfd3ed31e")
    with push_by_hand(repo, line) as client:
        client.sendall(chunk(empty_pack) + b"0\r\n\r\n")
        client.settimeout(10)
        client.recv(65536)
    assert repo.refs() == ({"refs/heads/main": commit} if ref != "refs/heads/-x" else repo.refs())
    assert "refs/heads/main" in repo.refs()
    if ref != "refs/heads/-x":
        assert before == sorted(str(path) for path in repo.path.rglob("*") if "objects" not in path.parts)


def test_hooks_in_a_repository_never_run(repo: Repo, work: WorkingCopy) -> None:
    hooks = repo.path / "hooks"
    hooks.mkdir()
    mark = repo.server.data / "hook-ran"
    for name in ("pre-receive", "update", "post-receive", "post-update", "reference-transaction", "proc-receive"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {mark}\n")
        (hooks / name).chmod(0o755)
    work.git("push", repo.url(), "main")
    assert not mark.exists()


def test_git_processes_inherit_no_secret(repo: Repo, work: WorkingCopy) -> None:
    with push_by_hand(repo, f"{ZERO} {work.commit()} refs/heads/x\0 report-status"):
        eventually(repo.server.process.children, within=10, every=0.02, what="git runs")
        found = [
            (Path("/proc") / str(pid) / "environ").read_bytes()
            for pid in map(int, filter(str.isdigit, os.listdir("/proc")))  # noqa: PTH208
            if is_child(pid, repo.server.process.pid)
        ]
    assert found
    for environment in found:
        names = {entry.partition(b"=")[0] for entry in environment.split(b"\0") if entry}
        assert not any(name.startswith(b"INK_") for name in names)
        assert b"PYTHONPATH" not in names


@contextlib.contextmanager
def narrow_way(to_port: int, let_through: int) -> Iterator[int]:
    """A port that leads to another, where each connection may send so many bytes and then stands still."""

    def carry(source: socket.socket, target: socket.socket, most: int) -> None:
        with contextlib.suppress(OSError):
            while most > 0 and (data := source.recv(min(most, 65536))):
                target.sendall(data)
                most -= len(data)
            if most <= 0:
                # Nothing more is read; the end of the connection is seen all the same.
                wait = select.poll()
                wait.register(source, select.POLLRDHUP)
                wait.poll(60_000)
            target.shutdown(socket.SHUT_RDWR)

    def listen() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = door.accept()
                server = socket.create_connection(("127.0.0.1", to_port))
                for way in ((client, server, let_through), (server, client, sys.maxsize)):
                    threading.Thread(target=carry, args=way, daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as door:
        threading.Thread(target=listen, daemon=True).start()
        yield int(door.getsockname()[1])


def is_child(pid: int, parent: int) -> bool:
    """Whether a process is another's child."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[1] == str(parent)
    except OSError:
        return False


def packet(text: str) -> bytes:
    """A pkt-line."""
    return f"{len(text.encode()) + 4:04x}{text}".encode()


def chunk(data: bytes) -> bytes:
    """A chunk of HTTP's chunked encoding."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def connection(repo: Repo, service: str, token: str) -> socket.socket:
    """A POST whose headers lack their end."""
    client = socket.create_connection(("127.0.0.1", repo.server.public))
    pair = httpx.BasicAuth("x", token)._auth_header
    client.sendall(
        f"POST /{repo.workspace}/{repo.name}.git/{service} HTTP/1.1\r\nHost: git\r\nAuthorization: {pair}\r\n"
        f"Content-Type: application/x-{service}-request\r\n".encode()
    )
    return client


def push_by_hand(repo: Repo, line: str) -> socket.socket:
    """A push whose command has been sent, and whose pack has not."""
    client = connection(repo, "git-receive-pack", repo.write)
    client.sendall(b"Transfer-Encoding: chunked\r\n\r\n" + chunk(packet(line) + b"0000"))
    return client
