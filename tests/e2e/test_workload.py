"""What a service's settings make of it on real nodes: runs at given times, disks, scaling, rotated passwords."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.cluster.kubectl import Json
from support.outside.platform import Platform, condition
from support.waiting import eventually

SERVER = """\
import os, pathlib
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        notes = pathlib.Path(os.environ.get("NOTES", "/nowhere"))
        if self.path == "/write":
            notes.write_text("kept")
        self.send_response(200)
        self.end_headers()
        stored = notes.read_text() if notes.exists() else "none"
        self.wfile.write(f"{os.environ.get('GREETING', 'none')} {stored}".encode())

HTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
"""
DOCKERFILE = """\
FROM python:3.11-slim-bookworm
COPY server.py /server.py
USER 1000
CMD ["python3", "/server.py"]
"""


class Team:
    """A namespace of somebody with kubectl, and an image in it that every service here runs."""

    def __init__(self, platform: Platform, namespace: str, git: Json) -> None:
        self.platform, self.namespace, self._git = platform, namespace, git

    def apply(self, name: str, **spec: Any) -> None:
        meta = {"name": name, "namespace": self.namespace}
        body = {"source": {"git": self._git}, "subdomain": name, **spec}
        self.platform.kubectl.apply(
            {"apiVersion": "ml.ink/v1alpha1", "kind": "InkService", "metadata": meta, "spec": body}
        )

    def change(self, name: str, **spec: Any) -> None:
        path = f"/apis/ml.ink/v1alpha1/namespaces/{self.namespace}/inkservices/{name}"
        self.platform.api.merge(path, {"spec": spec})

    def get(self, kind: str, name: str) -> Json:
        found = self.platform.kubectl.get(kind, name, self.namespace)
        assert found is not None, f"no {kind} {name}"
        return found

    def ready(self, name: str, *, within: float = 180) -> Json:
        """Wait until the newest spec is live; returns the custom resource."""

        def live() -> Json | None:
            found = self.get("inksvc", name)
            stated = condition(found, "Ready")
            newest = stated.get("observedGeneration") == found["metadata"]["generation"]
            return found if newest and stated.get("status") == "True" else None

        return eventually(live, within=within, what=f"{name} is ready", state=lambda: self.describe(name))

    def describe(self, name: str) -> str:
        return self.platform.describe(self.namespace, name)

    def says(self, name: str) -> str:
        return self.platform.fetch(self.get("inksvc", name)["status"]["url"]).body

    def delete(self, name: str) -> None:
        self.platform.kubectl.run("delete", "inksvc", name, "-n", self.namespace, "--timeout=90s", timeout=120)


@pytest.fixture(scope="module")
def team(platform: Platform, managed: str, tmp_path_factory: pytest.TempPathFactory) -> Team:
    app: Path = tmp_path_factory.mktemp("workload")
    (app / "server.py").write_text(SERVER)
    (app / "Dockerfile").write_text(DOCKERFILE)
    name = platform.name("workload")
    clone = platform.repository(name, app)
    clone.push()
    platform.kubectl.run("create", "secret", "generic", name, "-n", managed, f"--from-literal=password={clone.token}")
    return Team(platform, managed, {"url": clone.url, "auth": {"secretRef": {"name": name}}})


@pytest.fixture(scope="module")
def nightly(team: Team) -> Iterator[Nightly]:
    """A cron job with a run every full minute; its story is told in a thread, for minutes are long."""
    name = team.platform.name("nightly")
    team.apply(name, cron={"schedule": "* * * * *"}, command=["python3", "-c", "print('done')"])
    team.ready(name)
    with ThreadPoolExecutor() as pool:
        yield Nightly(name, pool.submit(succeeds_and_fails, team, name))


@dataclass
class Nightly:
    name: str
    story: Future[Json]


def succeeds_and_fails(team: Team, name: str) -> Json:
    """A run succeeds, the command is changed, and the next run fails; returns the custom resource after it."""

    def last_run(status: str) -> bool:
        return condition(team.get("inksvc", name), "LastRunSucceeded").get("status") == status

    eventually(lambda: last_run("True"), within=150, what="a run has succeeded", state=lambda: team.describe(name))
    team.change(name, command=["python3", "-c", "raise SystemExit(3)"])
    eventually(lambda: last_run("False"), within=150, what="a run has failed", state=lambda: team.describe(name))
    return team.get("inksvc", name)


def test_a_cron_job_has_no_address(team: Team, nightly: Nightly) -> None:
    assert "url" not in team.ready(nightly.name)["status"]


def test_a_rotated_password_reaches_the_application(team: Team) -> None:
    name = team.platform.name("rotated")
    path, meta = f"/api/v1/namespaces/{team.namespace}/secrets/{name}", {"name": name, "namespace": team.namespace}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": meta}
    team.platform.api.apply(path, {**secret, "stringData": {"GREETING": "first"}})
    team.apply(name, envFrom=[{"secretRef": {"name": name}}])
    team.ready(name)
    assert team.says(name) == "first none"
    team.platform.api.merge(path, {"stringData": {"GREETING": "second"}})
    eventually(
        lambda: team.says(name) == "second none", within=60, what="the new value", state=lambda: team.describe(name)
    )
    team.delete(name)


def test_data_outlives_pods_and_the_service(team: Team) -> None:
    """Written by a user that is not root, found again by a service of the same name."""
    name = team.platform.name("stored")
    disk = {"name": "data", "mountPath": "/data", "size": "64Mi"}
    spec: dict[str, Any] = {"volumes": [disk], "env": [{"name": "NOTES", "value": "/data/notes"}]}
    team.apply(name, **spec)
    url = team.ready(name)["status"]["url"]
    assert team.platform.fetch(f"{url}write").body == "none kept"
    team.change(name, restartedAt="now")
    team.ready(name)
    assert team.says(name) == "none kept"
    team.delete(name)
    assert team.get("pvc", f"{name}-data")["metadata"]["labels"]["ml.ink/service"] == name
    spec["volumes"] = [{**disk, "deletionPolicy": "Delete"}]
    team.apply(name, **spec)
    team.ready(name)
    assert team.says(name) == "none kept"
    team.delete(name)
    eventually(
        lambda: team.platform.kubectl.get("pvc", f"{name}-data", team.namespace) is None,
        within=60,
        what="the claim is gone with the service",
    )


@pytest.mark.full
def test_storage_that_cannot_grow_is_named(team: Team) -> None:
    """The local cluster's class cannot."""
    name = team.platform.name("grown")
    disk = {"name": "data", "mountPath": "/data", "deletionPolicy": "Delete"}
    team.apply(name, volumes=[{**disk, "size": "64Mi"}])
    team.ready(name)
    team.change(name, volumes=[{**disk, "size": "128Mi"}])
    eventually(
        lambda: condition(team.get("inksvc", name), "Ready").get("reason") == "VolumeNotExpandable",
        within=60,
        what="it is said",
        state=lambda: team.describe(name),
    )
    assert team.platform.fetch(team.get("inksvc", name)["status"]["url"] or "").status == 200
    team.delete(name)


@pytest.mark.full
def test_an_autoscaler_measures_and_is_left_in_charge(team: Team) -> None:
    name = team.platform.name("scaled")
    team.apply(name, autoscaling={"minReplicas": 2, "maxReplicas": 3, "scaleDownCooldown": "10m"})
    team.ready(name)

    def measured() -> bool:
        status = team.get("hpa", name).get("status", {})
        active = next((c for c in status.get("conditions", []) if c["type"] == "ScalingActive"), {})
        return active.get("status") == "True" and status.get("desiredReplicas") == 2

    eventually(measured, within=180, what="the autoscaler has figures", state=lambda: team.describe(name))
    team.change(name, autoscaling={"minReplicas": 3, "maxReplicas": 4})
    eventually(
        lambda: team.ready(name)["status"].get("readyReplicas") == 3,
        within=90,
        what="the autoscaler has scaled and Ink has not",
        state=lambda: team.describe(name),
    )
    assert team.get("deployment", name)["spec"]["replicas"] == 3
    team.delete(name)


def test_a_cron_job_tells_how_its_last_run_ended(team: Team, nightly: Nightly) -> None:
    """The last test here: what it asks for has happened meanwhile."""
    found = nightly.story.result()
    assert condition(found, "Ready")["status"] == "True"
    assert "exit code 3" in condition(found, "LastRunSucceeded")["message"]
    team.delete(nightly.name)
    assert team.platform.kubectl.get("cronjob", nightly.name, team.namespace) is None
