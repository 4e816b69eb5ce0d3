"""Rollback: an earlier commit is live again without a build, and unpinned the service follows its branch again."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import yaml
from support.cluster.control_plane import ROOT
from support.cluster.kubectl import Json
from support.outside.gitclient import Clone
from support.outside.platform import BUILDS, SAMPLES, Platform, condition
from support.waiting import eventually, stays

LIVE_SECONDS = 180
ROLLED_BACK_SECONDS = 60
"""Deadline of a rollout alone."""


@dataclass
class Service:
    """A service of somebody with kubectl, made from a repository of Ink's git."""

    platform: Platform
    namespace: str
    name: str
    clone: Clone

    @property
    def cr(self) -> Json:
        found = self.platform.kubectl.get("inksvc", self.name, self.namespace)
        assert found is not None
        return found

    def builds(self) -> set[str]:
        """UIDs of its build Jobs."""
        owner = f"ml.ink/owner-uid={self.cr['metadata']['uid']}"
        return {job["metadata"]["uid"] for job in self.platform.kubectl.list("jobs", BUILDS, owner)}

    def body(self) -> str:
        return self.platform.fetch(str(self.cr["status"]["url"])).body

    def history(self) -> list[tuple[int, str, bool]]:
        """(number, commit, active), newest first."""
        return [(r["number"], r["commit"], r["active"]) for r in self.cr["status"].get("revisions", [])]

    def pin(self, commit: str | None) -> None:
        path = f"/apis/ml.ink/v1alpha1/namespaces/{self.namespace}/inkservices/{self.name}"
        self.platform.api.merge(path, {"spec": {"source": {"git": {"commit": commit}}}})

    def wait_live(self, commit: str, version: str, *, within: float = LIVE_SECONDS) -> None:
        """That commit is Ready, and its bytes are what a visitor gets."""

        def live() -> bool:
            found = self.cr
            generation = found["metadata"]["generation"]
            ready = condition(found, "Ready")
            told = ready.get("status") == "True" and ready.get("observedGeneration") == generation
            told = told and found["status"]["commit"] == commit
            return bool(told and self.body() == f"Hello from a Dockerfile, {version}\n")

        eventually(
            live,
            within=within,
            what=f"{self.name} answers {version}",
            state=lambda: self.platform.describe(self.namespace, self.name),
        )


@pytest.fixture(scope="module")
def service(platform: Platform, managed: str) -> Service:
    """Live in its first version."""
    name = platform.name("rollback")
    clone = platform.repository(name, SAMPLES / "hello-dockerfile")
    clone.push("First version")
    secret = f"{name}-git"
    platform.kubectl.run("create", "secret", "generic", secret, "-n", managed, f"--from-literal=password={clone.token}")
    manifest: Json = yaml.safe_load((ROOT / "examples" / "inkservice-git.yaml").read_text())
    manifest["metadata"] = {"name": name, "namespace": managed}
    manifest["spec"]["source"]["git"] |= {"url": clone.url, "auth": {"secretRef": {"name": secret}}}
    manifest["spec"]["subdomain"] = name
    platform.kubectl.apply(manifest)
    return Service(platform, managed, name, clone)


def test_a_rollback_brings_the_old_bytes_back_without_a_build(service: Service) -> None:
    first = service.clone.git("rev-parse", "HEAD")
    service.wait_live(first, "v1")
    service.clone.replace("server.py", 'VERSION = "v1"', 'VERSION = "v2"')
    second = service.clone.push("Second version")
    service.wait_live(second, "v2")
    builds = service.builds()

    service.pin(first)
    service.wait_live(first, "v1", within=ROLLED_BACK_SECONDS)
    assert service.history()[:2] == [(3, first, True), (2, second, False)]
    assert service.builds() <= builds

    service.pin(None)
    service.wait_live(second, "v2", within=ROLLED_BACK_SECONDS)
    assert service.history()[:2] == [(4, second, True), (3, first, False)]
    assert service.builds() <= builds


def test_a_push_does_not_move_a_pinned_service(service: Service) -> None:
    pinned = service.clone.git("rev-parse", "HEAD")
    service.pin(pinned)
    service.wait_live(pinned, "v2")
    service.clone.replace("server.py", 'VERSION = "v2"', 'VERSION = "v3"')
    third = service.clone.push("Third version")
    stays(lambda: service.cr["status"]["commit"] == pinned, seconds=6, what="the pinned commit")
    service.pin(None)
    service.wait_live(third, "v3")


def test_a_deployment_deleted_by_hand_comes_back_from_its_record(service: Service) -> None:
    commit, builds, history = service.clone.git("rev-parse", "HEAD"), service.builds(), service.history()
    owner = f"ml.ink/owner-uid={service.cr['metadata']['uid']}"
    service.platform.kubectl.run("delete", "jobs", "-n", BUILDS, "-l", owner)
    service.platform.kubectl.delete("deployment", service.name, service.namespace)
    service.wait_live(commit, "v3", within=ROLLED_BACK_SECONDS)
    assert service.history() == history
    assert service.builds() <= builds


def test_kubectl_shows_the_records(service: Service) -> None:
    selector = f"ml.ink/service={service.name}"
    records = service.platform.kubectl.list("controllerrevisions", service.namespace, selector)
    assert sorted((r["revision"] for r in records), reverse=True) == [number for number, *_ in service.history()]
    assert {r["data"]["commit"] for r in records} == {commit for _, commit, _ in service.history()}
