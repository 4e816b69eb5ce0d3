"""Git servers and repositories that mean harm, against the builder's checkout over real sockets.

Limits of bytes, files and patience are lowered by settings, so that the same refusals come cheaply.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ink_builder import addresses
from ink_builder.checkout import Checkout, checkout
from ink_builder.errors import BuildError
from ink_builder.guard import Guard
from ink_builder.settings import Source
from pygit2 import Oid
from support.building import daemons as build_daemons
from support.building.daemons import GitServer
from support.building.hostile_git import DIRECTORY, FILE, LINK, SUBMODULE, HostileHandler, Objects

MIB = 2**20
LIMITS = {"max_bytes": 2 * MIB, "max_files": 1_000}
IMPATIENT = {"slow_seconds": 1.0}
"""Only where a server trickles: a busy machine makes honest ones slow."""
SOME_COMMIT = "0123456789012345678901234567890123456789"


REASONS = {
    "slow": {"SourceUnreachable"},
    "endless": {"SourceTooLarge", "SourceUnreachable"},  # libgit2 may have had enough of it first
    "SourceUnreachable": {"SourceUnreachable"},
    "SourceRefused": {"SourceRefused"},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    """HTTPS on loopback, which the builder takes for Ink's own server: all else is as for a public one."""
    root = tmp_path_factory.mktemp("hostile")
    certificates = build_daemons.mutual_tls()
    (root / "ca.crt").write_text(certificates.ca)
    with build_daemons.git_server(root, handler=HostileHandler, tls=certificates.server) as running:
        yield running


@pytest.fixture(autouse=True)
def _trusted(server: GitServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(server.root / "ca.crt"))


@pytest.fixture
def fetch(server: GitServer, tmp_path: Path) -> Iterator[Callable[..., Checkout]]:
    """checkout() with low limits; afterwards an honest repository is fetched, whatever happened before."""
    number = iter(range(100))

    def run(path: str, commit: str, **changes: object) -> Checkout:
        into = tmp_path / str(next(number))
        into.mkdir()
        given = {"url": f"{server.url}/{path}", "allowed_private": server.url, **LIMITS, **changes}
        return checkout(Source(commit=commit, branch="main", **given), into, lambda _text: None)  # type: ignore[arg-type]

    yield run
    good = server.commit("honest", {"a.txt": "hello"})
    assert (run("honest.git", good).root / "a.txt").read_text() == "hello"


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("promises-more", "SourceUnreachable"),
        ("promises-less", "SourceUnreachable"),
        ("promises-a-negative-length", "SourceUnreachable"),
        ("promises-too-much", "SourceUnreachable"),
        ("trickles", "slow"),
        ("never-ends", "endless"),
        ("hangs-up", "SourceUnreachable"),
        ("speaks-nonsense", "SourceUnreachable"),
        ("leads-to-metadata", "SourceRefused"),
        ("leads-inwards", "SourceRefused"),
        ("leads-to-a-file", "SourceRefused"),
        ("leads-in-a-circle", "SourceRefused"),
    ],
)
def test_a_server_that_misbehaves(fetch: Callable[..., Checkout], behaviour: str, reason: str) -> None:
    with pytest.raises(BuildError) as caught:
        fetch(f"{behaviour}/honest.git", SOME_COMMIT, max_bytes=MIB // 4, **(IMPATIENT if reason == "slow" else {}))
    assert caught.value.reason in REASONS[reason], str(caught.value)


def _million(objects: Objects) -> Oid:
    blob = objects.blob(b"x")
    many = objects.tree(*((FILE, f"{n:04}", blob) for n in range(1_000)))
    return objects.tree(*((DIRECTORY, f"{n:04}", many) for n in range(1_000)))


def _bomb(objects: Objects) -> Oid:
    tree = objects.tree((FILE, "f", objects.blob(b"boom")))
    for _ in range(10):
        tree = objects.tree(*((DIRECTORY, f"d{n}", tree) for n in range(10)))
    return tree


def _empty_bomb(objects: Objects) -> Oid:
    tree = objects.tree()
    for _ in range(10):
        tree = objects.tree(*((DIRECTORY, f"d{n}", tree) for n in range(10)))
    return tree


def _deep(objects: Objects) -> Oid:
    tree = objects.tree((FILE, "f", objects.blob(b"x")))
    for _ in range(900):
        tree = objects.tree((DIRECTORY, "d", tree))
    return tree


def _long(objects: Objects) -> Oid:
    tree = objects.tree((FILE, "f", objects.blob(b"x")))
    for _ in range(20):
        tree = objects.tree((DIRECTORY, "d" * 250, tree))
    return tree


def _large(objects: Objects) -> Oid:
    return objects.tree((FILE, "zeros", objects.blob(bytes(64 * MIB))))


def _many_large(objects: Objects) -> Oid:
    blob = objects.blob(bytes(1 * MIB))
    return objects.tree(*((FILE, f"f{n}", blob) for n in range(5)))


def _through_a_link(objects: Objects) -> Oid:
    inside = objects.tree((FILE, "passwd", objects.blob(b"evil")))
    return objects.tree((LINK, "a", objects.blob(b"/tmp")), (DIRECTORY, "a", inside))


def _named(name: str) -> Callable[[Objects], Oid]:
    return lambda objects: objects.tree((FILE, name, objects.blob(b"x")))


def _below(name: str) -> Callable[[Objects], Oid]:
    def make(objects: Objects) -> Oid:
        return objects.tree((DIRECTORY, name, objects.tree((FILE, "config", objects.blob(b"x")))))

    return make


@pytest.mark.parametrize(
    ("make", "reason", "words"),
    [
        (_million, "SourceTooLarge", "more than 1000 files"),
        (_bomb, "SourceTooLarge", "more than 1000 files"),
        (_empty_bomb, "SourceTooLarge", "files and directories"),
        (_deep, "SourceRefused", "deeper than"),
        (_long, "SourceRefused", "longer than"),
        (_large, "SourceTooLarge", "larger than 2 MiB"),
        (_many_large, "SourceTooLarge", "larger than 2 MiB"),
        (_through_a_link, "SourceRefused", "is there twice"),
        (_named(".."), "SourceRefused", "leads out"),
        (_named("../../etc/cron.d/x"), "SourceRefused", "leads out"),
        (_named("/etc/cron.d/x"), "SourceRefused", "leads out"),
        (_below(".git"), "SourceRefused", "git's own"),
        (_below(".GIT"), "SourceRefused", "git's own"),
        (_below(".."), "SourceRefused", "leads out"),
        (_named("latin-\udcff"), "SourceRefused", "not UTF-8"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_repository_that_means_harm(  # noqa: PLR0917 - a row of the table
    fetch: Callable[..., Checkout],
    server: GitServer,
    request: pytest.FixtureRequest,
    make: Callable[[Objects], Oid],
    reason: str,
    words: str,
) -> None:
    name = f"r{abs(hash(request.node.name))}"
    objects = Objects(server.root / f"{name}.git")
    commit = objects.commit(make(objects))
    with pytest.raises(BuildError) as caught:
        fetch(f"{name}.git", commit)
    assert caught.value.reason == reason, str(caught.value)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_link_out_of_the_repository_stays_a_link(fetch: Callable[..., Checkout], server: GitServer) -> None:
    commit = server.commit("links", {"passwd": "-> /etc/passwd", "up": "-> ../../..", "in": "-> a", "a": "x"})
    root = fetch("links.git", commit).root
    assert (root / "passwd").is_symlink()
    assert str((root / "passwd").readlink()) == "/etc/passwd"


def test_names_with_newlines_are_files_like_others(fetch: Callable[..., Checkout], server: GitServer) -> None:
    commit = server.commit("names", {"a\nb\x1b[2J": "x", "forged\n12:00:00.000 built": "y"})
    assert len(list(fetch("names.git", commit).root.iterdir())) == 2


def test_lfs_pointers_are_told(fetch: Callable[..., Checkout], server: GitServer) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 12345\n"
    files: dict[str, str | bytes] = {".gitattributes": "*.bin filter=lfs -text\n", "model.bin": pointer, "small": "x"}
    notes = fetch("lfs.git", server.commit("lfs", files)).notes
    assert len(notes) == 1
    assert "model.bin" in notes[0]
    assert "small" not in notes[0]


# ---------------------------------------------------------------- submodules
def _with_submodule(server: GitServer, name: str, url: str, commit: str, path: str = "lib") -> str:
    objects = Objects(server.root / f"{name}.git")
    modules = objects.blob(f'[submodule "x"]\n\tpath = {path}\n\turl = {url}\n'.encode())
    main = objects.blob(b"main")
    return objects.commit(
        objects.tree((FILE, ".gitmodules", modules), (SUBMODULE, path, Oid(hex=commit)), (FILE, "z", main))
    )


def test_submodules_are_fetched(fetch: Callable[..., Checkout], server: GitServer) -> None:
    inner = server.commit("inner", {"inner.txt": "inner"})
    middle = _with_submodule(server, "middle", "../inner.git", inner)
    outer = _with_submodule(server, "outer", f"{server.url}/middle.git", middle)
    root = fetch("outer.git", outer).root
    assert (root / "z").read_text() == "main"
    assert (root / "lib" / "z").read_text() == "main"
    assert (root / "lib" / "lib" / "inner.txt").read_text() == "inner"


def test_a_submodules_commit_need_not_be_its_head(fetch: Callable[..., Checkout], server: GitServer) -> None:
    old = server.commit("moving", {"version": "1"})
    server.commit("moving", {"version": "2"})
    outer = _with_submodule(server, "pinned", "../moving.git", old)
    assert (fetch("pinned.git", outer).root / "lib" / "version").read_text() == "1"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("file:///etc", "SourceRefused"),
        ("/etc", "SourceRefused"),
        ("git://127.0.0.1/x.git", "SourceRefused"),
        ("http://169.254.169.254/latest", "SourceRefused"),
        ("https://169.254.169.254/latest", "SourceRefused"),
        ("https://10.96.0.1/x.git", "SourceRefused"),
        ("https://localhost/x.git", "SourceRefused"),
        ("https://2130706433/x.git", "SourceRefused"),
        ("https://[::ffff:127.0.0.1]/x.git", "SourceRefused"),
        ("https://[64:ff9b::7f00:1]/x.git", "SourceRefused"),
        ("ssh://git@127.0.0.1/x.git", "SourceRefused"),
        ("git@localhost:x.git", "SourceRefused"),
        ("ext::sh -c touch% /tmp/x", "SourceRefused"),
        ("--upload-pack=touch /tmp/x", "SourceRefused"),
        ("../absent.git", "RepositoryNotFound"),
        ("../trickles/honest.git", "SourceUnreachable"),
    ],
)
def test_a_submodule_obeys_the_rules_of_the_repository(
    fetch: Callable[..., Checkout], server: GitServer, request: pytest.FixtureRequest, url: str, reason: str
) -> None:
    name = f"s{abs(hash(request.node.name))}"
    commit = _with_submodule(server, name, url, SOME_COMMIT)
    with pytest.raises(BuildError) as caught:
        fetch(f"{name}.git", commit, **(IMPATIENT if "trickles" in url else {}))
    assert caught.value.reason == reason, str(caught.value)
    assert "submodule lib" in str(caught.value)


def test_submodules_end_somewhere(fetch: Callable[..., Checkout], server: GitServer) -> None:
    """Each of a long chain holds the next."""
    commit = server.commit("chain-0", {"end": "x"})
    for number in range(1, 8):
        commit = _with_submodule(server, f"chain-{number}", f"../chain-{number - 1}.git", commit)
    with pytest.raises(BuildError) as caught:
        fetch("chain-7.git", commit)
    assert caught.value.reason == "SourceTooLarge"


def test_submodules_share_the_limits(fetch: Callable[..., Checkout], server: GitServer) -> None:
    inner = server.commit("heavy", {"a": b"\0" * MIB})
    objects = Objects(server.root / "heavy-outer.git")
    text = "".join(f'[submodule "{n}"]\npath = m{n}\nurl = ../heavy.git\n' for n in range(3))
    links = ((SUBMODULE, f"m{n}", Oid(hex=inner)) for n in range(3))
    commit = objects.commit(objects.tree((FILE, ".gitmodules", objects.blob(text.encode())), *links))
    with pytest.raises(BuildError) as caught:
        fetch("heavy-outer.git", commit)
    assert caught.value.reason == "SourceTooLarge"


def test_a_submodule_outside_the_root_directory_is_left_alone(
    fetch: Callable[..., Checkout], server: GitServer
) -> None:
    objects = Objects(server.root / "aside.git")
    modules = objects.blob(b'[submodule "x"]\npath = lib\nurl = file:///etc\n')
    app = objects.tree((FILE, "main", objects.blob(b"main")))
    tree = objects.tree(
        (FILE, ".gitmodules", modules), (DIRECTORY, "app", app), (SUBMODULE, "lib", Oid(hex=SOME_COMMIT))
    )
    assert (fetch("aside.git", objects.commit(tree), root_directory="app").directory / "main").read_text() == "main"


def test_a_submodule_behind_a_link_is_refused(fetch: Callable[..., Checkout], server: GitServer) -> None:
    objects = Objects(server.root / "behind.git")
    modules = objects.blob(b'[submodule "x"]\npath = a/lib\nurl = ../honest.git\n')
    inside = objects.tree((SUBMODULE, "lib", Oid(hex=SOME_COMMIT)))
    tree = objects.tree((FILE, ".gitmodules", modules), (LINK, "a", objects.blob(b"/tmp")), (DIRECTORY, "a", inside))
    with pytest.raises(BuildError):
        fetch("behind.git", objects.commit(tree))


# ---------------------------------------------------------------- the guard alone
def _ask(guard: Guard, line: str) -> bytes:
    with socket.create_connection(("127.0.0.1", int(guard.url.rsplit(":", 1)[1])), 10) as sock:
        sock.sendall(f"{line}\r\n\r\n".encode())
        return sock.recv(1000)


SOURCE = Source(url="https://rebound.example/x.git", commit=SOME_COMMIT, branch="main")


def test_a_name_that_changes_its_address_leads_nowhere() -> None:
    """The first answer was public, so the URL was accepted; the one that counts is the guard's."""
    answers = iter([["93.184.216.34"], ["127.0.0.1"]])
    addresses.check(SOURCE.url, None, lambda _host, _port: next(answers))
    with Guard(SOURCE, resolve=lambda _host, _port: next(answers)) as guard:
        assert b" 403 " in _ask(guard, "CONNECT rebound.example:443 HTTP/1.1")
        assert guard.refusal is not None
        assert guard.refusal.reason == "SourceRefused"
        assert "127.0.0.1" in str(guard.refusal)


@pytest.mark.parametrize(
    "line",
    [
        "GET http://169.254.169.254/ HTTP/1.1",
        "CONNECT 169.254.169.254:80 HTTP/1.1",
        "CONNECT [::1]:443 HTTP/1.1",
        "CONNECT localhost:443 HTTP/1.1",
        "CONNECT example.com HTTP/1.1",
        "nonsense",
    ],
)
def test_the_guard_connects_to_nothing_inside(line: str) -> None:
    with Guard(SOURCE) as guard:
        answer = _ask(guard, line)
    assert answer.split(b" ")[1] in {b"403", b"405"}, answer
