"""A secret of the build: the Dockerfile's step gets it, and nothing that lasts."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from support.outside.platform import BUILDS, SYSTEM, Platform, condition
from support.waiting import eventually

LIVE_SECONDS = 180
FIRST, SECOND = "first-secret-of-a-build-4c1d", "second-secret-of-a-build-99"
DOCKERFILE = """\
FROM python:3.11-slim-bookworm
WORKDIR /srv
RUN --mount=type=secret,id=TOKEN,env=TOKEN printf %s "$TOKEN" | sha256sum | cut -c1-64 > index.html
RUN --mount=type=secret,id=TOKEN,env=TOKEN echo "have $TOKEN"
CMD ["sh", "-c", "exec python3 -m http.server $PORT"]
"""


def named(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


def test_a_step_gets_the_value_of_now_and_nothing_shows_it(platform: Platform, managed: str, tmp_path: Path) -> None:
    name = platform.name("sealed-build")
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    clone = platform.repository(name, tmp_path)
    clone.push()
    for secret, literal in ((f"{name}-git", f"password={clone.token}"), (name, f"token={FIRST}")):
        platform.kubectl.run("create", "secret", "generic", secret, "-n", managed, f"--from-literal={literal}")
    variable = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": name, "key": "token"}}}
    git = {"url": clone.url, "branch": "main", "auth": {"secretRef": {"name": f"{name}-git"}}}
    spec = {"source": {"git": git}, "build": {"env": [variable]}, "subdomain": name}
    meta = {"name": name, "namespace": managed}
    platform.kubectl.apply({"apiVersion": "ml.ink/v1alpha1", "kind": "InkService", "metadata": meta, "spec": spec})

    def answers(value: str) -> bool:
        found = platform.kubectl.get("inksvc", name, managed) or {}
        ready = condition(found, "Ready").get("status") == "True"
        return ready and platform.fetch(str(found["status"]["url"])).body.strip() == named(value)

    for value in (FIRST, SECOND):
        if value == SECOND:
            path = f"/api/v1/namespaces/{managed}/secrets/{name}"
            platform.api.merge(path, {"stringData": {"token": SECOND}})
        eventually(
            lambda value=value: answers(value),  # type: ignore[misc]
            within=LIVE_SECONDS,
            what=f"{name} was built with the value of now",
            state=lambda: platform.describe(managed, name),
        )
    owner = f"ml.ink/service={name}"
    shown = json.dumps(
        [
            platform.kubectl.get("inksvc", name, managed),
            platform.kubectl.list("jobs", BUILDS, owner),
            platform.kubectl.list("pods", BUILDS, owner),
            platform.kubectl.list("controllerrevisions", managed, owner),
            platform.kubectl.list("events", managed),
        ]
    )
    logs = platform.kubectl.run("logs", "-n", BUILDS, "-l", owner, "--tail=-1")
    assert "have ***" in logs
    operator = platform.kubectl.run("logs", "-n", SYSTEM, "deployment/operator", "--all-pods=true", "--tail=-1")
    for value in (FIRST, SECOND):
        assert value not in shown + logs + operator
