"""A small web application without a Dockerfile: Ink detects how to build and start it."""

import os
import platform

from flask import Flask, jsonify

VERSION = "v1"
app = Flask(__name__)


@app.get("/")
def hello() -> str:
    """The page that visitors see; change VERSION, push, and reload it."""
    return f"Hello from Ink, {VERSION}\n"


@app.get("/healthz")
def healthz() -> str:
    """The endpoint for `health.path` of the service."""
    return "ok\n"


@app.get("/about")
def about() -> object:
    """The running version."""
    return jsonify(version=VERSION, python=platform.python_version())


if __name__ == "__main__":
    app.run(host="0.0.0.0", port=int(os.environ.get("PORT", "8080")))
