"""Real Flux before a real operator: what it waits for, what it says, what it puts right, what it takes away.

The manifests are those of docs/gitops.md, and Flux acts as the ServiceAccount that they give it.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from contract.git_server import GitServer, WorkingCopy, serving
from ink_api.group import ANNOTATION_HEAD, ANNOTATION_PAUSED, FIELD_MANAGER_GATEWAY
from ink_api.reasons import Reason
from support.cluster.audit import AuditTail
from support.cluster.control_plane import ControlPlane
from support.cluster.kube_api import Json, KubeApi, managed_namespace
from support.gitops import flux
from support.gitops.flux import Sync
from support.gitops.team import Team
from support.operating.engine import CRS, IMAGE, Engine, Surroundings, says_ready, source_of
from support.outside.platform import condition
from support.resources.examples import examples, referred
from support.resources.specs import path_of
from support.waiting import eventually, stays

pytestmark = [pytest.mark.full, pytest.mark.timeout(1800)]

POLL_SECONDS = 5
"""How often Flux looks at the health of what it waits for."""
FROM_IMAGE: Json = {"source": {"image": {"ref": IMAGE}}}
FROM_GIT: Json = {"source": source_of("https://example.com/shop.git")}


@dataclass
class Flux:
    """Flux at work, and a git server that it reads from."""

    api: KubeApi
    git: GitServer
    logs: Path
    scratch: Path

    def team(self) -> Team:
        """A namespace of its own with an empty repository."""
        name = f"flux-{secrets.token_hex(3)}"
        managed_namespace(self.api, name)
        repo, copy = self.git.create(name), WorkingCopy.new(self.scratch / name)

        def publish() -> str:
            commit = copy.commit(file="README.md")
            copy.git("push", "--quiet", repo.url(), "HEAD:refs/heads/main")
            return commit

        login = {"username": "ink", "password": repo.read}
        return Team(self.api, Sync(self.api, name, self.logs), copy.directory, publish, repo.plain_url, login)


@pytest.fixture(scope="module")
def running_flux(
    control_plane: ControlPlane, world: Engine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Flux]:
    """Ends before the operator does, so that nothing brings back what the module's end clears away."""
    flux.install(control_plane.kubectl)
    scratch = tmp_path_factory.mktemp("flux")
    with (
        serving(tmp_path_factory.mktemp("git")) as git,
        flux.running(control_plane.kubeconfig, scratch) as logs,
    ):
        yield Flux(control_plane.api, git, logs, tmp_path_factory.mktemp("copies"))


@pytest.fixture
def team(running_flux: Flux, engine: Engine) -> Team:
    return running_flux.team()


def in_progress(team: Team, name: str) -> bool:
    return bool(condition(team.service(name), "Reconciling"))


def says_nothing_is_healthy(team: Team) -> bool:
    found = team.sync.found()
    return condition(found, "Ready").get("status") != "True" and condition(found, "Healthy").get("status") != "True"


def test_a_first_sync_without_an_image_is_not_healthy(team: Team, around: Surroundings) -> None:
    """Nor is a second one whose pods are not ready, while the revision before serves."""
    with around.kubelet.asleep():
        first = team.commit(web=FROM_GIT)
        team.start()
        waits_for(team, "web", Reason.BUILDING)
        assert team.sync.found()["status"].get("lastAppliedRevision") is None
    team.sync.wait_healthy(first)
    assert since(team.service("web")) <= since(team.sync.found())
    with around.kubelet.asleep():
        second = team.commit(web={**FROM_GIT, "env": [{"name": "A", "value": "b"}]})
        waits_for(team, "web", Reason.DEPLOYING)
        assert condition(team.service("web"), "Available")["status"] == "True"
        assert first in team.sync.found()["status"]["lastAppliedRevision"]
    team.sync.wait_healthy(second)
    assert since(team.service("web")) <= since(team.sync.found())


def waits_for(team: Team, name: str, reason: Reason) -> None:
    """Flux looks at the health of a service that gives that reason, and goes on doing so."""

    def looking() -> bool:
        found = team.api.find(f"{CRS.format(team.namespace)}/{name}") or {}
        stated = condition(team.sync.found(), "Healthy")
        return condition(found, "Ready").get("reason") == reason and stated.get("status") == "Unknown"

    eventually(looking, within=60, what=f"Flux waits for {name}", state=team.sync.state)
    stays(lambda: says_nothing_is_healthy(team), seconds=2 * POLL_SECONDS + 1, what="a sync of what is not ready")


def since(found: Json) -> str:
    """When it became Ready."""
    stated = condition(found, "Ready")
    assert stated["status"] == "True", stated
    return str(stated["lastTransitionTime"])


def test_a_stalled_service_fails_the_sync_at_once_and_a_commit_heals_it(team: Team) -> None:
    broken = {**FROM_IMAGE, "release": {"command": ["exit", "1", "no such table"]}}
    commit = team.commit(web=broken, other=FROM_IMAGE)
    team.start()
    said = team.sync.wait_failed(commit)
    assert said.endswith(f"failed early due to stalled resources: [InkService/{team.namespace}/web status: 'Failed']")
    assert condition(team.sync.found(), "Ready")["reason"] == "HealthCheckFailed"
    stalled = condition(team.service("web"), "Stalled")
    assert stalled["reason"] == Reason.RELEASE_FAILED
    assert "no such table" in stalled["message"]
    team.sync.wait_healthy(team.commit(web=FROM_IMAGE))


def test_what_is_not_finished_in_time_is_named(team: Team, around: Surroundings) -> None:
    with around.kubelet.asleep():
        commit = team.commit(web=FROM_IMAGE)
        team.start(timeout="6s", retryInterval="5s")
        said = team.sync.wait_failed(commit)
    assert said.endswith(f"timeout waiting for: [InkService/{team.namespace}/web status: 'InProgress']")
    team.sync.wait_healthy(commit)


def test_a_wrong_field_is_refused_before_anything_is_applied(team: Team) -> None:
    commit = team.commit(good=FROM_IMAGE, bad={"source": source_of("git@example.com:shop.git")})
    team.start()
    said = team.sync.wait_failed(commit)
    assert f"InkService/{team.namespace}/bad dry-run failed (Invalid)" in said
    assert "write the https:// URL of the repository" in said
    assert team.sync.ready()["reason"] == "ReconciliationFailed"
    assert team.api.get(CRS.format(team.namespace))["items"] == []


def test_what_is_changed_by_hand_comes_back(team: Team, control_plane: ControlPlane) -> None:
    kubectl, namespace = control_plane.kubectl, team.namespace
    commit = team.commit(web={**FROM_IMAGE, "env": [{"name": "A", "value": "from git"}]})
    team.start()
    team.sync.wait_healthy(commit)
    wanted = team.service("web")["spec"]
    change = {"env": [{"name": "A", "value": "by hand"}], "args": ["--debug"]}
    kubectl.run("patch", "inksvc/web", "-n", namespace, "--type=merge", "-p", json.dumps({"spec": change}))
    team.sync.again()
    assert team.service("web")["spec"] == wanted
    team.sync.wait_healthy(commit)
    before = team.service("web")["metadata"]["uid"]
    kubectl.run("delete", "inksvc/web", "-n", namespace)
    team.sync.again()
    team.sync.wait_healthy(commit)
    assert team.service("web")["metadata"]["uid"] != before


def test_who_scales_is_left_alone(team: Team, control_plane: ControlPlane) -> None:
    """As long as git says nothing about replicas."""
    commit = team.commit(web=FROM_IMAGE)
    team.start()
    team.sync.wait_healthy(commit)
    control_plane.kubectl.run("scale", "inksvc/web", "-n", team.namespace, "--replicas=3")
    team.sync.again()
    team.sync.again()
    assert team.service("web")["spec"]["replicas"] == 3


def test_a_pause_by_hand_holds_under_a_name_of_its_own(team: Team, control_plane: ControlPlane) -> None:
    """Flux takes back what kubectl wrote, unless that says that it is somebody else."""
    kubectl, pause = (
        control_plane.kubectl,
        ("annotate", "inksvc/web", "-n", team.namespace, f"{ANNOTATION_PAUSED}=true"),
    )
    commit = team.commit(web=FROM_IMAGE)
    team.start()
    team.sync.wait_healthy(commit)
    kubectl.run(*pause)
    team.sync.again()
    assert ANNOTATION_PAUSED not in team.service("web")["metadata"].get("annotations", {})
    kubectl.run(*pause, "--field-manager=on-call")
    team.sync.again()
    assert team.service("web")["metadata"]["annotations"] == {ANNOTATION_PAUSED: "true"}


def test_nobody_fights_over_a_field(team: Team, engine: Engine, control_plane: ControlPlane) -> None:
    """Two intervals after a push: Flux, the gateway and the operator each leave the others' fields alone."""
    commit = team.commit(web=FROM_GIT)
    team.start(interval="3s")
    team.sync.wait_healthy(commit)
    one, head = f"{CRS.format(team.namespace)}/web", f"main@{'c' * 40}"
    hint = {"metadata": {"annotations": {ANNOTATION_HEAD: head}}}
    content = "application/merge-patch+json"
    team.api.request("PATCH", f"{one}?fieldManager={FIELD_MANAGER_GATEWAY}", hint, content_type=content)
    engine.rest()
    engine.proxy.forget()
    before, audit, rounds = team.service("web"), AuditTail(control_plane.audit_log), syncs(team)
    eventually(lambda: syncs(team) >= rounds + 3, within=60, what="two whole intervals pass", state=team.sync.state)
    after = team.service("web")
    assert after["metadata"]["annotations"][ANNOTATION_HEAD] == head
    assert after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
    assert after["metadata"]["generation"] == 1
    ours = [write for write in audit.writes() if write.resource.startswith("inkservices")]
    assert (ours, engine.proxy.writes) == ([], [])


def syncs(team: Team) -> int:
    """How often everything has been applied and found healthy."""
    return int(team.sync.found()["status"]["history"][0]["totalReconciliations"])


def test_what_leaves_the_repository_leaves_the_cluster(team: Team, engine: Engine) -> None:
    commit = team.commit(web=FROM_GIT, other=FROM_IMAGE)
    team.start()
    team.sync.wait_healthy(commit)
    assert len(team.children("web")) > len(team.children("other")) > 4
    commit = team.commit(other=None)
    team.sync.wait_healthy(commit)
    engine.wait_gone(team.namespace, "other")
    team.wait_no_children("other")
    assert says_ready(team.service("web"))
    team.api.delete(team.sync.path)
    eventually(lambda: team.api.find(team.sync.path) is None, within=60, what="the sync is gone")
    assert team.api.get(CRS.format(team.namespace))["items"] == [], "it waits until the finalizers have done their work"
    team.wait_no_children("web")


def test_one_service_out_of_many_is_waited_for(team: Team, control_plane: ControlPlane) -> None:
    """examples/gitops/flux/healthchecks.yaml: the others may fail, and an old revision will do."""
    broken = {**FROM_IMAGE, "release": {"command": ["exit", "1", "no such table"]}}
    first = team.commit(web=FROM_IMAGE, other=broken)
    team.start("healthchecks.yaml")
    team.sync.wait_healthy(first)
    second = team.commit(web={**broken, "env": [{"name": "A", "value": "b"}]})
    team.sync.wait_healthy(second)
    eventually(lambda: bool(condition(team.service("web"), "Stalled")), within=60, what="the new revision stalls")
    team.sync.again()
    assert team.sync.ready()["status"] == "True"


NOT_HERE = {
    "inkdomain": (Reason.NOT_IMPLEMENTED, "does not support InkDomain yet"),
    "inkresource-external": (Reason.NOT_IMPLEMENTED, "does not support InkResource yet"),
    "inkresource-postgres": (Reason.NOT_IMPLEMENTED, "does not support InkResource yet"),
    "inkresource-sqlite": (Reason.NOT_IMPLEMENTED, "does not support InkResource yet"),
    "inkservice-isolation": (Reason.RUNTIME_UNAVAILABLE, "the cluster has no RuntimeClass gvisor"),
    "inkservice-sealed": (Reason.SEALED_VALUE_INVALID, "the sealed value cannot be used"),
}
"""Examples that want a part, or a key, that this cluster has not."""


def test_examples_from_a_repository(team: Team) -> None:
    """All that can be served here is healthy; what cannot be is not, and says why."""
    for found in examples():
        name = found["metadata"]["name"]
        team.write(f"{name if name in NOT_HERE else 'shop'}/{name}.yaml", found)
    for number, found in enumerate(referred(list(examples()))):
        team.write(f"shop/reference-{number}.yaml", found)
    commit = team.push()
    team.start()
    beside = {name: team.start_beside(name) for name in NOT_HERE}
    for name, (reason, words) in NOT_HERE.items():
        said = beside[name].wait_failed(commit)
        kind = re.search(rf"stalled resources: \[(\w+)/{team.namespace}/{name} status: 'Failed'\]", said)
        assert kind, said
        found = team.api.get(f"{path_of(kind[1], team.namespace)}/{name}")
        assert condition(found, "Stalled")["reason"] == reason
        assert words in condition(found, "Ready")["message"]
    team.sync.wait_healthy(commit)
    live = {item["metadata"]["name"] for item in team.api.get(CRS.format(team.namespace))["items"] if says_ready(item)}
    assert live | set(NOT_HERE) == {found["metadata"]["name"] for found in examples()}
