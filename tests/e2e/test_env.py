"""Environment values: they reach the application, and stand in the open nowhere but in its Secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.outside.platform import SYSTEM, TENANTS, Deployed, Platform
from support.waiting import eventually

FIRST, SECOND = "first-secret-7b1c $$ $(PORT)", "second-secret-93de"
SERVER = """\
import os
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(os.environ.get("GREETING", "none").encode())

HTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
"""
DOCKERFILE = 'FROM python:3.11-slim-bookworm\nCOPY server.py /server.py\nCMD ["python3", "/server.py"]\n'


@pytest.fixture(scope="module")
def greeter(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    """An application that answers with one of its variables."""
    app: Path = tmp_path_factory.mktemp("greeter")
    (app / "server.py").write_text(SERVER)
    (app / "Dockerfile").write_text(DOCKERFILE)
    return platform.deploy(platform.name("greeter"), app, env_vars={"GREETING": FIRST, "OTHER": "x"})


def pods(platform: Platform, name: str) -> list[str]:
    return sorted(pod["metadata"]["uid"] for pod in platform.pods(name) if "deletionTimestamp" not in pod["metadata"])


def test_the_application_has_the_value_and_nothing_else_shows_it(platform: Platform, greeter: Deployed) -> None:
    assert greeter.visit().body == FIRST
    found = platform.cr(greeter.name)
    assert {entry["name"]: set(entry["valueFrom"]) for entry in found["spec"]["env"]} == {
        "GREETING": {"sealed", "sealedDigest"},
        "OTHER": {"sealed", "sealedDigest"},
    }
    space = platform.namespace()
    in_the_open = [
        found,
        platform.kubectl.list("pods", space, f"ml.ink/service={greeter.name}"),
        platform.kubectl.get("deployment", greeter.name, space),
        platform.kubectl.list("events", space),
        platform.kubectl.list("events", TENANTS),
    ]
    assert FIRST not in json.dumps(in_the_open)
    for component in ("operator", "gateway"):
        logs = platform.kubectl.run("logs", "-n", SYSTEM, f"deployment/{component}", "--all-pods=true", "--tail=-1")
        assert FIRST not in logs
    assert FIRST not in greeter.answer.text


def test_the_same_call_again_changes_nothing(platform: Platform, greeter: Deployed) -> None:
    before, running = platform.cr(greeter.name), pods(platform, greeter.name)
    variables = {"OTHER": "x", "GREETING": FIRST}
    again = platform.agent.ok("create_service", repo=greeter.name, name=greeter.name, env_vars=variables, wait=60)
    assert again["state"] == "live"
    after = platform.cr(greeter.name)
    assert after["metadata"]["generation"] == before["metadata"]["generation"]
    assert after["spec"]["env"] == before["spec"]["env"]
    assert pods(platform, greeter.name) == running


def test_values_are_shown_to_who_asks_for_them(platform: Platform, greeter: Deployed) -> None:
    plain = platform.agent.ok("get_service", name=greeter.name)
    assert sorted(plain["env_names"]) == ["GREETING", "OTHER"]
    assert FIRST not in plain.text

    def shown() -> bool:
        answer = platform.agent.ok("get_service", name=greeter.name, include_env=True)
        return bool(answer["env"] == {"GREETING": FIRST, "OTHER": "x"})

    eventually(shown, within=30, what="the gateway may read the service's Secret")


def test_a_changed_value_rolls_the_pods_and_a_removed_one_goes(platform: Platform, greeter: Deployed) -> None:
    old = pods(platform, greeter.name)
    builds = platform.builds(greeter.name)
    changed = {"GREETING": SECOND}
    answer = platform.agent.ok("create_service", repo=greeter.name, name=greeter.name, env_vars=changed, wait=120)
    assert answer["state"] == "live", platform.state_of(greeter.name)
    assert greeter.visit().body == SECOND
    assert set(old).isdisjoint(pods(platform, greeter.name))
    assert platform.builds(greeter.name) == builds
    assert platform.agent.ok("get_service", name=greeter.name, include_env=True)["env"] == {"GREETING": SECOND}


def test_a_value_sealed_for_another_service_is_refused_and_the_old_revision_serves(
    platform: Platform, greeter: Deployed, managed: str
) -> None:
    """Somebody who may read one service's sealed value plants it in a service of his own."""
    stolen = platform.cr(greeter.name)["spec"]["env"][0]["valueFrom"]["sealed"]
    name = platform.name("thief")
    thief = {
        "apiVersion": "ml.ink/v1alpha1",
        "kind": "InkService",
        "metadata": {"name": name, "namespace": managed},
        "spec": {
            "source": {"image": {"ref": "registry.example.com/thief:1"}},
            "subdomain": name,
            "env": [{"name": "GREETING", "valueFrom": {"sealed": stolen}}],
        },
    }
    platform.api.create(f"/apis/ml.ink/v1alpha1/namespaces/{managed}/inkservices", thief)

    def refused() -> bool:
        live = platform.kubectl.get("inksvc", name, managed) or {}
        conditions = {c["type"]: c for c in live.get("status", {}).get("conditions", [])}
        return conditions.get("Ready", {}).get("reason") == "SealedValueInvalid"

    eventually(refused, within=60, what="the sealed value is refused")
    assert platform.kubectl.get("deployment", name, managed) is None
    assert platform.kubectl.get("secret", f"{name}-env", managed) is None
    platform.kubectl.delete("inksvc", name, managed)


def test_what_was_unsealed_goes_with_the_last_sealed_variable(platform: Platform, greeter: Deployed) -> None:
    space, name = platform.namespace(), f"{greeter.name}-env"
    assert platform.kubectl.get("secret", name, space) is not None
    answer = platform.agent.ok("create_service", repo=greeter.name, name=greeter.name, env_vars={}, wait=120)
    assert answer["state"] == "live", platform.state_of(greeter.name)
    assert greeter.visit().body == "none"
    for kind in ("secret", "role", "rolebinding"):
        eventually(
            lambda kind=kind: platform.kubectl.get(kind, name, space) is None,  # type: ignore[misc]
            within=60,
            what=f"the {kind} {name} is gone",
        )
