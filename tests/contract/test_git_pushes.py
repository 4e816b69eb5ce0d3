"""What the ordinary git client sees: cloning, pushing, refusals; and which push events follow."""

from __future__ import annotations

import itertools
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import jwt
import pytest
from contract.git_server import ADMIN_TOKEN, PLAIN, SIGNING_KEY, GitServer, Repo, WorkingCopy, run, serving
from support.waiting import eventually

ZERO = "0" * 40
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    with serving(tmp_path_factory.mktemp("git")) as running:
        yield running


@pytest.fixture
def repo(server: GitServer) -> Repo:
    return server.create(f"repo-{next(numbers)}")


@pytest.fixture
def work(tmp_path: Path) -> WorkingCopy:
    return WorkingCopy.new(tmp_path / "work")


def heard(repo: Repo, count: int) -> list[dict[str, str]]:
    """The updates of a repository, once there are `count`."""
    receiver = repo.server.receiver
    eventually(lambda: len(receiver.of(repo.name)) >= count, within=10, every=0.05, what=f"{count} updates are heard")
    return receiver.of(repo.name)


def test_a_push_can_be_cloned_and_is_heard_of_once(repo: Repo, work: WorkingCopy, tmp_path: Path) -> None:
    commit = work.commit("one\n")
    said = work.git("push", repo.url(), "main")
    assert f"remote: Ink: main@{commit[:7]} received; services that follow this branch will deploy it" in said
    assert heard(repo, 1) == [{"ref": "refs/heads/main", "old": ZERO, "new": commit}]
    done = run("clone", repo.url(repo.read), str(tmp_path / "copy"))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "copy/file.txt").read_text() == "one\n"
    # The same push again moves nothing.
    work.git("push", repo.url(), "main")
    second = work.commit("two\n")
    work.git("push", repo.url(), "main")
    assert heard(repo, 2) == [
        {"ref": "refs/heads/main", "old": ZERO, "new": commit},
        {"ref": "refs/heads/main", "old": commit, "new": second},
    ]


def test_history_may_be_rewritten_and_branches_deleted(repo: Repo, work: WorkingCopy) -> None:
    first = work.commit("one\n")
    work.git("push", repo.url(), "main", "main:feature/x", "main:refs/tags/v1")
    work.git("commit", "--quiet", "--amend", "--message=other")
    amended = work.git("rev-parse", "HEAD").strip()
    assert "rejected" in work.git("push", repo.url(), "main", fails=True)
    work.git("push", "--force", repo.url(), "main")
    said = work.git("push", repo.url(), "--delete", "feature/x")
    assert "received" not in said
    assert repo.refs() == {"refs/heads/main": amended, "refs/tags/v1": first}
    updates = heard(repo, 5)
    assert updates[:3] == [
        {"ref": "refs/heads/feature/x", "old": ZERO, "new": first},
        {"ref": "refs/heads/main", "old": ZERO, "new": first},
        {"ref": "refs/tags/v1", "old": ZERO, "new": first},
    ]
    assert updates[3:] == [
        {"ref": "refs/heads/main", "old": first, "new": amended},
        {"ref": "refs/heads/feature/x", "old": first, "new": ZERO},
    ]


def test_the_first_branch_pushed_becomes_the_default_one(repo: Repo, work: WorkingCopy, tmp_path: Path) -> None:
    work.commit()
    work.git("push", repo.url(), "main:trunk")
    answer = repo.server.api.get(f"/v1/repos/team/{repo.name}").json()
    assert answer["defaultBranch"] == "trunk"
    assert run("clone", repo.url(), str(tmp_path / "copy")).returncode == 0
    assert (tmp_path / "copy/file.txt").exists()


def test_a_token_for_reading_cannot_push(repo: Repo, work: WorkingCopy) -> None:
    work.commit()
    said = work.git("push", repo.url(repo.read), "main", fails=True)
    assert "403" in said
    assert "this token is read-only" in said
    assert repo.refs() == {}


@pytest.mark.parametrize("token", ["mlg_" + "0" * 60, "mlg_a.b.c", "x", ADMIN_TOKEN, "mlg_" + "x" * 5000])
def test_a_wrong_token_opens_nothing(repo: Repo, token: str) -> None:
    answer = httpx.get(f"{repo.plain_url}/info/refs?service=git-upload-pack", auth=("anyone", token))
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith('Basic realm="')
    done = run("ls-remote", repo.url(token))
    assert "Authentication failed" in done.stderr


def test_without_a_token_every_address_answers_the_same(repo: Repo) -> None:
    answers = [
        httpx.get(f"{repo.server.url}/{path}.git/info/refs?service=git-upload-pack")
        for path in (f"team/{repo.name}", "team/no-such-repo", "nobody/x", "TEAM/%2e%2e")
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1


def test_a_token_tells_nothing_about_other_repositories(server: GitServer, repo: Repo) -> None:
    other = server.create(f"repo-{next(numbers)}")
    names = (f"team/{other.name}", "team/no-such-repo", "other/x", "team/%2e%2e", "team/a%0ab")
    for service in ("git-upload-pack", "git-receive-pack"):
        for name in names:
            answer = httpx.get(f"{server.url}/{name}.git/info/refs?service={service}", auth=("x", repo.write))
            assert (answer.status_code, "does not exist" in answer.text) == (404, True), name


def test_tokens_end_by_time_and_by_revocation(server: GitServer, repo: Repo) -> None:
    url = f"{repo.plain_url}/info/refs?service=git-upload-pack"

    def status(token: str) -> int:
        return httpx.get(url, auth=("x", token)).status_code

    short = server.token("team", repo.name, "read", seconds=1)
    made = server.api.post(f"/v1/repos/team/{repo.name}/tokens", json={"scope": "write"}).json()
    assert made["expiresAt"] is None
    assert status(made["token"]) == 200
    assert server.api.delete(f"/v1/repos/team/{repo.name}/tokens/{made['id']}").status_code == 204
    assert status(made["token"]) == 401
    eventually(lambda: status(short) == 401, within=5, every=0.1, what="the token expires")
    assert status(repo.read) == 200
    assert server.api.delete(f"/v1/repos/team/{repo.name}/tokens").status_code == 204
    assert status(repo.read) == 401
    assert server.api.get(f"/v1/repos/team/{repo.name}/tokens").json() == []


def signed(key: str = SIGNING_KEY, algorithm: str = "HS256", **claims: object) -> str:
    """A machine's token."""
    body = {"sub": "team", "scope": "read", "exp": int(time.time()) + 60, **claims}
    kept = {name: value for name, value in body.items() if value is not None}
    return "mlg_" + jwt.encode(kept, None if algorithm == "none" else key, algorithm=algorithm)  # type: ignore[arg-type]


def test_a_machine_reads_with_a_signed_token(repo: Repo, work: WorkingCopy) -> None:
    work.commit()
    work.git("push", repo.url(), "main")
    token = signed(repo=f"team/{repo.name}")
    assert "refs/heads/main" in run("ls-remote", repo.url(token)).stdout
    assert "403" in work.git("push", repo.url(token), "main:other", fails=True)


def test_forged_and_stale_signed_tokens_open_nothing(repo: Repo) -> None:
    name = f"team/{repo.name}"
    bad = {
        "other key": signed(key="z" * 64, repo=name),
        "no signature": signed(algorithm="none", repo=name),
        "other algorithm": signed(algorithm="HS512", repo=name),
        "expired": signed(repo=name, exp=int(time.time()) - 60),
        "no end": signed(repo=name, exp=None),
        "may write": signed(repo=name, scope="write"),
        "no repository": signed(),
        "list of repositories": signed(repo=[name]),
        "path": signed(repo=f"team/x/../{repo.name}"),
    }
    for why, token in bad.items():
        answer = httpx.get(f"{repo.plain_url}/info/refs?service=git-upload-pack", auth=("x", token))
        assert answer.status_code == 401, why
    elsewhere = httpx.get(f"{repo.plain_url}/info/refs?service=git-upload-pack", auth=("x", signed(repo="team/other")))
    assert elsewhere.status_code == 404


def test_pushes_at_the_same_time_all_arrive(repo: Repo, work: WorkingCopy) -> None:
    work.commit("base\n")
    work.git("push", repo.url(), "main")
    commits = {}
    for number in range(8):
        work.git("checkout", "--quiet", "-b", f"b{number}", "main")
        commits[f"refs/heads/b{number}"] = work.commit(f"{number}\n", f"{number}.txt")
    pushes = [
        subprocess.Popen(["git", "-C", work.directory, "push", repo.url(), f"b{n}"], env=PLAIN, stderr=subprocess.PIPE)
        for n in range(8)
    ]
    for push in pushes:
        _, said = push.communicate(timeout=60)
        assert push.returncode == 0, said
    assert {ref: sha for ref, sha in repo.refs().items() if ref in commits} == commits
    updates = heard(repo, 9)
    assert {u["ref"]: u["new"] for u in updates[1:]} == commits
    assert len(updates) == 9, "each ref is announced once"


def test_two_pushes_to_one_branch_leave_one_winner(repo: Repo, work: WorkingCopy) -> None:
    base = work.commit("base\n")
    work.git("push", repo.url(), "main")
    rivals = []
    for number in range(4):
        work.git("checkout", "--quiet", "-b", f"r{number}", base)
        rivals.append(work.commit(f"{number}\n"))
    pushes = [
        subprocess.Popen(
            ["git", "-C", work.directory, "push", repo.url(), f"r{n}:main"], env=PLAIN, stderr=subprocess.DEVNULL
        )
        for n in range(4)
    ]
    codes = [push.wait(timeout=60) for push in pushes]
    assert codes.count(0) == 1
    assert repo.refs()["refs/heads/main"] == rivals[codes.index(0)]


def test_a_builder_fetches_one_exact_commit_shallowly(repo: Repo, work: WorkingCopy, tmp_path: Path) -> None:
    pygit2 = pytest.importorskip("pygit2")
    commits = [work.commit(f"{number}\n") for number in range(5)]
    work.git("push", repo.url(), "main")
    # By git, a commit that is no branch's head.
    run("init", "--quiet", str(tmp_path / "a"))
    done = run("-C", str(tmp_path / "a"), "fetch", "--depth=1", repo.url(repo.read), commits[2])
    assert done.returncode == 0, done.stderr
    assert run("-C", str(tmp_path / "a"), "rev-list", "--count", "FETCH_HEAD").stdout == "1\n"
    # By libgit2, as the builder does.
    token = signed(repo=f"team/{repo.name}")
    clone = pygit2.init_repository(str(tmp_path / "b"))
    remote = clone.remotes.create_anonymous(repo.plain_url)
    remote.fetch([commits[2]], depth=1, callbacks=pygit2.RemoteCallbacks(pygit2.UserPass("ink", token)))
    found = clone.get(commits[2])
    assert found is not None
    assert clone.get(commits[1]) is None, "the history came along"
    assert found.tree["file.txt"].data == b"2\n"


def test_large_histories_and_old_protocols_work(repo: Repo, work: WorkingCopy, tmp_path: Path) -> None:
    for number in range(30):
        work.commit(f"{number}\n" * 1000, f"{number}.txt")
    work.git("push", repo.url(), "main")
    for version in ("0", "1", "2"):
        target = tmp_path / f"v{version}"
        done = run("-c", f"protocol.version={version}", "clone", repo.url(repo.read), str(target))
        assert done.returncode == 0, done.stderr
        # Negotiation with many haves (gzip bodies) after more commits on the server.
        work.commit(version)
        work.git("push", repo.url(), "main")
        fetched = run("-c", f"protocol.version={version}", "-C", str(target), "fetch", "origin", "main")
        assert fetched.returncode == 0, fetched.stderr
    assert len(list(tmp_path.glob("v*/29.txt"))) == 3
