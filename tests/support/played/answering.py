"""Small HTTP servers on loopback for what tests play themselves."""

from __future__ import annotations

import http.server
import threading

LOOK_SECONDS = 0.05
"""How soon `shutdown` is noticed."""


class QuietHandler(http.server.BaseHTTPRequestHandler):
    """Answers with a body, and prints nothing."""

    def say(self, status: int, body: bytes) -> None:
        """The whole answer."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class Answering(http.server.ThreadingHTTPServer):
    """Serves at `url` from when it is made until `shutdown`."""

    daemon_threads = True

    def __init__(self, handler: type[QuietHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, args=(LOOK_SECONDS,), daemon=True).start()
