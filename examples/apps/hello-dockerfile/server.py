"""A web server that needs only the standard library."""

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

VERSION = "v1"


class Hello(BaseHTTPRequestHandler):
    """Answers every GET with one line."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Sends the line that visitors see; change VERSION, push, and reload the page."""
        body = f"Hello from a Dockerfile, {VERSION}\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("0.0.0.0", int(os.environ.get("PORT", "8080"))), Hello).serve_forever()
