"""The e2e tier: a local cluster of its own with the chart in it, used from outside.

INK_E2E_CLUSTER=NAME uses a cluster that runs already, and leaves it as it is.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Iterator

import pytest
from ink_local import holder, install, state
from ink_local.cluster import Cluster
from ink_local.network import in_network
from support.cluster.control_plane import cluster_name, launcher
from support.cluster.dump import dump
from support.cluster.kube_api import KubeApi
from support.cluster.kubectl import Json, Kubectl
from support.outside.agent import Agent
from support.outside.platform import SAMPLES, Deployed, Platform, pod_of
from support.outside.probe import PRIVATE, PUBLIC
from support.outside.web import fetch
from support.waiting import eventually

NAME = cluster_name("test")
STAND_IN_LINK = "standin"
CLUSTER = pytest.StashKey[Kubectl]()
DUMPS = pytest.StashKey[int]()
DUMPS_AT_MOST = 3


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """A running cluster with Ink installed."""
    given = os.environ.get("INK_E2E_CLUSTER")
    if given:
        found = state.load(given)
        request.session.stash[CLUSTER] = Kubectl(found.kubeconfig)
        yield found
        return
    try:
        launcher("up", "--name", NAME)
        launcher("--name", NAME, module="ink_local.install", timeout=1200)
        found = state.load(NAME)
        request.session.stash[CLUSTER] = Kubectl(found.kubeconfig)
        yield found
    finally:
        launcher("down", "--name", NAME)


@pytest.fixture(scope="session")
def platform(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The platform as its users meet it. Services that a run made in a cluster that stays are deleted again."""
    endpoint = install.endpoint_of(cluster)
    agent = Agent(endpoint.mcp_url, endpoint.ca, endpoint.api_key)
    api = KubeApi(cluster.kubeconfig)
    scratch = tmp_path_factory.mktemp("clones")
    health = endpoint.mcp_url.removesuffix("/mcp") + "/healthz"
    eventually(lambda: fetch(health, endpoint.ca).status == 200, within=60, what=f"{health} answers")
    workspace = str(agent.ok("whoami")["workspace"])
    made = Platform(cluster, Kubectl(cluster.kubeconfig), api, agent, endpoint.ca, scratch, workspace)
    try:
        yield made
    finally:
        if os.environ.get("INK_E2E_CLUSTER"):
            _tidy(made)
        api.close()


def _tidy(platform: Platform) -> None:
    for service in platform.agent.ok("list_services")["services"]:
        if service["name"].endswith(f"-{platform.run}"):
            platform.agent.ok("delete_service", name=service["name"], project=service["project"])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add what the cluster looks like to the first failures' reports."""
    report = yield
    session = item.session.stash
    if report.failed and CLUSTER in session and session.setdefault(DUMPS, 0) < DUMPS_AT_MOST:
        session[DUMPS] += 1
        report.sections.append(("the cluster", dump(session[CLUSTER])))
    return report


@pytest.fixture(scope="session")
def hello(platform: Platform) -> Deployed:
    """The sample with a Dockerfile, live in project `default`. Tests may push to it if they wait until it is live."""
    return platform.deploy(platform.name("hello"), SAMPLES / "hello-dockerfile")


@pytest.fixture(scope="session")
def neighbour(platform: Platform, hello: Deployed) -> Deployed:
    """The same application beside it in the same project."""
    return platform.deploy(platform.name("next"), SAMPLES / "hello-dockerfile")


@pytest.fixture(scope="session")
def stranger(platform: Platform, hello: Deployed) -> Deployed:
    """The same application in another project."""
    return platform.deploy(platform.name("other"), SAMPLES / "hello-dockerfile", project="elsewhere")


@pytest.fixture(scope="session")
def managed(platform: Platform) -> Iterator[str]:
    """A namespace of somebody with kubectl that an administrator gave to Ink."""
    name = platform.name("team")
    labels = {"ml.ink/managed": "true"}
    platform.kubectl.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
    yield name
    platform.kubectl.run("delete", "inksvc", "--all", "-n", name, "--timeout=60s")
    platform.kubectl.delete("namespace", name, wait=False)


@pytest.fixture(scope="session")
def routes(platform: Platform) -> None:
    """Refuse to go on unless every outside address that is tried leads to the stand-in."""
    node = holder.find(platform.cluster)
    assert node is not None, "these tests need a local cluster"
    for address in (*PRIVATE, PUBLIC):
        (route,) = json.loads(holder.run([*in_network(node.pid), "ip", "-j", "route", "get", address]))
        assert route["dev"] == STAND_IN_LINK, f"{address} would leave through {route}"


@pytest.fixture(scope="session")
def free_pod(platform: Platform, hello: Deployed) -> Iterator[Json]:
    """A pod that listens where the service does, in a namespace that has no policy and is not Ink's."""
    namespace = platform.name("free")
    (port,) = pod_of(platform, hello)["spec"]["containers"][0]["ports"]
    listen = ["python3", "-m", "http.server", str(port["containerPort"])]
    container: Json = {"name": "app", "image": "python:3.11-slim", "command": listen, "imagePullPolicy": "IfNotPresent"}
    container["readinessProbe"] = {"tcpSocket": {"port": port["containerPort"]}, "periodSeconds": 1}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "free", "namespace": namespace},
        "spec": {"containers": [container], "automountServiceAccountToken": False, "terminationGracePeriodSeconds": 0},
    }
    platform.kubectl.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    eventually(
        lambda: platform.kubectl.get("serviceaccount", "default", namespace),
        within=30,
        what="the namespace has its service account",
    )
    platform.kubectl.apply(pod)
    platform.kubectl.run("wait", "pod/free", "-n", namespace, "--for=condition=Ready", "--timeout=60s")
    found = platform.kubectl.get("pod", "free", namespace)
    assert found is not None
    yield found
    platform.kubectl.delete("namespace", namespace, wait=False)
