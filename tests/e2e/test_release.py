"""The release command: it runs in the new image before traffic moves, and a failure keeps the old version serving."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from support.cluster.kubectl import Json
from support.outside.gitclient import Clone
from support.outside.platform import SAMPLES, SYSTEM, Platform, condition
from support.waiting import eventually, stays

MIGRATE = """\
import os, sys
assert os.environ["GREETING"] == "hello", "the service's variables are missing"
print("migrating to {version}")
sys.exit({code})
"""


def write(clone: Clone, version: str, code: int) -> None:
    """A version of the application, and how its migration ends."""
    server = (SAMPLES / "hello-dockerfile" / "server.py").read_text()
    clone.directory.joinpath("server.py").write_text(server.replace('VERSION = "v1"', f'VERSION = "{version}"'))
    clone.directory.joinpath("migrate.py").write_text(MIGRATE.format(version=version, code=code))


@dataclass
class Released:
    """A service of somebody with kubectl that has a release command."""

    platform: Platform
    namespace: str
    name: str
    clone: Clone

    @property
    def cr(self) -> Json:
        found = self.platform.kubectl.get("inksvc", self.name, self.namespace)
        assert found is not None
        return found

    def wait(self, value: str, commit: str = "") -> Json:
        """Ready has this status or reason, for that commit."""

        def so() -> Json | None:
            found = self.cr
            ready = condition(found, "Ready")
            of_it = not commit or found["status"].get("commit") == commit
            return found if of_it and value in (ready.get("status"), ready.get("reason")) else None

        return eventually(
            so,
            within=180,
            what=f"{self.name}: Ready {value}",
            state=lambda: self.platform.describe(self.namespace, self.name),
        )

    def jobs(self) -> list[Json]:
        selector = f"ml.ink/service={self.name},ml.ink/component=release"
        return self.platform.kubectl.list("jobs", self.namespace, selector)

    def body(self) -> str:
        return self.platform.fetch(str(self.cr["status"]["url"])).body


@pytest.fixture(scope="module")
def released(platform: Platform, managed: str) -> Released:
    """Live in its first version."""
    name = platform.name("release")
    clone = platform.repository(name, SAMPLES / "hello-dockerfile")
    write(clone, "v1", 0)
    clone.replace("Dockerfile", "COPY server.py .", "COPY server.py migrate.py .")
    clone.push("First version")
    secret = f"{name}-git"
    platform.kubectl.run("create", "secret", "generic", secret, "-n", managed, f"--from-literal=password={clone.token}")
    git = {"url": clone.url, "auth": {"secretRef": {"name": secret}}}
    spec = {
        "source": {"git": git},
        "subdomain": name,
        "env": [{"name": "GREETING", "value": "hello"}],
        "release": {"command": ["python3", "migrate.py"], "timeout": "2m"},
    }
    meta = {"name": name, "namespace": managed}
    platform.kubectl.apply({"apiVersion": "ml.ink/v1alpha1", "kind": "InkService", "metadata": meta, "spec": spec})
    service = Released(platform, managed, name, clone)
    service.wait("True")
    return service


def test_the_command_has_run_in_the_image_with_the_variables(released: Released) -> None:
    (job,) = released.jobs()
    log = released.platform.kubectl.run("logs", "-n", released.namespace, f"job/{job['metadata']['name']}")
    assert "migrating to v1" in log
    assert released.body() == "Hello from a Dockerfile, v1\n"


def test_a_failure_says_why_and_the_old_version_serves_until_the_next_push(released: Released) -> None:
    write(released.clone, "v2", 3)
    found = released.wait("ReleaseFailed", released.clone.push("A migration that fails"))
    message = condition(found, "Released")["message"]
    assert "exit code 3" in message
    assert "migrating to v2" in message
    assert condition(found, "Available")["status"] == "True"
    stays(
        lambda: released.body() == "Hello from a Dockerfile, v1\n" and len(released.jobs()) == 1,
        seconds=5,
        what="the old version, and no second try",
    )
    write(released.clone, "v3", 0)
    released.wait("True", released.clone.push("A migration that works"))
    eventually(lambda: released.body() == "Hello from a Dockerfile, v3\n", within=30, what="v3 answers")


def test_scaling_and_a_restart_of_the_operator_run_it_no_more(released: Released) -> None:
    kubectl, namespace = released.platform.kubectl, released.namespace
    before = [job["metadata"]["uid"] for job in released.jobs()]
    kubectl.run("scale", f"inksvc/{released.name}", "-n", namespace, "--replicas=2")
    kubectl.run("delete", "pods", "-n", SYSTEM, "-l", "app.kubernetes.io/name=operator")

    def scaled() -> bool:
        return bool(released.cr["status"].get("readyReplicas") == 2)

    eventually(scaled, within=120, what="two pods are ready")
    stays(lambda: [job["metadata"]["uid"] for job in released.jobs()] == before, seconds=5, what="no other release Job")
