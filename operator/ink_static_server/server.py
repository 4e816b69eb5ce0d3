"""Serves a directory over HTTP: `python static_server.py DIRECTORY`, port in the environment variable PORT.

GET and HEAD only; no listings, no hidden files, no links out of the directory. A path without a file gets 404.html if
there is one; else, when its last part has no dot, index.html, so that single-page applications can be reloaded.
Files whose names hold a hash of their content are cached forever; pages are asked for again each time, by their ETag.
Text is compressed: by the `.br` or `.gz` file beside it, or on the way.
"""

import gzip
import hashlib
import mimetypes
import os
import posixpath
import re
import signal
import sys
import threading
from collections import OrderedDict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

CHUNK = 64 * 1024
SMALLEST_COMPRESSED = 1024
LARGEST_COMPRESSED = 8 * 1024 * 1024
COMPRESSED_BYTES = 32 * 1024 * 1024
TEXTS = {"application/json", "image/svg+xml", "application/xml", "application/manifest+json", "application/wasm"}
BUILT = re.compile(r"(?:^|/)(?:assets|_next/static|_app/immutable|_astro|_nuxt|static/(?:js|css|media)|build|chunks)/")
HASHED = re.compile(r"[.-](?=[\w-]*[0-9A-Z])[\w-]{8,}(?:\.chunk|\.min)?\.\w+(?:\.map)?$")
HEX_HASHED = re.compile(r"[.-](?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{8,64}(?:\.chunk|\.min)?\.\w+(?:\.map)?$")
RANGE = re.compile(r"bytes=(\d*)-(\d*)$")
mimetypes.add_type("text/javascript", ".js")
mimetypes.add_type("text/javascript", ".mjs")
mimetypes.add_type("application/wasm", ".wasm")
mimetypes.add_type("application/manifest+json", ".webmanifest")
mimetypes.add_type("image/webp", ".webp")
mimetypes.add_type("image/avif", ".avif")
mimetypes.add_type("font/woff2", ".woff2")


class Site:
    """The files below one directory."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._tags: dict[Path, tuple[int, int, str]] = {}
        self._packed: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def file(self, path: str) -> Path | None:
        """The file for a path of a URL, or None."""
        parts = [part for part in posixpath.normpath("/" + path).split("/") if part]
        if any(part.startswith(".") and part != ".well-known" for part in parts) or "\0" in path:
            return None
        place = self.root.joinpath(*parts)
        for candidate in (place, place / "index.html", place.with_name(place.name + ".html") if parts else place):
            if self.holds(candidate):
                return candidate
        return None

    def holds(self, file: Path) -> bool:
        """Whether it is a file of the site, and no link out of it."""
        try:
            return file.is_file() and file.resolve().is_relative_to(self.root)
        except OSError:  # a name that no file system takes
            return False

    def tag(self, file: Path) -> str:
        """A strong ETag: it follows the content, for dates of files in images mean nothing."""
        info = file.stat()
        known = self._tags.get(file)
        if known is None or known[:2] != (info.st_mtime_ns, info.st_size):
            digest = hashlib.sha256()
            with file.open("rb") as stream:
                while chunk := stream.read(CHUNK):
                    digest.update(chunk)
            known = (info.st_mtime_ns, info.st_size, digest.hexdigest()[:32])
            self._tags[file] = known
        return known[2]

    def packed(self, file: Path, tag: str) -> bytes:
        """The file's content, compressed; the last ones asked for are kept."""
        with self._lock:
            if tag in self._packed:
                self._packed.move_to_end(tag)
                return self._packed[tag]
        data = gzip.compress(file.read_bytes(), 6, mtime=0)
        with self._lock:
            self._packed[tag] = data
            while sum(map(len, self._packed.values())) > COMPRESSED_BYTES:
                self._packed.popitem(last=False)
        return data


def is_fingerprinted(path: str) -> bool:
    """Whether the name changes with the content, as bundlers do it: then nobody need ever ask again."""
    return bool(HEX_HASHED.search(path) or (BUILT.search(path) and HASHED.search(path)))


def accepts(header: str, coding: str) -> bool:
    """Whether an Accept-Encoding allows a coding."""
    chosen: dict[str, float] = {}
    for part in header.lower().split(","):
        name, _, weight = part.partition(";")
        try:
            chosen[name.strip()] = float(weight.partition("=")[2]) if weight.strip() else 1.0
        except ValueError:
            continue
    return chosen.get(coding, chosen.get("*", 0.0)) > 0


def matches(header: str, tag: str) -> bool:
    """Whether an If-None-Match names the tag."""
    return header.strip() == "*" or tag in [part.strip().removeprefix("W/") for part in header.split(",")]


def span(header: str, size: int) -> tuple[int, int] | None:
    """First byte and the one after the last of a Range; None: everything. Raises ValueError for an impossible one."""
    found = RANGE.match(header.strip())
    if found is None or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if not first:
        begin, end = max(size - int(last), 0), size
    else:
        begin, end = int(first), min(int(last) + 1 if last else size, size)
    if begin >= end:
        raise ValueError(header)
    return begin, end


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

    def do_POST(self) -> None:
        """Files take nothing."""
        self.close_connection = True  # what follows is a body that nobody reads
        self._text(405, "only GET and HEAD\n", body=True, headers={"Allow": "GET, HEAD", "Connection": "close"})

    do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_POST

    def _answer(self, *, body: bool) -> None:
        url = urlsplit("/" + self.path.lstrip("/"))
        path = unquote(url.path, errors="replace")
        file = self.site.file(path)
        if file is not None and file.name == "index.html" and self._lacks_slash(path):
            self._redirect(url.path + "/" + (f"?{url.query}" if url.query else ""))
            return
        if file is not None:
            self._send(200, file, body)
        elif (page := self.site.file("/404.html")) is not None:
            self._send(404, page, body)
        elif (
            "/." not in path
            and "." not in posixpath.basename(path)
            and (page := self.site.file("/index.html")) is not None
        ):
            self._send(200, page, body)
        else:
            self._text(404, "not found\n", body=body)

    def _lacks_slash(self, path: str) -> bool:
        """Relative links of a directory's page work only below a path that ends with a slash."""
        return not path.endswith("/") and posixpath.basename(path) != "index.html"

    def _redirect(self, to: str) -> None:
        self._head(301, {"Location": "/" + to.lstrip("/"), "Content-Length": "0"})

    def _send(self, status: int, file: Path, body: bool) -> None:
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        is_text = kind.startswith("text/") or kind in TEXTS
        coding, source = self._coding(file, is_text)
        tag = f'"{self.site.tag(file)}{"-" + coding if coding else ""}"'
        headers = {"ETag": tag, "Cache-Control": self._caching(file, kind, status), "X-Content-Type-Options": "nosniff"}
        if is_text:
            headers["Vary"] = "Accept-Encoding"
        if status == 200 and matches(self.headers.get("If-None-Match", ""), tag):
            self._head(304, headers)
            return
        headers["Content-Type"] = f"{kind}; charset=utf-8" if is_text and kind != "application/wasm" else kind
        if coding:
            headers["Content-Encoding"] = coding
        if isinstance(source, bytes):
            self._head(status, {**headers, "Content-Length": str(len(source))})
            if body:
                self.wfile.write(source)
            return
        self._send_file(status, source, headers, body)

    def _coding(self, file: Path, is_text: bool) -> tuple[str, Path | bytes]:
        """How the content goes out, and where it comes from."""
        accepted = self.headers.get("Accept-Encoding", "")
        if not is_text or "Range" in self.headers:
            return "", file
        for coding, suffix in (("br", ".br"), ("gzip", ".gz")):
            beside = file.with_name(file.name + suffix)
            if accepts(accepted, coding) and self.site.holds(beside):
                return coding, beside
        if accepts(accepted, "gzip") and SMALLEST_COMPRESSED <= file.stat().st_size <= LARGEST_COMPRESSED:
            return "gzip", self.site.packed(file, self.site.tag(file))
        return "", file

    def _caching(self, file: Path, kind: str, status: int) -> str:
        if kind == "text/html" or status != 200:
            return "no-cache"
        if is_fingerprinted(file.relative_to(self.site.root).as_posix()):
            return "public, max-age=31536000, immutable"
        return "public, max-age=300"

    def _send_file(self, status: int, file: Path, headers: dict[str, str], body: bool) -> None:
        size = file.stat().st_size
        begin, end = 0, size
        if status == 200 and "Content-Encoding" not in headers:
            headers["Accept-Ranges"] = "bytes"
            same = self.headers.get("If-Range", headers["ETag"]) == headers["ETag"]
            try:
                wanted = span(self.headers.get("Range", ""), size) if same else None
            except ValueError:
                self._text(416, "no such range\n", body=body, headers={"Content-Range": f"bytes */{size}"})
                return
            if wanted:
                status, (begin, end) = 206, wanted
                headers["Content-Range"] = f"bytes {begin}-{end - 1}/{size}"
        self._head(status, {**headers, "Content-Length": str(end - begin)})
        if not body:
            return
        with file.open("rb") as stream:
            stream.seek(begin)
            left = end - begin
            while left and (chunk := stream.read(min(CHUNK, left))):
                left -= len(chunk)
                self.wfile.write(chunk)

    def _text(self, status: int, text: str, *, body: bool, headers: dict[str, str] | None = None) -> None:
        data = text.encode()
        kind = {"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(data))}
        self._head(status, {**kind, **(headers or {})})
        if body:
            self.wfile.write(data)

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """One line a request on stdout."""
        line = (format % args).translate(dict.fromkeys(range(32)))
        print(f"{self.client_address[0]} {line}", flush=True)


class StaticServer(ThreadingHTTPServer):
    """Many connections at once; none keeps the process from ending."""

    daemon_threads = True
    request_queue_size = 128


def serve(directory: str, port: int) -> None:
    """Serve until SIGTERM."""
    handler = type("SiteHandler", (Handler,), {"site": Site(Path(directory))})
    with StaticServer(("", port), handler) as server:
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
        print(f"serving {directory} on port {port}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    serve(sys.argv[1] if len(sys.argv) > 1 else ".", int(os.environ.get("PORT", "8080")))
