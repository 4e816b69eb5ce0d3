"""The registry's housekeeping, as an agent notices it: not at all."""

from __future__ import annotations

import json

import pytest
from support.cluster.kubectl import Json
from support.outside.platform import BUILDS, SAMPLES, SYSTEM, Deployed, Platform
from support.waiting import eventually

REGISTRY = ("-n", SYSTEM, "deploy/registry", "-c", "push")


@pytest.fixture(scope="module")
def service(platform: Platform) -> Deployed:
    """Live in its first version."""
    return platform.deploy(platform.name("housekeeping"), SAMPLES / "hello-dockerfile")


def test_the_log_of_a_build_outlives_its_pod(platform: Platform, service: Deployed) -> None:
    owner = f"ml.ink/owner-uid={platform.cr(service.name)['metadata']['uid']}"
    before = platform.agent.ok("get_service", name=service.name, deploy_log_lines=200)["deploy_log"]
    assert any("built" in line for line in before), before
    platform.kubectl.run("delete", "jobs", "-n", BUILDS, "-l", owner)
    eventually(lambda: not platform.kubectl.list("pods", BUILDS, owner), within=60, what="the build's pod is gone")
    after = platform.agent.ok("get_service", name=service.name, deploy_log_lines=200)["deploy_log"]
    assert after == before


def test_a_push_in_the_middle_of_the_night_is_deployed(platform: Platform, service: Deployed) -> None:
    """Collections one after the other while a new version is built and pushed."""
    done = collections(platform)
    service.clone.replace("server.py", 'VERSION = "v1"', 'VERSION = "v2"')
    commit = service.clone.push("Second version")

    def live() -> bool:
        platform.kubectl.run("exec", *REGISTRY, "--", "kill", "-USR1", "1")
        return service.visit().body == "Hello from a Dockerfile, v2\n"

    eventually(live, within=240, every=1.0, what="the second version", state=lambda: platform.state_of(service.name))
    platform.wait_for_commit(service.name, commit)
    eventually(lambda: collections(platform) > done, within=60, what="a collection", state=lambda: log_of(platform))
    assert "exit code 0" in log_of(platform)


def test_a_live_image_says_how_it_was_built(platform: Platform, service: Deployed) -> None:
    index = stored(platform, platform.cr(service.name)["status"]["image"].partition("@")[2])
    (attached,) = (m for m in index["manifests"] if "vnd.docker.reference.type" in m.get("annotations", {}))
    (layer,) = stored(platform, attached["digest"])["layers"]
    statement = stored(platform, layer["digest"])
    assert statement["predicateType"].startswith("https://slsa.dev/provenance/")
    assert service.clone.token not in json.dumps(statement)


def stored(platform: Platform, digest: str) -> Json:
    """A blob of the registry that is JSON."""
    name = digest.removeprefix("sha256:")
    place = f"/data/docker/registry/v2/blobs/sha256/{name[:2]}/{name}/data"
    found: Json = json.loads(platform.kubectl.run("exec", *REGISTRY, "--", "cat", place))
    return found


def log_of(platform: Platform) -> str:
    return platform.kubectl.run("logs", *REGISTRY)


def collections(platform: Platform) -> int:
    return log_of(platform).count("collected:")
