"""The whole platform, from outside: what an agent, a developer, a visitor and an administrator can do with it."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ink_local.cluster import Cluster
from support.cluster.control_plane import ROOT
from support.cluster.kube_api import KubeApi
from support.cluster.kubectl import Json, Kubectl
from support.outside.agent import Agent, Answer
from support.outside.gitclient import Clone
from support.outside.web import Page, fetch
from support.waiting import eventually

SAMPLES = ROOT / "examples" / "apps"
TENANTS = "ink-tenants"
SYSTEM = "dp-system"
BUILDS = "dp-builds"
LIVE_SECONDS = 240


@dataclass(frozen=True)
class Platform:
    """A running Ink. `run` distinguishes this test run's names from those of others in the same cluster."""

    cluster: Cluster
    kubectl: Kubectl
    api: KubeApi
    agent: Agent
    ca: Path
    scratch: Path
    workspace: str
    run: str = field(default_factory=lambda: secrets.token_hex(2))

    def name(self, base: str) -> str:
        """A service or repository name of this run."""
        return f"{base}-{self.run}"

    def repository(self, name: str, app: Path) -> Clone:
        """A new repository on Ink's git server, and a clone with the app's files, not yet pushed."""
        self.agent.ok("create_repo", name=name)
        return self.clone(name, app)

    def clone(self, name: str, app: Path) -> Clone:
        """A working directory for a repository that exists."""
        access = self.agent.ok("get_git_token", name=name)
        directory = self.scratch / f"{name}-{secrets.token_hex(2)}"
        return Clone.of(app, directory, access["url"], access["token"], self.ca)

    def deploy(self, name: str, app: Path, **arguments: Any) -> Deployed:
        """Push the app to a repository of its own and wait until its service is live."""
        clone = self.repository(name, app)
        commit = clone.push("First version")
        answer = self.agent.ok("create_service", repo=name, name=name, wait=LIVE_SECONDS, **arguments)
        assert answer["state"] == "live", f"{name} is not live: {answer.data}\n{self.state_of(name)}"
        return Deployed(self, name, arguments.get("project", "default"), clone, commit, answer)

    def cr(self, name: str, project: str = "default") -> Json:
        """The gateway's custom resource of a service."""
        found = self.kubectl.get("inksvc", self.cr_name(name, project), TENANTS)
        assert found is not None, f"no InkService for {name}"
        return found

    def cr_name(self, name: str, project: str = "default") -> str:
        return f"{self.workspace}.{project}.{name}"

    def namespace(self, project: str = "default") -> str:
        """Where the workloads of a project run."""
        return f"ink-t-{self.workspace}--{project}"

    def fetch(self, url: str) -> Page:
        return fetch(url, self.ca)

    def row(self, namespace: str, name: str) -> list[str]:
        """What `kubectl get inksvc` shows of a service, in words."""
        return self.kubectl.run("get", "inksvc", name, "-n", namespace, "--no-headers").split()

    def describe(self, namespace: str, name: str) -> str:
        return self.kubectl.run("describe", "inksvc", name, "-n", namespace)

    def builds(self, name: str, project: str = "default") -> list[str]:
        """UIDs of the build Jobs of a service that the cluster still knows."""
        uid = self.cr(name, project)["metadata"]["uid"]
        return sorted(job["metadata"]["uid"] for job in self.kubectl.list("jobs", BUILDS, f"ml.ink/owner-uid={uid}"))

    def pods(self, name: str, project: str = "default") -> list[Json]:
        """The service's pods, those on their way out included."""
        return self.kubectl.list("pods", self.namespace(project), f"ml.ink/service={name}")

    def state_of(self, name: str, project: str = "default") -> str:
        """For a reader of a failed test: the custom resource's status."""
        return json.dumps(self.cr(name, project).get("status", {}), indent=1)

    def wait_for_commit(self, name: str, commit: str, *, within: float = LIVE_SECONDS) -> Json:
        """Wait until that commit is live; returns the custom resource."""

        def live() -> Json | None:
            found = self.cr(name)
            status = found["status"]
            ready = condition(found, "Ready")
            return found if status.get("commit") == commit and ready.get("status") == "True" else None

        return eventually(live, within=within, what=f"{name} live at {commit}", state=lambda: self.state_of(name))


@dataclass
class Deployed:
    """A live service and the clone that its pushes come from."""

    platform: Platform
    name: str
    project: str
    clone: Clone
    commit: str
    answer: Answer

    @property
    def url(self) -> str:
        return str(self.answer["url"])

    def visit(self) -> Page:
        return self.platform.fetch(self.url)


def condition(resource: Json, kind: str) -> Json:
    """The condition of that type; empty when it is not stated."""
    conditions = resource.get("status", {}).get("conditions", [])
    return next((c for c in conditions if c["type"] == kind), {})


def pod_of(platform: Platform, service: Deployed) -> Json:
    """A running pod of the service."""
    pods = platform.pods(service.name, service.project)
    return next(p for p in pods if p["status"]["phase"] == "Running" and "deletionTimestamp" not in p["metadata"])
