"""A git server that means harm: wrong lengths, answers that never end, redirects inwards, repositories that explode."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Any

import pygit2
from support.building.daemons import GitHandler

FILE, DIRECTORY, LINK, SUBMODULE = "100644", "40000", "120000", "160000"
_ENDLESS_BYTES = 512 * 1024 * 1024
"""More than any limit under test; the client must have gone long before."""


class HostileHandler(GitHandler):
    """`/<behaviour>/repo.git/…`; without a behaviour, an honest server."""

    def serve(self) -> None:
        behaviour, _, rest = self.path.lstrip("/").partition("/")
        act = getattr(self, f"_{behaviour.replace('-', '_')}", None)
        if act is None:
            super().serve()
            return
        self.path = f"/{rest}"
        self.close_connection = True
        with contextlib.suppress(OSError):
            act()

    def _head(self, length: int | None) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/x-git-upload-pack-advertisement")
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.send_header("Connection", "close")
        self.end_headers()

    def _refs(self) -> bytes:
        return b"001e# service=git-upload-pack\n0000"

    def _promises_more(self) -> None:
        self._head(1_000_000)
        self.wfile.write(self._refs())

    def _promises_less(self) -> None:
        self._head(10)
        self.wfile.write(self._refs() + b"0" * 1000)

    def _promises_a_negative_length(self) -> None:
        self._head(-5)
        self.wfile.write(self._refs())

    def _promises_too_much(self) -> None:
        self._head(2**62)
        self.wfile.write(self._refs())

    def _trickles(self) -> None:
        self._head(10_000_000)
        while True:
            self.wfile.write(b"0")
            self.wfile.flush()
            time.sleep(0.05)

    def _never_ends(self) -> None:
        self._head(None)
        self.wfile.write(self._refs())
        first = b"1" * 40 + b" refs/heads/main\0 multi_ack side-band-64k ofs-delta\n"
        self.wfile.write(f"{len(first) + 4:04x}".encode() + first)
        line = b"0040" + b"1" * 40 + b" refs/heads/a-branch"[:19] + b"\n"
        for _ in range(_ENDLESS_BYTES // (len(line) * 1000)):
            self.wfile.write(line * 1000)

    def _hangs_up(self) -> None:
        self.connection.close()

    def _speaks_nonsense(self) -> None:
        self._head(7)
        self.wfile.write(b"hello!\n")

    def _leads_to_metadata(self) -> None:
        self._redirect("https://169.254.169.254/latest/meta-data/")

    def _leads_inwards(self) -> None:
        self._redirect("https://10.96.0.1/api")

    def _leads_to_a_file(self) -> None:
        self._redirect("file:///etc/passwd")

    def _leads_in_a_circle(self) -> None:
        self._redirect(f"/leads-in-a-circle{self.path}")

    def _redirect(self, to: str) -> None:
        self.send_response(301)
        self.send_header("Location", to)
        self.send_header("Connection", "close")
        self.send_header("Content-Length", "0")
        self.end_headers()


class Objects:
    """Writes a bare repository object by object: what no git client would make."""

    def __init__(self, bare: Path) -> None:
        self.repository: Any = pygit2.init_repository(str(bare), bare=True)
        self.bare = bare

    def blob(self, data: bytes) -> pygit2.Oid:
        """A file's content."""
        return self.repository.create_blob(data)

    def tree(self, *entries: tuple[str, str, pygit2.Oid]) -> pygit2.Oid:
        """A directory of (mode, name, id), unchecked and in that order."""
        raw = b"".join(
            f"{mode} {name}".encode("utf-8", "surrogateescape") + b"\0" + oid.raw for mode, name, oid in entries
        )
        return self.repository.odb.write(pygit2.enums.ObjectType.TREE, raw)

    def commit(self, tree: pygit2.Oid) -> str:
        """The head of main."""
        who = "test <test@example.test> 1700000000 +0000"
        text = f"tree {tree}\nauthor {who}\ncommitter {who}\n\nchange\n"
        oid = self.repository.odb.write(pygit2.enums.ObjectType.COMMIT, text.encode())
        place = self.bare / "refs" / "heads" / "main"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f"{oid}\n")
        (self.bare / "HEAD").write_text("ref: refs/heads/main\n")
        return str(oid)
