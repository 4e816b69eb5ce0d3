"""Deleting a service leaves nothing: not in the cluster, not in the registry, not at its URL."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from support.cluster.kubectl import Json
from support.outside.platform import SAMPLES, SYSTEM, TENANTS, Deployed, Platform
from support.waiting import eventually

REMEMBERS = {"events", "events.events.k8s.io"}
"""Kinds that speak of what was."""


@pytest.fixture(scope="module")
def doomed(platform: Platform) -> Deployed:
    """A live service that was pushed to twice, so that there are two images."""
    service = platform.deploy(platform.name("doomed"), SAMPLES / "hello-dockerfile")
    service.clone.replace("server.py", 'VERSION = "v1"', 'VERSION = "v2"')
    platform.wait_for_commit(service.name, service.clone.push("Second version"))
    return service


def everything(platform: Platform) -> list[tuple[str, Json]]:
    """Every object of the cluster that can be listed, with its kind, but those that only remember."""
    return [(kind, item) for kind, item in platform.api.everything() if kind not in REMEMBERS]


def registry(platform: Platform, path: str) -> httpx.Response:
    """A GET on the registry's read-only port, as a node does it."""
    user, password = (platform.kubectl.secret(SYSTEM, "registry-node", key) for key in ("username", "password"))
    accept = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, */*"
    with platform.kubectl.port_forward(SYSTEM, "deployment/registry", 5001) as address:
        return httpx.get(
            f"http://{address}{path}",
            auth=(user, password),
            headers={"Accept": accept},
            trust_env=False,
            timeout=30,
        )


def test_delete_leaves_nothing(platform: Platform, doomed: Deployed) -> None:
    resource = platform.cr(doomed.name)
    uid, image = resource["metadata"]["uid"], resource["status"]["image"]
    repository, _, digest = image.partition("/")[2].partition("@")
    tags: Any = registry(platform, f"/v2/{repository}/tags/list").json()["tags"]
    logs = [tag for tag in tags if tag.startswith("log-")]
    assert (len(tags) - len(logs), len(logs)) == (2, 2)
    assert registry(platform, f"/v2/{repository}/manifests/{digest}").status_code == 200
    traces = [f"{kind}/{item['metadata']['name']}" for kind, item in everything(platform) if uid in json.dumps(item)]
    assert len(traces) > 3, "the search must find something before it may find nothing"

    answer = platform.agent.ok("delete_service", name=doomed.name)
    assert answer["state"] == "deleting"
    eventually(
        lambda: platform.kubectl.get("inksvc", platform.cr_name(doomed.name), TENANTS) is None,
        within=90,
        what="the custom resource is gone",
    )

    def left() -> list[str]:
        return [
            f"{kind} {item['metadata'].get('namespace', '')}/{item['metadata']['name']}"
            for kind, item in everything(platform)
            if uid in json.dumps(item) or item["metadata"].get("labels", {}).get("ml.ink/service") == doomed.name
        ]

    eventually(
        lambda: not left(), within=60, every=2, what="nothing in the cluster knows it", state=lambda: str(left())
    )
    assert registry(platform, f"/v2/{repository}/manifests/{digest}").status_code == 404
    remaining = registry(platform, f"/v2/{repository}/tags/list")
    assert remaining.status_code == 404 or not remaining.json()["tags"]
    assert platform.fetch(doomed.url).status in {404, 503}
    names = [service["name"] for service in platform.agent.ok("list_services")["services"]]
    assert doomed.name not in names


def test_deleting_again_is_no_failure(platform: Platform, doomed: Deployed) -> None:
    assert platform.agent.ok("delete_service", name=doomed.name)["state"] in {"deleted", "deleting"}


def test_the_repository_stays_and_the_name_is_free_again(platform: Platform, doomed: Deployed) -> None:
    answer = platform.agent.ok("create_service", repo=doomed.name, name=doomed.name, wait=180)
    assert answer["state"] == "live"
    eventually(
        lambda: platform.fetch(answer["url"]).body == "Hello from a Dockerfile, v2\n", within=30, what="the new service"
    )
