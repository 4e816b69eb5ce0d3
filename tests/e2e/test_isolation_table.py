"""Who reaches what: every cell of a table, with new connections and real packets.

Rows are pods of tenants, and one pod without any policy as the control: what is closed for a tenant must be open for
it, or nobody was there and the row proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.cluster.kubectl import Json
from support.outside.platform import Deployed, Platform, condition, pod_of
from support.outside.probe import MAIL, PRIVATE, PUBLIC, connect, is_open
from support.waiting import eventually

LISTEN = ["python3", "-m", "http.server", "8080"]
PRIVATE_PORTS = (22, 80, 443, 5432, 8080)
pytestmark = pytest.mark.usefixtures("routes")


@pytest.fixture(scope="module")
def foreign(platform: Platform, managed: str) -> Iterator[Json]:
    """A pod of another tenant: of a service that somebody with kubectl made in a namespace of theirs."""
    name = platform.name("foreign")
    spec = {"source": {"image": {"ref": "python:3.11-slim"}}, "command": LISTEN, "ports": [{"port": 8080}]}
    platform.kubectl.apply(
        {
            "apiVersion": "ml.ink/v1alpha1",
            "kind": "InkService",
            "metadata": {"name": name, "namespace": managed},
            "spec": spec,
        }
    )

    def live() -> Json | None:
        found = platform.kubectl.get("inksvc", name, managed)
        return found if found and condition(found, "Ready").get("status") == "True" else None

    eventually(live, within=120, what=f"{managed}/{name} is live", state=lambda: platform.describe(managed, name))
    (pod,) = platform.kubectl.list("pods", managed, f"ml.ink/service={name}")
    yield pod
    platform.kubectl.delete("inksvc", name, managed)


def by_label(platform: Platform, namespace: str, label: str) -> str:
    """Address of a running pod."""
    pods = platform.kubectl.list("pods", namespace, label)
    return str(next(p for p in pods if p["status"]["phase"] == "Running")["status"]["podIP"])


@pytest.fixture(scope="module")
def rows(platform: Platform, hello: Deployed, stranger: Deployed, foreign: Json) -> dict[str, Json]:
    """The pods of three tenants. What a workspace keeps in two projects is kept apart as well."""
    return {
        "a tenant": pod_of(platform, hello),
        "another project": pod_of(platform, stranger),
        "another tenant": foreign,
    }


def address_of(pod: Json) -> str:
    """Where the pod's application listens."""
    (port,) = pod["spec"]["containers"][0]["ports"]
    return f"{pod['status']['podIP']}:{port['containerPort']}"


@pytest.fixture(scope="module")
def columns(platform: Platform, rows: dict[str, Json], neighbour: Deployed, free_pod: Json) -> dict[str, list[str]]:
    """What is tried, by name."""
    free_port = address_of(rows["a tenant"]).rpartition(":")[2]
    addresses = platform.cluster.addresses
    dns = platform.kubectl.get("service", "kube-dns", "kube-system")
    assert dns is not None
    server, servers_pod = dns["spec"]["clusterIP"], by_label(platform, "kube-system", "k8s-app=kube-dns")
    traefik = by_label(platform, "ink-ingress", "app.kubernetes.io/name=traefik")
    return {
        "the project's pods": [address_of(rows["a tenant"]), address_of(pod_of(platform, neighbour))],
        "another project's pod": [address_of(rows["another project"])],
        "another tenant's pod": [address_of(rows["another tenant"])],
        "a pod without policies": [f"{free_pod['status']['podIP']}:{free_port}"],
        "Traefik": [f"{traefik}:8000", f"{traefik}:8443"],
        "public URLs at the node": [f"{addresses.node}:80", f"{addresses.node}:443"],
        "Traefik's own ports": [f"{traefik}:8082"],
        "DNS": [f"udp/{server}:53", f"{server}:53"],
        "DNS, other ports": [f"{servers_pod}:9153", f"{servers_pod}:8181"],
        "API server": [f"{addresses.api_service}:443", f"{addresses.node}:6443"],
        "kubelet": [f"{addresses.node}:10250"],
        "metadata and private ranges": [f"{a}:{p}" for a in PRIVATE for p in PRIVATE_PORTS],
        "the same by UDP": [f"udp/{a}:{p}" for a in PRIVATE for p in (53, 123)],
        "mail": [f"{PUBLIC}:{p}" for p in MAIL],
        "the internet": [f"{PUBLIC}:{p}" for p in (80, 443, 22, 5432)],
        "the internet by UDP": [f"udp/{PUBLIC}:{p}" for p in (53, 123)],
    }


OPEN_TO_ALL = {"Traefik", "public URLs at the node", "DNS", "the internet"}
OPEN = {
    "a tenant": {"the project's pods", *OPEN_TO_ALL},
    "another project": {"another project's pod", *OPEN_TO_ALL},
    "another tenant": {"another tenant's pod", *OPEN_TO_ALL},
}
CLOSED_TO_STRANGERS = {
    *("the project's pods", "another project's pod", "another tenant's pod", "Traefik's own ports"),
}
"""Closed by those who are asked, so closed to the control as well."""


@pytest.mark.parametrize("row", list(OPEN))
def test_a_tenant_reaches_what_the_table_says(
    platform: Platform, rows: dict[str, Json], columns: dict[str, list[str]], row: str
) -> None:
    assert table(platform, rows[row], columns) == {
        name: dict.fromkeys(targets, "open" if name in OPEN[row] else "timeout") for name, targets in columns.items()
    }


def test_the_control_reaches_all_that_does_not_close_itself(
    platform: Platform, free_pod: Json, columns: dict[str, list[str]]
) -> None:
    assert table(platform, free_pod, columns) == {
        name: dict.fromkeys(targets, "timeout" if name in CLOSED_TO_STRANGERS else "open")
        for name, targets in columns.items()
    }


def table(platform: Platform, pod: Json, columns: dict[str, list[str]]) -> dict[str, dict[str, str]]:
    """One row: `open`, `timeout` or the error for each target. Own addresses count as the project's."""
    every = [target for targets in columns.values() for target in targets]
    said = connect(platform.kubectl, pod["metadata"]["namespace"], pod["metadata"]["name"], every)
    return {
        name: {target: "open" if is_open(said[target]) else said[target] for target in targets}
        for name, targets in columns.items()
    }
