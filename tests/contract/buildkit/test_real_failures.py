"""Builds that fail, by the real tools and the real daemon: what they print today is still understood.

INK_GOLDEN=write keeps what was printed, for the fast test of the same verdicts (tests/unit/builder).
"""

from __future__ import annotations

import io
import os
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ink_builder import settings as parsing
from ink_builder.buildkit import failure
from ink_builder.log import BuildLog, Mask
from ink_builder.run import build
from support.building import failing as failing_builds
from support.building import failing_repositories
from support.building.failing import Failing, Recorded

from .conftest import Stack

pytestmark = pytest.mark.full
CONTEXT = failure.Context("Dockerfile", generated=False)


@pytest.fixture(scope="module")
def ports() -> Iterator[dict[str, int]]:
    """Servers that answer everything with 401 and with 404."""
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), _refusing(code)) for code in (401, 404)]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield {f"PORT{code}": server.server_address[1] for code, server in zip((401, 404), servers, strict=True)}
    for server in servers:
        server.shutdown()
        server.server_close()


def _refusing(code: int) -> type[BaseHTTPRequestHandler]:
    class Refusing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(code)
            self.send_header("WWW-Authenticate", 'Basic realm="private"')
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"no")

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    return Refusing


def _keep(failing: Failing, recorded: Recorded) -> None:
    if os.environ.get("INK_GOLDEN") == "write":
        failing_builds.FIXTURES.mkdir(exist_ok=True)
        (failing_builds.FIXTURES / f"{failing.name}.txt").write_text(recorded.text(), encoding="utf-8")


@pytest.mark.parametrize("failing", failing_repositories.COMMANDS, ids=lambda f: f.name)
def test_what_the_tools_print(failing: Failing, tmp_path: Path, ports: dict[str, int]) -> None:
    program = failing.command.split()[0]
    if program in {"go", "cargo", "javac", "mvn", "npm", "npx", "node", "curl"} and shutil.which(program) is None:
        pytest.skip(f"{program} is not on this machine")
    recorded = failing_builds.run(failing, tmp_path, ports)
    _keep(failing, recorded)
    failing_builds.judged(failing, recorded)


@pytest.mark.usefixtures("base_images")
@pytest.mark.parametrize("failing", failing_repositories.DOCKERFILES, ids=lambda f: f.name)
async def test_what_the_daemon_says(  # noqa: PLR0917 - fixtures
    stack: Stack, shell: bytes, failing: Failing, ports: dict[str, int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen: list[Recorded] = []
    explain = failure.explain

    def remember(details: str, step: Any, context: failure.Context) -> Any:
        seen.append(Recorded(details, step.name if step else "", tuple(step.lines) if step else ()))
        return explain(details, step, context)

    monkeypatch.setattr(failure, "explain", remember)
    dockerfile = failing_builds.with_ports(failing.dockerfile, ports).replace("REGISTRY", stack.registry.host)
    files: dict[str, str | bytes] = {"Dockerfile": dockerfile, "busybox": shell, **failing.files}
    commit = stack.git.commit(failing.name, files)
    variables = stack.variables(failing.name, failing.name, commit, INK_BUILD=failing_builds.json.dumps(failing.build))
    verdict = await build(parsing.parse(variables), BuildLog(Mask(), io.StringIO()))
    assert verdict["ok"] is False
    ours = {**ports, "PORT5000": stack.registry.port}
    for recorded in seen:
        text = failing_builds.neutral(recorded.text(), tmp_path, ours)
        _keep(failing, Recorded.parse(text))
    failing_builds.fits(failing, verdict)
