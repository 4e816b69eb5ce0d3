"""The server of pack Static, asked over real sockets."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest
from ink_static_server.server import Handler, Site, StaticServer, is_fingerprinted

TEXT = "body { color: red }\n" * 500
FILES: dict[str, bytes] = {
    "index.html": b"<h1>home</h1>",
    "docs/index.html": b"docs",
    "about.html": b"about",
    "style.css": TEXT.encode(),
    "assets/index-DiwrgTda.js": b"x" * 5000,
    "app.js": b"plain",
    "app.js.br": b"brotli of it",
    "app.js.gz": gzip.compress(b"plain"),
    "movie.mp4": bytes(range(256)) * 10,
    ".env": b"SECRET=1",
    ".git/config": b"x",
    ".well-known/security.txt": b"contact",
    "with space.txt": b"space",
}


@dataclass
class Asked:
    """An answer, read."""

    status: int
    headers: dict[str, str]
    body: bytes


@pytest.fixture
def site(tmp_path: Path) -> Path:
    root = tmp_path / "public"
    for name, content in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    (tmp_path / "outside.txt").write_text("outside")
    (root / "link.txt").symlink_to(tmp_path / "outside.txt")
    return root


@pytest.fixture
def port(site: Path) -> Iterator[int]:
    class Quiet(Handler):
        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    Quiet.site = Site(site)
    with StaticServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def ask(port: int, path: str, method: str = "GET", **headers: str) -> Asked:
    """One request; header names with underscores for dashes."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer: HTTPResponse = connection.getresponse()
    body = answer.read()
    connection.close()
    return Asked(answer.status, {name.lower(): value for name, value in answer.getheaders()}, body)


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/", 200, b"<h1>home</h1>"),
        ("/docs/", 200, b"docs"),
        ("/about", 200, b"about"),
        ("/with%20space.txt", 200, b"space"),
        ("/.well-known/security.txt", 200, b"contact"),
        ("/deep/link/of/the/app", 200, b"<h1>home</h1>"),
        ("/missing.png", 404, b"not found\n"),
        ("/.env", 404, None),
        ("/.git/config", 404, None),
        ("/link.txt", 404, None),
        ("/../outside.txt", 404, None),
        ("/%2e%2e/outside.txt", 404, None),
        ("/..%2foutside.txt", 404, None),
        ("/docs/..%2f..%2foutside.txt", 404, None),
        ("/..%5coutside.txt", 404, None),
        ("//outside.txt", 404, None),
        ("/docs/%00.txt", 404, None),
        ("/" + "a" * 3000 + ".txt", 404, None),
    ],
)
def test_paths(port: int, path: str, status: int, body: bytes | None) -> None:
    answer = ask(port, path)
    assert answer.status == status
    assert body is None or answer.body == body
    assert b"outside" not in answer.body
    assert b"SECRET" not in answer.body


def test_a_directory_without_a_slash_leads_to_one(port: int) -> None:
    answer = ask(port, "/docs?a=1")
    assert (answer.status, answer.headers["location"]) == (301, "/docs/?a=1")
    assert ask(port, "//evil.example/..").headers.get("location", "/").startswith("/")


def test_an_own_page_for_what_is_not_there(port: int, site: Path) -> None:
    (site / "404.html").write_text("nothing here")
    answer = ask(port, "/deep/link")
    assert (answer.status, answer.body) == (404, b"nothing here")
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("path", "caching"),
    [
        ("/", "no-cache"),
        ("/deep/link", "no-cache"),
        ("/style.css", "public, max-age=300"),
        ("/assets/index-DiwrgTda.js", "public, max-age=31536000, immutable"),
    ],
)
def test_caching(port: int, path: str, caching: str) -> None:
    assert ask(port, path).headers["cache-control"] == caching


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("assets/index-DiwrgTda.js", True),
        ("static/js/main.3f2a1b9c.js", True),
        ("static/js/main.3f2a1b9c.chunk.js", True),
        ("static/css/main.3f2a1b9c.css.map", True),
        ("_next/static/chunks/pages/_app-1a2b3c4d5e6f7a8b.js", True),
        ("main.3f2a1b9c.js", True),
        ("src/User-Component.js", False),
        ("jquery-3.7.1.min.js", False),
        ("assets/background.png", False),
        ("assets/user-interface.css", False),
        ("photo-20240101.jpg", False),
        ("index.html", False),
    ],
)
def test_names_with_a_hash(path: str, expected: bool) -> None:
    assert is_fingerprinted(path) is expected


def test_text_is_compressed_on_the_way(port: int) -> None:
    answer = ask(port, "/style.css", Accept_Encoding="br, gzip")
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(answer.body) == TEXT.encode()
    assert answer.headers["vary"] == "Accept-Encoding"
    assert len(answer.body) == int(answer.headers["content-length"])
    plain = ask(port, "/style.css")
    assert plain.body == TEXT.encode()
    assert plain.headers["etag"] != answer.headers["etag"]


@pytest.mark.parametrize("accepted", ["", "identity", "gzip;q=0", "br;q=0, gzip;q=0.0", "deflate", "gzip;q=x"])
def test_nothing_is_compressed_for_who_does_not_want_it(port: int, accepted: str) -> None:
    assert "content-encoding" not in ask(port, "/style.css", Accept_Encoding=accepted).headers


@pytest.mark.parametrize(
    ("accepted", "coding", "body"),
    [
        ("gzip, br", "br", b"brotli of it"),
        ("gzip", "gzip", FILES["app.js.gz"]),
        ("br;q=0, *", "gzip", FILES["app.js.gz"]),
    ],
)
def test_a_compressed_file_beside_it_is_taken(port: int, accepted: str, coding: str, body: bytes) -> None:
    answer = ask(port, "/app.js", Accept_Encoding=accepted)
    assert (answer.headers["content-encoding"], answer.body) == (coding, body)
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"


@pytest.mark.parametrize("accepted", ["", "gzip"])
def test_what_is_known_is_not_sent_again(port: int, accepted: str) -> None:
    tag = ask(port, "/style.css", Accept_Encoding=accepted).headers["etag"]
    for header in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        answer = ask(port, "/style.css", Accept_Encoding=accepted, If_None_Match=header)
        assert (answer.status, answer.body) == (304, b"")
        assert answer.headers["etag"] == tag
    assert ask(port, "/style.css", Accept_Encoding=accepted, If_None_Match='"other"').status == 200


@pytest.mark.parametrize(
    ("asked", "status", "begin", "end"),
    [
        ("bytes=0-9", 206, 0, 10),
        ("bytes=2550-", 206, 2550, 2560),
        ("bytes=-5", 206, 2555, 2560),
        ("bytes=-99999", 206, 0, 2560),
        ("bytes=10-99999", 206, 10, 2560),
        ("bytes=0-1,5-6", 200, 0, 2560),
        ("lines=1-2", 200, 0, 2560),
        ("bytes=-", 200, 0, 2560),
    ],
)
def test_ranges(port: int, asked: str, status: int, begin: int, end: int) -> None:
    answer = ask(port, "/movie.mp4", Range=asked)
    assert (answer.status, answer.body) == (status, FILES["movie.mp4"][begin:end])
    if status == 206:
        assert answer.headers["content-range"] == f"bytes {begin}-{end - 1}/2560"


@pytest.mark.parametrize("asked", ["bytes=2560-", "bytes=9-3", "bytes=-0"])
def test_impossible_ranges(port: int, asked: str) -> None:
    answer = ask(port, "/movie.mp4", Range=asked)
    assert (answer.status, answer.headers["content-range"]) == (416, "bytes */2560")


def test_a_range_of_another_version_gets_everything(port: int) -> None:
    assert ask(port, "/movie.mp4", Range="bytes=0-9", If_Range='"old"').status == 200


@pytest.mark.parametrize("path", ["/", "/style.css", "/missing.png", "/movie.mp4"])
def test_head_says_what_get_would(port: int, path: str) -> None:
    head, get = ask(port, path, "HEAD"), ask(port, path)
    assert head.body == b""
    for name in ("content-length", "content-type", "etag", "cache-control"):
        assert head.headers.get(name) == get.headers.get(name)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_refused(port: int, method: str) -> None:
    assert (ask(port, "/", method).status, ask(port, "/", method).headers["allow"]) == (405, "GET, HEAD")


def test_a_connection_serves_many_requests(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), 10) as sock:
        for _ in range(3):
            sock.sendall(b"GET /about HTTP/1.1\r\nHost: x\r\n\r\n")
            data = b""
            while not data.endswith(b"about"):
                data += sock.recv(1000)
            assert data.startswith(b"HTTP/1.1 200")
