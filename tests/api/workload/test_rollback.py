"""A service that follows a branch, before a real API server and a real registry: rollback, and what is remembered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from ink_api.inkservice.workload import DEFAULT_MEMORY
from ink_api.reasons import Reason
from support.building.daemons import Registry, registry
from support.cluster.kube_api import Json, KubeApi
from support.operating.engine import Surroundings
from support.operating.process import PLAYED_ELSEWHERE, OperatorProcess
from support.outside.platform import condition
from support.played.build import BUILDS, Branch, PlayedBuilder
from support.waiting import eventually, stays

FIRST, SECOND, BROKEN, ENDLESS = "a" * 40, "b" * 40, "c" * 40, "d" * 40
LIVE_SECONDS = 60
VALUE = "hunter2-in-the-open"


@dataclass
class World:
    """An operator between an API server and a registry, a branch, and a service that follows it."""

    api: KubeApi
    operator: OperatorProcess
    registry: Registry
    branch: Branch
    builder: PlayedBuilder
    namespace: str = ""

    @property
    def path(self) -> str:
        return f"/apis/ml.ink/v1alpha1/namespaces/{self.namespace}/inkservices/shop"

    @property
    def deployment(self) -> str:
        return f"/apis/apps/v1/namespaces/{self.namespace}/deployments/shop"

    @property
    def status(self) -> Json:
        found: Json = self.api.get(self.path).get("status", {})
        return found

    def create(self, namespace: str, **more: object) -> None:
        """A service that is live at FIRST."""
        self.namespace = namespace
        self.branch.commit = FIRST
        git = {"url": f"https://git.example.com/{namespace}/shop.git", "branch": "main"}
        spec = {"source": {"git": git}, "subdomain": namespace, **more}
        meta = {"name": "shop", "namespace": namespace}
        manifest = {"apiVersion": "ml.ink/v1alpha1", "kind": "InkService", "metadata": meta, "spec": spec}
        self.api.create(self.path.rpartition("/")[0], manifest)
        self.wait(FIRST)

    def push(self, commit: str) -> None:
        self.branch.commit = commit
        self.api.merge(self.path, {"metadata": {"annotations": {"ml.ink/head": f"main@{commit}"}}})

    def pin(self, commit: str | None) -> None:
        self.api.merge(self.path, {"spec": {"source": {"git": {"commit": commit}}}})

    def wait(self, commit: str, status: str = "True", reason: str = "Ready") -> None:
        """The newest spec is Ready so, for that commit."""

        def so() -> bool:
            live = self.api.get(self.path)
            ready, generation = condition(live, "Ready"), live["metadata"]["generation"]
            stated = (ready.get("status"), ready.get("reason"), ready.get("observedGeneration"))
            return stated == (status, reason, generation) and live["status"].get("commit") == commit

        eventually(
            so, within=LIVE_SECONDS, what=f"{commit[:4]} {reason}", state=lambda: f"{self.status}\n{self.tail()}"
        )

    def tail(self) -> str:
        return self.operator.tail()

    def image(self) -> str:
        live = self.api.find(self.deployment)
        return str(live["spec"]["template"]["spec"]["containers"][0]["image"]) if live else ""

    def jobs(self) -> set[str]:
        """Names of the service's build Jobs."""
        uid = self.api.get(self.path)["metadata"]["uid"]
        found = self.api.get(f"/apis/batch/v1/namespaces/{BUILDS}/jobs?labelSelector=ml.ink/owner-uid={uid}")
        return {job["metadata"]["name"] for job in found["items"]}

    def delete_jobs(self) -> None:
        for name in self.jobs():
            self.api.delete(f"/apis/batch/v1/namespaces/{BUILDS}/jobs/{name}?propagationPolicy=Background")
        eventually(lambda: not self.jobs(), within=20, what="no build Job is left")

    def history(self) -> list[tuple[int, str, str | None, bool]]:
        """(number, first letter of the commit, reason, active), newest first."""
        return [(r["number"], r["commit"][0], r.get("reason"), r["active"]) for r in self.status.get("revisions", [])]

    def wait_history(self, *expected: tuple[int, str, str | None, bool]) -> None:
        eventually(
            lambda: self.history() == list(expected), within=30, what=str(expected), state=lambda: str(self.history())
        )


@pytest.fixture(scope="module")
def world(around: Surroundings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    branch, builder = Branch(), PlayedBuilder(around.plane.api)
    with registry(tmp_path_factory.mktemp("registry")) as images:
        settings = {
            "INK_BUILDER_IMAGE": PLAYED_ELSEWHERE,
            "INK_RESOLVER_URL": branch.url,
            "INK_REGISTRY": images.host,
            "INK_REGISTRY_TOKEN_KEY": images.pair.key,
            "INK_REGISTRY_TOKEN_CERT": images.pair.cert,
        }
        with around.engine("rollback", **settings) as engine:
            yield World(around.plane.api, engine.operator, images, branch, builder)
    builder.stop()
    branch.shutdown()


def test_a_rollback_needs_no_build_and_unpinned_the_branch_is_followed(world: World, namespace: str) -> None:
    world.create(namespace)
    first = world.image()
    world.push(SECOND)
    world.wait(SECOND)
    second, jobs = world.image(), world.jobs()
    assert first != second
    assert len(jobs) == 2

    world.pin(FIRST)
    world.wait(FIRST)
    assert world.image() == first
    world.wait_history((3, "a", "Deployed", True), (2, "b", "Deployed", False))
    world.pin(None)
    world.wait(SECOND)
    assert world.image() == second
    world.wait_history((4, "b", "Deployed", True), (3, "a", "Deployed", False))
    assert world.jobs() == jobs


def test_a_failed_build_is_remembered_without_its_job(world: World, namespace: str) -> None:
    world.builder.broken.add(BROKEN)
    world.create(namespace)
    first = world.image()
    world.push(BROKEN)
    world.wait(BROKEN, "False", "BuildFailed")
    world.wait_history((2, "c", "BuildFailed", False), (1, "a", "Deployed", True))
    told = condition({"status": world.status}, "Ready")["message"]
    assert "a < b && c" in told
    world.delete_jobs()
    stays(lambda: not world.jobs(), seconds=6, what="no build of what failed")
    assert condition({"status": world.status}, "Ready")["message"] == told

    world.api.delete(world.deployment)
    eventually(lambda: world.image() == first, within=30, what="what was deployed last comes back", state=world.tail)
    assert not world.jobs()


def test_a_build_that_a_newer_commit_ends_is_recorded(world: World, namespace: str) -> None:
    world.builder.endless.add(ENDLESS)
    world.create(namespace)
    world.push(ENDLESS)
    eventually(lambda: len(world.jobs()) == 2, within=30, what="a build that does not end", state=world.tail)
    world.push(SECOND)
    world.wait(SECOND)
    world.wait_history(
        (3, "b", Reason.DEPLOYED, True), (2, "d", Reason.SUPERSEDED, False), (1, "a", Reason.DEPLOYED, False)
    )


def test_an_image_that_exists_is_found_in_the_registry(world: World, namespace: str) -> None:
    """No Job tells of it any more; the moment in which it is said is read from the object's earlier versions."""
    world.create(namespace)
    world.push(SECOND)
    world.wait(SECOND)
    world.delete_jobs()
    since = world.api.get(world.path)["metadata"]["resourceVersion"]
    world.pin(FIRST)
    world.wait(FIRST)
    assert not world.jobs()
    told = [condition(version, "Built")["reason"] for version in world.api.history(world.path, since)]
    assert Reason.IMAGE_EXISTS in told


def test_a_secret_of_the_build_reaches_the_builder_alone_and_a_changed_one_builds_anew(
    world: World, namespace: str
) -> None:
    path, given = f"/api/v1/namespaces/{namespace}/secrets", len(world.builder.handed)
    meta = {"name": "npm", "namespace": namespace}
    world.api.create(path, {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": {"token": VALUE}})
    variable = {"name": "NPM_TOKEN", "valueFrom": {"secretKeyRef": {"name": "npm", "key": "token"}}}
    world.create(namespace, build={"env": [variable]})
    assert world.builder.handed[given:] == [{"NPM_TOKEN": VALUE}]
    world.api.merge(f"{path}/npm", {"stringData": {"token": "another"}})
    eventually(
        lambda: world.builder.handed[given:] == [{"NPM_TOKEN": VALUE}, {"NPM_TOKEN": "another"}],
        within=30,
        what="a build with the other value",
        state=world.tail,
    )
    world.wait(FIRST)
    jobs = world.api.get(f"/apis/batch/v1/namespaces/{BUILDS}/jobs")
    assert VALUE not in json.dumps(jobs) + json.dumps(world.api.get(world.path)) + world.tail()

    image = world.image()
    world.api.delete(f"{path}/npm")
    world.wait(FIRST, "False", "ConfigNotFound")
    assert world.image() == image


def test_what_ink_yaml_says_is_remembered_with_the_revision(world: World, namespace: str) -> None:
    scan = {"vulnerabilities": {"high": 1}, "secretsFound": 1, "secrets": [{"place": "a.py:1", "kind": "AWS Key"}]}
    health = {"type": "TCP", "interval": "9s"}
    small = {"args": ["--small"], "resources": {"limits": {"memory": "64Mi"}}, "health": health}
    world.builder.said = {FIRST: {"config": small, "scan": scan}, SECOND: {"config": {"args": ["--large"]}}}

    def container() -> Json:
        live = world.api.get(world.deployment)
        found: Json = live["spec"]["template"]["spec"]["containers"][0]
        return found

    try:
        world.create(namespace)
        first = container()
        assert (first["args"], first["resources"]["limits"]["memory"]) == (["--small"], "64Mi")
        assert first["readinessProbe"]["periodSeconds"] == 9
        assert world.status["effective"]["args"] == ["--small"]
        assert world.status["build"]["scan"] == scan
        world.push(SECOND)
        world.wait(SECOND)
        assert (container()["args"], container()["resources"]["limits"]["memory"]) == (["--large"], DEFAULT_MEMORY)
        world.delete_jobs()
        world.api.merge(f"{world.path}/status", {"status": dict.fromkeys(world.status)})
        world.pin(FIRST)
        world.wait(FIRST)
        assert container() == first
        assert world.status["effective"]["args"] == ["--small"]
        world.api.delete(world.deployment)
        eventually(lambda: world.api.find(world.deployment), within=30, what="it comes back", state=world.tail)
        world.wait(FIRST)
        assert container() == first
        assert not world.jobs()
    finally:
        world.builder.said = {}


def test_what_was_deployed_comes_back_although_the_registry_is_gone(world: World, namespace: str) -> None:
    """The last test here: the registry does not come back."""
    world.create(namespace)
    image = world.image()
    world.delete_jobs()
    world.registry.process.stop()
    world.api.delete(world.deployment)
    eventually(lambda: world.image() == image, within=30, what="the same image", state=world.tail)
    world.wait(FIRST)
    assert not world.jobs()
