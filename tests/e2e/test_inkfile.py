"""ink.yaml of a repository: how its image is run, from commit to commit and back."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.outside.platform import BUILDS, Deployed, Platform
from support.waiting import eventually

ROLLED_BACK_SECONDS = 60
SERVER = """\
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path in ("/", "/up") else 404)
        self.end_headers()
        self.wfile.write(" ".join(sys.argv[1:]).encode())

HTTPServer(("", 7000), Handler).serve_forever()
"""
DOCKERFILE = """\
FROM python:3.11-slim-bookworm
COPY server.py /server.py
ENTRYPOINT ["python3", "/server.py"]
CMD ["of", "the", "image"]
"""
FIRST = """\
args: [first, "two words"]
ports: [{port: 7000}]
health: {path: /up}
resources: {limits: {memory: 96Mi}}
"""


@pytest.fixture(scope="module")
def speaker(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    """An application that answers with its arguments."""
    app: Path = tmp_path_factory.mktemp("speaker")
    (app / "server.py").write_text(SERVER)
    (app / "Dockerfile").write_text(DOCKERFILE)
    (app / "ink.yaml").write_text(FIRST)
    return platform.deploy(platform.name("speaker"), app)


def wait_for_body(platform: Platform, service: Deployed, body: str) -> None:
    eventually(
        lambda: service.visit().body == body,
        within=ROLLED_BACK_SECONDS,
        what=f"the answer {body}",
        state=lambda: platform.state_of(service.name),
    )


def test_the_file_says_how_it_runs_and_each_commit_for_itself(platform: Platform, speaker: Deployed) -> None:
    assert speaker.visit().body == "first two words"
    status = platform.cr(speaker.name)["status"]
    assert (status["port"], status["effective"]["health"]["path"]) == (7000, "/up")
    assert status["effective"]["resources"]["limits"]["memory"] == "96Mi"
    (pod,) = platform.pods(speaker.name)
    (container,) = pod["spec"]["containers"]
    assert container["resources"]["limits"]["memory"] == "96Mi"
    assert container["readinessProbe"]["httpGet"]["path"] == "/up"

    (speaker.clone.directory / "ink.yaml").write_text("ports: [{port: 7000}]\n")
    second = speaker.clone.push("Nothing but the port")
    platform.wait_for_commit(speaker.name, second)
    wait_for_body(platform, speaker, "of the image")


def test_a_rollback_brings_the_settings_of_then_back_without_a_build(platform: Platform, speaker: Deployed) -> None:
    owner = f"ml.ink/owner-uid={platform.cr(speaker.name)['metadata']['uid']}"
    platform.kubectl.run("delete", "jobs", "-n", BUILDS, "-l", owner)
    scheme, _, rest = speaker.clone.url.partition("://")
    address = f"{scheme}://ink:{speaker.clone.token}@{rest}"
    speaker.clone.git("push", "--quiet", "--force", address, f"{speaker.commit}:refs/heads/main")
    platform.wait_for_commit(speaker.name, speaker.commit)
    wait_for_body(platform, speaker, "first two words")
    assert platform.cr(speaker.name)["status"]["effective"]["args"] == ["first", "two words"]
    assert platform.builds(speaker.name) == []
