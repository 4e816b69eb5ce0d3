"""The internal API: what the gateway may do, and what it is told when it asks for nonsense."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from contract.git_server import GitServer, WorkingCopy, run, serving


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    with serving(tmp_path_factory.mktemp("git")) as running:
        yield running


def test_a_repository_lives_from_put_to_delete(server: GitServer, tmp_path_factory: pytest.TempPathFactory) -> None:
    api, path = server.api, "/v1/repos/life/my-repo_1.x"
    body = {"workspace": "life", "name": "my-repo_1.x", "description": "Grüße", "empty": True, "defaultBranch": "main"}
    assert api.get(path).status_code == 404
    created = api.put(path, json={"description": "Grüße"})
    assert (created.status_code, created.json()) == (201, body)
    again = api.put(path, json={"description": "another"})
    assert (again.status_code, again.json()) == (200, body)
    assert api.put("/v1/repos/life/second").status_code == 201, "the body may be left out"
    assert [repo["name"] for repo in api.get("/v1/repos/life").json()] == ["my-repo_1.x", "second"]
    token = server.token("life", "my-repo_1.x", "write")
    work = WorkingCopy.new(tmp_path_factory.mktemp("work"))
    work.commit()
    url = server.url.replace("http://", f"http://x:{token}@") + "/life/my-repo_1.x.git"
    work.git("push", url, "main")
    assert api.get(path).json()["empty"] is False
    assert api.delete(path).status_code == 204
    assert api.delete(path).status_code == 204, "again is no error"
    assert api.get(path).status_code == 404
    # A later repository of that name is another one: empty, and the old token does not open it.
    assert api.put(path).json()["empty"] is True
    assert "Authentication failed" in run("ls-remote", url).stderr


def test_workspaces_are_apart(server: GitServer) -> None:
    server.create("same", "one")
    server.create("same", "two")
    assert len(server.api.get("/v1/repos/one").json()) == 1
    assert server.api.get("/v1/repos/empty").json() == []


@pytest.mark.parametrize(
    ("workspace", "repo"),
    [
        ("Team", "r"),
        ("t" * 25, "r"),
        ("team", "R"),
        ("team", "r" * 65),
        ("team", ".hidden"),
        ("team", "a..b"),
        ("team", "a.git"),
        ("team", "a.lock"),
        ("team", "a-"),
        ("team", "a%0a"),
        ("team", "a%00b"),
        ("te--am", "r"),
        (".spare", "r"),
        ("team", "é"),
    ],
)
def test_names_that_are_none_are_refused_in_words(server: GitServer, workspace: str, repo: str) -> None:
    answer = server.api.put(f"/v1/repos/{workspace}/{repo}")
    assert answer.status_code == 422
    assert answer.json()["reason"] == "InvalidName"
    assert "is not a" in answer.json()["message"]


@pytest.mark.parametrize("path", ["team/..%2f..%2fetc", "..%2f..%2fetc/x", "%2e%2e/%2e%2e", "team/../x"])
def test_paths_lead_nowhere(server: GitServer, path: str) -> None:
    assert server.api.put(f"/v1/repos/{path}").status_code in (404, 405, 422)


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer x"}, {"Authorization": "Basic eDp5"}])
def test_only_the_admin_token_opens_it(server: GitServer, header: dict[str, str]) -> None:
    base = str(server.api.base_url).rstrip("/") + "/"
    for method, path in (("GET", "v1/repos/team"), ("PUT", "v1/repos/team/x"), ("POST", "v1/repos/team/x/tokens")):
        assert httpx.request(method, base + path, headers=header).status_code == 401
    assert httpx.get(base + "healthz").status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"scope": "admin"},
        {},
        {"scope": "read", "expiresInSeconds": 0},
        {"scope": "read", "expiresInSeconds": -5},
        {"scope": "read", "expiresInSeconds": True},
        {"scope": "read", "expiresInSeconds": "60"},
        {"scope": ["read"]},
    ],
)
def test_tokens_are_asked_for_in_one_way(server: GitServer, body: dict[str, object]) -> None:
    server.api.put("/v1/repos/team/tokens-repo")
    assert server.api.post("/v1/repos/team/tokens-repo/tokens", json=body).status_code == 422
    assert server.api.post("/v1/repos/team/none/tokens", json={"scope": "read"}).status_code == 404


def test_broken_and_large_bodies_are_refused(server: GitServer) -> None:
    path = "/v1/repos/team/bodies"
    assert server.api.put(path, content=b"{").status_code == 400
    assert server.api.put(path, content=b"[]").status_code == 400
    assert server.api.put(path, content=b"[" * 50000).status_code == 400
    assert server.api.put(path, content=b" " * 70000).status_code == 413
    assert server.api.put(path, json={"description": "x" * 1025}).status_code == 422
    assert server.api.get(path).status_code == 404


def test_tokens_are_stored_hashed(server: GitServer) -> None:
    repo = server.create("hashed")
    files = [path for path in server.data.rglob("*") if path.is_file()]
    assert any(path.name == "git.db" for path in files)
    for path in files:
        assert repo.write.encode() not in path.read_bytes()
        assert repo.write.removeprefix("mlg_").encode() not in path.read_bytes()
