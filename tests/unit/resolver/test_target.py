"""Requests and redirects: what is followed and what is not."""

from __future__ import annotations

import pytest
from ink_api.reasons import Reason
from ink_resolver.errors import SourceError
from ink_resolver.target import is_internal, parse_branch, parse_query, parse_url, redirected
from yarl import URL

INTERNAL = URL("http://git.dp-system.svc.cluster.local:8080")


def reason_of(url: str) -> Reason | None:
    try:
        parse_url(url, INTERNAL)
    except SourceError as failure:
        return failure.reason
    return None


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/o/r",
        "https://github.com/o/r.git",
        "https://git.example.com:8443/deep/er/r.git/",
        "https://example.com/~user/r%20x.git",
        "http://git.dp-system.svc.cluster.local:8080/team/app.git",
    ],
)
def test_addresses_that_are_followed(url: str) -> None:
    assert reason_of(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x",
        "http://github.com/o/r",
        "git://github.com/o/r",
        "ssh://git@github.com/o/r",
        "git@github.com:o/r.git",
        "file:///etc/passwd",
        "ext::sh -c id",
        "https:///r.git",
        "https://github.com",
        "https://github.com/",
        "https://user@github.com/o/r",
        "https://user:pw@github.com/o/r",
        "https://:@github.com/o/r",
        "https://github.com/o/r?x=1",
        "https://github.com/o/r#x",
        "https://github.com:22/o/r",
        "https://github.com:99999/o/r",
        "https://github.com:x/o/r",
        "https://github.com/o r",
        "https://github.com/o\nr",
        "https://github.com\\@10.0.0.1/o/r",
        "https://github.com/" + "x" * 3000,
        "https://[::1/o/r",
        "http://git.dp-system.svc.cluster.local/team/app.git",
        "http://git.dp-system.svc.cluster.local:8081/v1/repos",
        "http://git.dp-system.svc.cluster.local:8080@evil.example/x",
        "http://evil.example#git.dp-system.svc.cluster.local:8080/x",
        "http://git.dp-system.svc.cluster.local.:8080/team/app.git",
    ],
)
def test_addresses_that_are_not_followed(url: str) -> None:
    assert reason_of(url) is Reason.SOURCE_REFUSED


def test_a_password_in_an_address_is_not_repeated() -> None:
    with pytest.raises(SourceError) as failure:
        parse_url("https://user:hunter2@github.com/o/r", None)
    assert "hunter2" not in str(failure.value)


def test_only_the_exact_server_is_internal() -> None:
    assert is_internal(URL("http://git.dp-system.svc.cluster.local:8080/x"), INTERNAL)
    for other in ("https://git.dp-system.svc.cluster.local:8080/x", "http://git.dp-system.svc.cluster.local:8081/x"):
        assert not is_internal(URL(other), INTERNAL)
    assert not is_internal(URL("http://anything/x"), None)


@pytest.mark.parametrize("branch", ["main", "refs/heads/main", "feature/x", "v1.0", "ü", "", "a-b_c"])
def test_branches(branch: str) -> None:
    assert parse_branch(branch) == branch.removeprefix("refs/heads/")


@pytest.mark.parametrize(
    "branch",
    [
        "a b",
        "a\nb",
        "a\0",
        "-x",
        "/x",
        "x/",
        "a//b",
        "a..b",
        "a~1",
        "a^",
        "a:b",
        "a?",
        "a*",
        "a[",
        "a\\b",
        "x.lock",
        "@{",
        "x" * 300,
        "x.",
    ],
)
def test_names_that_are_no_branch(branch: str) -> None:
    with pytest.raises(SourceError) as failure:
        parse_branch(branch)
    assert failure.value.reason is Reason.BRANCH_NOT_FOUND
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ([], Reason.SOURCE_REFUSED),
        ({"url": 5}, Reason.SOURCE_REFUSED),
        ({"url": "https://x.example/r", "password": "a\nb"}, Reason.SOURCE_REFUSED),
        ({"url": "https://x.example/r", "username": "a:b"}, Reason.SOURCE_REFUSED),
        ({"url": "https://x.example/r", "commit": "abc"}, Reason.COMMIT_NOT_FOUND),
        ({"url": "https://x.example/r", "commit": "A" * 40}, Reason.COMMIT_NOT_FOUND),
    ],
)
def test_requests_that_cannot_be_asked(body: object, reason: Reason) -> None:
    with pytest.raises(SourceError) as failure:
        parse_query(body, None)
    assert failure.value.reason is reason


def test_a_password_is_not_shown() -> None:
    query = parse_query({"url": "https://x.example/r", "branch": "main", "password": "hunter2"}, None)
    assert "hunter2" not in repr(query)


BASE = URL("https://git.example/o/r")


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("https://git.example/o/r.git/info/refs?service=git-upload-pack", "https://git.example/o/r.git"),
        ("/n/new.git/info/refs?service=git-upload-pack", "https://git.example/n/new.git"),
        ("https://git.example:443/o/r.git/info/refs", "https://git.example/o/r.git"),
    ],
)
def test_a_repository_may_move_on_its_host(location: str, target: str) -> None:
    assert str(redirected(BASE, location, "/info/refs")) == target


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("https://other.example/o/r/info/refs", Reason.SOURCE_REFUSED),
        ("//other.example/o/r/info/refs", Reason.SOURCE_REFUSED),
        ("http://git.example/o/r/info/refs", Reason.SOURCE_REFUSED),
        ("https://git.example:8443/o/r/info/refs", Reason.SOURCE_REFUSED),
        ("https://x@git.example/o/r/info/refs", Reason.SOURCE_REFUSED),
        ("http://169.254.169.254/latest/info/refs", Reason.SOURCE_REFUSED),
        ("file:///info/refs", Reason.SOURCE_REFUSED),
        ("gopher:x", Reason.SOURCE_REFUSED),
        ("https://git.example/login?next=/info/refs", Reason.REPOSITORY_NOT_FOUND),
        ("https://git.example/o/r", Reason.REPOSITORY_NOT_FOUND),
    ],
)
def test_other_redirects_are_not_followed(location: str, reason: Reason) -> None:
    with pytest.raises(SourceError) as failure:
        redirected(BASE, location, "/info/refs")
    assert failure.value.reason is reason
