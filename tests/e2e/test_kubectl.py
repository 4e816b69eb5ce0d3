"""People with kubectl: the same service from a custom resource of their own, beside their workload."""

from __future__ import annotations

import pytest
import yaml
from ink_api.reasons import Reason, remedy
from support.cluster.control_plane import ROOT
from support.cluster.kubectl import Json
from support.outside.platform import SAMPLES, Deployed, Platform, condition
from support.waiting import eventually


def service(platform: Platform, namespace: str, name: str, **git: object) -> Json:
    """An InkService as examples/inkservice-git.yaml shows it, for a repository of this platform."""
    manifest: Json = yaml.safe_load((ROOT / "examples" / "inkservice-git.yaml").read_text())
    manifest["metadata"] = {"name": name, "namespace": namespace}
    manifest["spec"]["source"]["git"] |= git
    manifest["spec"]["subdomain"] = name
    return manifest


@pytest.fixture(scope="module")
def applied(platform: Platform, managed: str) -> tuple[str, str, str]:
    """(namespace, name, URL) of a service that `kubectl apply` brought to life."""
    name = platform.name("applied")
    clone = platform.repository(name, SAMPLES / "hello-dockerfile")
    commit = clone.push()
    platform.kubectl.run(
        "create", "secret", "generic", "hello-git", "-n", managed, f"--from-literal=password={clone.token}"
    )
    platform.kubectl.apply(service(platform, managed, name, url=clone.url))
    platform.kubectl.run(
        "wait", f"inksvc/{name}", "-n", managed, "--for=condition=Ready", "--timeout=180s", timeout=200
    )
    found = platform.kubectl.get("inksvc", name, managed)
    assert found is not None
    assert found["status"]["commit"] == commit
    return managed, name, found["status"]["url"]


def test_apply_brings_a_service_to_life(platform: Platform, applied: tuple[str, str, str]) -> None:
    namespace, name, url = applied
    assert platform.fetch(url).body == "Hello from a Dockerfile, v1\n"
    assert platform.row(namespace, name)[:4] == [name, "True", "Ready", url]


def test_its_workload_lies_beside_it_and_belongs_to_it(platform: Platform, applied: tuple[str, str, str]) -> None:
    namespace, name, _ = applied
    resource = platform.kubectl.get("inksvc", name, namespace)
    workload = platform.kubectl.get("deployment", name, namespace)
    assert resource is not None
    assert workload is not None
    (owner,) = workload["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"]) == ("InkService", resource["metadata"]["uid"])
    (pod, *_) = platform.kubectl.list("pods", namespace, f"ml.ink/service={name}")
    variables = {variable["name"]: variable.get("value") for variable in pod["spec"]["containers"][0]["env"]}
    assert variables["GREETING"] == "hello"
    assert variables["PORT"] == "8080"


def test_scaling_needs_no_new_build(platform: Platform, applied: tuple[str, str, str]) -> None:
    namespace, name, _ = applied
    before = platform.kubectl.get("inksvc", name, namespace)
    platform.kubectl.run("scale", f"inksvc/{name}", "-n", namespace, "--replicas=2")

    def two() -> bool:
        found = platform.kubectl.get("inksvc", name, namespace)
        return found is not None and found["status"].get("readyReplicas") == 2

    eventually(two, within=60, what="two replicas are ready")
    after = platform.kubectl.get("inksvc", name, namespace)
    assert before is not None
    assert after is not None
    assert after["status"]["build"] == before["status"]["build"]
    assert condition(after, "Ready")["status"] == "True"


def test_a_deployment_that_somebody_changed_is_put_right(platform: Platform, applied: tuple[str, str, str]) -> None:
    namespace, name, url = applied
    platform.kubectl.delete("deployment", name, namespace)
    platform.kubectl.delete("ingress", name, namespace)
    eventually(
        lambda: platform.kubectl.get("deployment", name, namespace) and platform.fetch(url).status == 200,
        within=90,
        what="the deleted children are back and answer",
    )


WRONG: list[tuple[str, dict[str, object], Reason]] = [
    ("cr-no-repo", {"repository": "no-such-repository"}, Reason.REPOSITORY_NOT_FOUND),
    ("cr-no-branch", {"branch": "release"}, Reason.BRANCH_NOT_FOUND),
    ("cr-no-commit", {"commit": "0123456789abcdef0123456789abcdef01234567"}, Reason.COMMIT_NOT_FOUND),
]


@pytest.mark.parametrize("case", WRONG, ids=lambda case: case[0])
def test_a_wrong_source_is_named_in_kubectl_get(
    platform: Platform,
    managed: str,
    applied: tuple[str, str, str],
    case: tuple[str, dict[str, object], Reason],
) -> None:
    name, change, reason = case
    base = platform.agent.ok("get_git_token", name=applied[1])["url"]
    git = dict(change)
    repository = git.pop("repository", None)
    git["url"] = f"{base.rpartition('/')[0]}/{repository}.git" if repository else base
    refused_with(platform, managed, service(platform, managed, platform.name(name), **git), reason)


def test_a_host_that_is_taken(platform: Platform, managed: str, hello: Deployed, applied: tuple[str, str, str]) -> None:
    """The public name of another tenant's service."""
    base = platform.agent.ok("get_git_token", name=applied[1])["url"]
    manifest = service(platform, managed, platform.name("claim"), url=base)
    manifest["spec"]["subdomain"] = hello.name
    refused_with(platform, managed, manifest, Reason.HOST_TAKEN)
    assert hello.visit().status == 200


def test_an_object_that_is_not_ours_is_not_taken_over(
    platform: Platform, managed: str, applied: tuple[str, str, str]
) -> None:
    name = platform.name("conflict")
    port = {"port": 80}
    mine = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": managed}}
    platform.kubectl.apply({**mine, "spec": {"ports": [port], "selector": {"app": "mine"}}})
    base = platform.agent.ok("get_git_token", name=applied[1])["url"]
    refused_with(platform, managed, service(platform, managed, name, url=base), Reason.NAME_CONFLICT)
    found = platform.kubectl.get("service", name, managed)
    assert found is not None
    assert found["spec"]["selector"] == {"app": "mine"}


def test_a_namespace_that_no_admin_gave_to_ink_is_left_alone(platform: Platform, applied: tuple[str, str, str]) -> None:
    namespace = platform.name("private")
    platform.kubectl.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    base = platform.agent.ok("get_git_token", name=applied[1])["url"]
    manifest = service(platform, namespace, platform.name("stray"), url=base)
    refused_with(platform, namespace, manifest, Reason.NAMESPACE_NOT_MANAGED)
    assert platform.kubectl.list("deployments", namespace) == []
    platform.kubectl.delete("namespace", namespace, wait=False)


def refused_with(platform: Platform, namespace: str, manifest: Json, reason: Reason) -> None:
    """Apply it, wait for the reason in `kubectl get`, for the remedy in `describe`, and take it away."""
    name = manifest["metadata"]["name"]
    platform.kubectl.apply(manifest)
    try:
        eventually(
            lambda: platform.row(namespace, name)[1:3] == ["False", reason],
            within=60,
            what=f"{name} says {reason}",
            state=lambda: platform.describe(namespace, name),
        )
        assert remedy(reason) in " ".join(platform.describe(namespace, name).split())
    finally:
        platform.kubectl.delete("inksvc", name, namespace)
