"""What the RUN steps of a tenant's Dockerfile reach: they tell it themselves, on the page of the image they made.

Every outside address belongs to the stand-in, as in test_isolation.py, where the same packets arrive without a policy.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.outside.platform import SYSTEM, Deployed, Platform
from support.outside.probe import MAIL, PRIVATE, PUBLIC, SCRIPT, control_plane_targets, is_open, platform_targets

SERVER = """
import http.server, os
os.chdir("/told")
http.server.ThreadingHTTPServer(("0.0.0.0", 8080), http.server.SimpleHTTPRequestHandler).serve_forever()
"""
ATTACK = """
import json, pathlib, socket, ssl, sys, urllib.error, urllib.request
registry, image = sys.argv[1:]
told = {"files": [p for p in ("/etc/buildkit/tls", "/var/run/secrets") if pathlib.Path(p).exists()]}
requests = {
    "catalog": ("GET", "_catalog"),
    "pull": ("GET", f"{image}/manifests/latest"),
    "push": ("POST", f"{image}/blobs/uploads/"),
    "delete": ("DELETE", f"{image}/manifests/latest"),
}
for what, (method, path) in requests.items():
    try:
        request = urllib.request.Request(f"http://{registry}/v2/{path}", method=method)
        told[what] = urllib.request.urlopen(request, timeout=5).status
    except urllib.error.HTTPError as e:
        told[what] = e.code
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
try:
    with socket.create_connection(("127.0.0.1", 1234), 5) as raw, context.wrap_socket(raw) as s:
        s.settimeout(5)
        s.send(b"PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n" + bytes.fromhex("000000040000000000"))
        told["buildkitd"] = s.recv(100).hex() or "closed"
except OSError as e:
    told["buildkitd"] = type(e).__name__ + " " + str(e)
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def told(platform: Platform, hello: Deployed, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the RUN steps of one image found."""
    app = tmp_path_factory.mktemp("hostile")
    service = platform.kubectl.get("service", "registry", SYSTEM)
    assert service is not None
    registry = f"{service['spec']['clusterIP']}:5000"
    image = str(platform.cr(hello.name)["status"]["image"]).partition("/")[2].partition("@")[0]
    private = [f"{address}:{port}" for address in PRIVATE for port in (80, 443, 8080)]
    targets = [*private, *(f"{PUBLIC}:{port}" for port in MAIL), *control_plane_targets(platform)]
    targets += platform_targets(platform)
    for name, text in (("probe.py", SCRIPT), ("attack.py", ATTACK), ("server.py", SERVER)):
        (app / name).write_text(text)
    (app / "Dockerfile").write_text(
        "FROM python:3.12-slim\nCOPY . /app\nRUN mkdir /told\n"
        f"RUN python3 /app/probe.py {' '.join(targets)} > /told/packets.json\n"
        f"RUN python3 /app/attack.py {registry} {image} > /told/attacks.json\n"
        'EXPOSE 8080\nCMD ["python3", "/app/server.py"]\n'
    )
    live = platform.deploy(platform.name("hostile"), app)
    pages = {name: platform.fetch(f"{live.url}{name}.json") for name in ("packets", "attacks")}
    found = {name: json.loads(page.body) for name, page in pages.items()}
    return {**found, "registry": registry, "targets": targets}


@pytest.mark.usefixtures("routes")
def test_a_run_step_reaches_nothing_but_the_registry(told: dict[str, Any]) -> None:
    assert set(told["packets"]) == set(told["targets"])
    reached = {target: said for target, said in told["packets"].items() if is_open(said)}
    assert set(reached) <= {told["registry"]}, reached


def test_a_run_step_may_do_nothing_at_the_registry(told: dict[str, Any]) -> None:
    attacks = told["attacks"]
    assert [attacks[what] for what in ("catalog", "pull", "push", "delete")] == [401, 401, 401, 401]


def test_a_run_step_has_no_way_into_its_own_daemon(told: dict[str, Any]) -> None:
    assert told["attacks"]["files"] == []
    said = told["attacks"]["buildkitd"]
    assert "certificate required" in said.lower() or said.startswith(("SSLError", "ConnectionResetError")), said
