"""Flux on a real cluster: from a commit of custom resources to live URLs, and back to nothing.

Its controllers run beside the cluster; the manifests are those of docs/gitops.md, acting as their ServiceAccount.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from contract.git_server import WorkingCopy, serving
from ink_api.group import ANNOTATION_HEAD
from ink_api.reasons import Reason
from support.cluster.kube_api import Json, managed_namespace
from support.gitops import flux
from support.gitops.flux import Sync
from support.gitops.team import Team
from support.operating.engine import CRS
from support.outside.gitclient import Clone
from support.outside.platform import SAMPLES, Platform, condition
from support.waiting import eventually

pytestmark = [pytest.mark.full, pytest.mark.timeout(2400)]

READY_MADE: Json = {
    "source": {"image": {"ref": "python:3.11-slim"}},
    "command": ["sh", "-c", "echo ready made > /tmp/index.html && exec python3 -m http.server -d /tmp $PORT"],
    "drain": {"terminationGracePeriod": "1s"},
}
BUILD_SECONDS = 400


@dataclass
class Shop:
    """Two services in git: one of a finished image, one built from the repository of its application."""

    platform: Platform
    team: Team
    application: Clone
    commit: str = ""
    """What Flux is to be in sync with."""

    def built(self, **spec: Any) -> Json:
        auth = {"secretRef": {"name": "hello-git"}}
        return {"source": {"git": {"url": self.application.url, "branch": "main", "auth": auth}}, **spec}

    def page(self, name: str) -> tuple[int, str]:
        page = self.platform.fetch(self.team.service(name)["status"]["url"])
        return page.status, page.body

    def state(self) -> str:
        return f"{self.team.service('built').get('status')}\n{self.team.sync.state()}"


@pytest.fixture(scope="module")
def shop(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Both, in sync; taken away again by Flux."""
    namespace = platform.name("flux")
    managed_namespace(platform.api, namespace)
    application = platform.repository(platform.name("application"), SAMPLES / "hello-dockerfile")
    application.push("First version")
    login = f"--from-literal=password={application.token}"
    platform.kubectl.run("create", "secret", "generic", "hello-git", "-n", namespace, login)
    flux.install(platform.kubectl)
    with (
        serving(tmp_path_factory.mktemp("git")) as git,
        flux.running(platform.cluster.kubeconfig, tmp_path_factory.mktemp("flux")) as logs,
    ):
        repo, copy = git.create("deploy"), WorkingCopy.new(tmp_path_factory.mktemp("copies") / "deploy")

        def publish() -> str:
            commit = copy.commit(file="README.md")
            copy.git("push", "--quiet", repo.url(), "HEAD:refs/heads/main")
            return commit

        access = {"username": "ink", "password": repo.read}
        sync = Sync(platform.api, namespace, logs)
        made = Shop(
            platform, Team(platform.api, sync, copy.directory, publish, repo.plain_url, access), application, ""
        )
        made.commit = made.team.commit(made=READY_MADE, built=made.built())
        made.team.start()
        yield made
        for path in (sync.path, sync.source):
            platform.api.delete(path)
            eventually(lambda path=path: platform.api.find(path) is None, within=240, what=f"{path} is gone")  # type: ignore[misc]
    platform.kubectl.delete("namespace", namespace, wait=False)
    flux.uninstall(platform.kubectl)


@pytest.fixture
def live(shop: Shop) -> Shop:
    """Both live, as git has them."""
    shop.team.sync.wait_healthy(shop.commit, within=BUILD_SECONDS)
    return shop


def test_the_sync_is_healthy_when_both_answer(shop: Shop) -> None:
    """Not before: at the moment in which Flux says so, the URLs work."""
    team = shop.team

    def building() -> bool:
        found = team.api.find(f"{CRS.format(team.namespace)}/built") or {}
        return bool(condition(found, "Reconciling")) and not condition(found, "Stalled")

    eventually(building, within=60, what="the first sync has a service without an image", state=team.sync.state)
    assert team.sync.ready().get("status") != "True"
    team.sync.wait_healthy(shop.commit, within=BUILD_SECONDS)
    assert shop.page("built") == (200, "Hello from a Dockerfile, v1\n")
    assert shop.page("made") == (200, "ready made\n")


def test_a_push_to_the_application_is_no_drift(live: Shop) -> None:
    """The gateway's hint stays, Flux has nothing to correct, and nobody touches the spec."""
    team, before = live.team, live.team.service("built")
    live.application.replace("server.py", 'VERSION = "v1"', 'VERSION = "v2"')
    commit = live.application.push("Second version")

    def second() -> bool:
        found = team.service("built")
        return bool(found["status"].get("commit") == commit and condition(found, "Ready")["status"] == "True")

    eventually(second, within=BUILD_SECONDS, what="the second version is live", state=live.state)
    team.sync.again()
    after = team.service("built")
    assert live.page("built") == (200, "Hello from a Dockerfile, v2\n")
    assert commit in after["metadata"]["annotations"][ANNOTATION_HEAD]
    assert after["metadata"]["generation"] == before["metadata"]["generation"]
    team.sync.again()
    assert team.service("built")["metadata"]["resourceVersion"] == after["metadata"]["resourceVersion"]
    assert team.sync.ready()["status"] == "True"


def test_a_commit_of_the_resource_is_a_new_revision(live: Shop) -> None:
    team, before = live.team, live.team.service("built")["status"]["revisions"][0]["number"]
    live.commit = team.commit(built=live.built(env=[{"name": "GREETING", "value": "from git"}]))
    team.sync.wait_healthy(live.commit, within=BUILD_SECONDS)
    found = team.service("built")
    assert found["status"]["revisions"][0]["number"] == before + 1
    deployment = live.platform.kubectl.get("deployment", "built", team.namespace)
    assert deployment is not None
    assert {"name": "GREETING", "value": "from git"} in deployment["spec"]["template"]["spec"]["containers"][0]["env"]


def test_a_broken_build_fails_the_sync_and_a_mended_one_heals_it(live: Shop) -> None:
    team = live.team
    good = live.application.directory.joinpath("Dockerfile").read_text()
    live.application.replace("Dockerfile", "WORKDIR /app", "RUN echo 'no such step' >&2 && exit 7\nWORKDIR /app")
    live.application.push("Broken")

    def failed() -> bool:
        return bool(condition(team.service("built"), "Stalled").get("reason") == Reason.BUILD_FAILED)

    eventually(failed, within=BUILD_SECONDS, what="the broken build is reported", state=live.state)
    team.sync.again()
    said = team.sync.wait_failed(live.commit)
    assert said.endswith(f"failed early due to stalled resources: [InkService/{team.namespace}/built status: 'Failed']")
    assert "no such step" in live.platform.describe(team.namespace, "built")
    assert live.page("built")[0] == 200
    live.application.directory.joinpath("Dockerfile").write_text(good)
    live.application.push("Mended")
    eventually(lambda: not failed(), within=BUILD_SECONDS, what="the mended build is under way", state=live.state)
    team.sync.again()
    team.sync.wait_healthy(live.commit, within=BUILD_SECONDS)


def test_what_is_changed_by_hand_comes_back(live: Shop) -> None:
    team, kubectl = live.team, live.platform.kubectl
    wanted = team.service("made")["spec"]
    change = '{"spec": {"command": ["sleep", "9"], "env": [{"name": "A", "value": "by hand"}]}}'
    kubectl.run("patch", "inksvc/made", "-n", team.namespace, "--type=merge", "-p", change)
    team.sync.again()
    team.sync.wait_healthy(live.commit, within=BUILD_SECONDS)
    assert team.service("made")["spec"] == wanted
    assert live.page("made") == (200, "ready made\n")


def test_what_leaves_git_leaves_nothing(live: Shop) -> None:
    team = live.team
    url = team.service("made")["status"]["url"]
    live.commit = team.commit(made=None)
    team.sync.wait_healthy(live.commit, within=BUILD_SECONDS)
    team.wait_no_children("made")
    assert live.platform.fetch(url).status != 200
    assert live.page("built")[0] == 200
    team.api.delete(team.sync.path)
    eventually(lambda: team.api.find(team.sync.path) is None, within=240, what="the sync is gone")
    assert team.api.get(CRS.format(team.namespace))["items"] == []
    team.wait_no_children("built")
