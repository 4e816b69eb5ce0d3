"""Visiting an application as a browser would, on this machine's loopback listener."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Page:
    """An HTTP answer. `status` 0: there was none, and `body` says why."""

    status: int
    body: str
    headers: dict[str, str] = field(default_factory=dict, compare=False)


class _Loopback(http.client.HTTPSConnection):
    """HTTPS to 127.0.0.1 under the URL's own name, which the resolver need not know."""

    def connect(self) -> None:
        raw = socket.create_connection(("127.0.0.1", self.port), self.timeout)
        self.sock = self._context.wrap_socket(raw, server_hostname=self.host)  # type: ignore[attr-defined]


def fetch(url: str, ca: Path, *, method: str = "GET", body: bytes | None = None, **headers: str) -> Page:
    """One request, with the certificate checked. Network errors become a Page of status 0."""
    parts = urlsplit(url)
    context = ssl.create_default_context(cafile=str(ca))
    connection = _Loopback(parts.hostname or "", parts.port or 443, timeout=10, context=context)
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(method, target, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Page(answer.status, answer.read(1 << 20).decode(errors="replace"), found)
    except (OSError, http.client.HTTPException) as error:
        return Page(0, f"{type(error).__name__}: {error}")
    finally:
        connection.close()


@contextmanager
def visited_all_the_time(url: str, ca: Path) -> Iterator[list[Page]]:
    """Visit the URL ten times a second while the block runs; the list holds every answer."""
    seen: list[Page] = []
    over = threading.Event()

    def visit() -> None:
        while not over.wait(0.1):
            seen.append(fetch(url, ca))

    visitor = threading.Thread(target=visit, daemon=True)
    visitor.start()
    try:
        yield seen
    finally:
        over.set()
        visitor.join(timeout=15)
