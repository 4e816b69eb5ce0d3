"""Serves a directory over HTTP: `python static_server.py DIRECTORY`, port in the environment variable PORT.

GET and HEAD only; no listings, no hidden files, no links out of the directory. A path without a file gets 404.html if
there is one; else, when its last part has no dot, index.html, so that single-page applications can be reloaded.
"""

import hashlib
import mimetypes
import os
import posixpath
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

CHUNK = 64 * 1024
mimetypes.add_type("text/javascript", ".js")
mimetypes.add_type("text/javascript", ".mjs")
mimetypes.add_type("application/wasm", ".wasm")
mimetypes.add_type("image/webp", ".webp")
mimetypes.add_type("font/woff2", ".woff2")


class Site:
    """The files below one directory."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._tags: dict[Path, tuple[int, int, str]] = {}

    def file(self, path: str) -> Path | None:
        """The file for a path of a URL, or None."""
        parts = [part for part in posixpath.normpath("/" + path).split("/") if part]
        if any(part.startswith(".") and part != ".well-known" for part in parts) or "\0" in path:
            return None
        place = self.root.joinpath(*parts)
        for candidate in (place, place / "index.html", place.with_name(place.name + ".html") if parts else place):
            if candidate.is_file() and candidate.resolve().is_relative_to(self.root):
                return candidate
        return None

    def tag(self, file: Path) -> str:
        """A strong ETag: it follows the content, for dates of files in images mean nothing."""
        info = file.stat()
        known = self._tags.get(file)
        if known is None or known[:2] != (info.st_mtime_ns, info.st_size):
            digest = hashlib.sha256()
            with file.open("rb") as stream:
                while chunk := stream.read(CHUNK):
                    digest.update(chunk)
            known = (info.st_mtime_ns, info.st_size, f'"{digest.hexdigest()[:32]}"')
            self._tags[file] = known
        return known[2]


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version = "ink-static"
    sys_version = ""
    timeout = 60
    site: Site

    def do_GET(self) -> None:
        """Send a file."""
        self._answer(body=True)

    def do_HEAD(self) -> None:
        """Send what GET would say about it."""
        self._answer(body=False)

    def _answer(self, *, body: bool) -> None:
        url = urlsplit(self.path)
        path = unquote(url.path, errors="replace")
        file = self.site.file(path)
        if file is not None and file.name == "index.html" and self._lacks_slash(path):
            self._redirect(url.path + "/" + (f"?{url.query}" if url.query else ""))
            return
        if file is not None:
            self._send(200, file, body)
        elif (page := self.site.file("/404.html")) is not None:
            self._send(404, page, body)
        elif "." not in posixpath.basename(path) and (page := self.site.file("/index.html")) is not None:
            self._send(200, page, body)
        else:
            self._text(404, "not found\n", body)

    def _lacks_slash(self, path: str) -> bool:
        """Relative links of a directory's page work only below a path that ends with a slash."""
        return not path.endswith("/") and posixpath.basename(path) != "index.html"

    def _redirect(self, to: str) -> None:
        self.send_response(301)
        self.send_header("Location", "/" + to.lstrip("/"))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, status: int, file: Path, body: bool) -> None:
        tag = self.site.tag(file)
        if status == 200 and tag in self.headers.get("If-None-Match", ""):
            self.send_response(304)
            self.send_header("ETag", tag)
            self.end_headers()
            return
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        if kind.startswith("text/") or kind in {"application/json", "image/svg+xml", "application/xml"}:
            kind += "; charset=utf-8"
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(file.stat().st_size))
        self.send_header("ETag", tag)
        self.send_header("Cache-Control", "no-cache" if kind.startswith("text/html") else "public, max-age=300")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        if body:
            with file.open("rb") as stream:
                while chunk := stream.read(CHUNK):
                    self.wfile.write(chunk)

    def _text(self, status: int, text: str, body: bool) -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if body:
            self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """One line a request on stdout."""
        line = (format % args).translate(dict.fromkeys(range(32)))
        print(f"{self.client_address[0]} {line}", flush=True)


class Server(ThreadingHTTPServer):
    """Many connections at once; none keeps the process from ending."""

    daemon_threads = True
    request_queue_size = 128


def serve(directory: str, port: int) -> None:
    """Serve until SIGTERM."""
    handler = type("SiteHandler", (Handler,), {"site": Site(Path(directory))})
    with Server(("", port), handler) as server:
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
        print(f"serving {directory} on port {port}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    serve(sys.argv[1] if len(sys.argv) > 1 else ".", int(os.environ.get("PORT", "8080")))
