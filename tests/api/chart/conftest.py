"""An API server of its own with the chart installed: its admission policies would be in the way of other tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from api.chart import objects
from api.chart.objects import GATEWAY, MANAGED, OLGA, OPERATOR, STRANGER, TENANTS, WORKSPACE
from support.cluster import helm
from support.cluster.control_plane import ControlPlane, cluster_name, running
from support.cluster.kube_api import KubeApi
from support.cluster.kubectl import Kubectl
from support.waiting import eventually


@pytest.fixture(scope="package")
def values_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where helm's values lie."""
    return tmp_path_factory.mktemp("helm")


@pytest.fixture(scope="package")
def plane(values_folder: Path) -> Iterator[ControlPlane]:
    """The API server, once the chart's policies are at work."""
    with running(cluster_name("chart"), "--control-plane-only") as plane:
        helm.install(plane.kubeconfig, values_folder)
        prepare(plane.kubectl, plane.api)
        eventually(lambda: at_work(plane.api), within=30, what="the admission policies are at work")
        yield plane


@pytest.fixture(scope="package")
def api(plane: ControlPlane) -> KubeApi:
    """The API server, as the administrator in system:masters."""
    return plane.api


def prepare(kubectl: Kubectl, api: KubeApi) -> None:
    """Namespaces, an administrator of the cluster, and two services: one of the gateway's, one of an owner's."""
    kubectl.run("create", "clusterrolebinding", OLGA, "--clusterrole=cluster-admin", f"--user={OLGA}")
    for name in (MANAGED, STRANGER, WORKSPACE):
        kubectl.run("create", "namespace", name)
    kubectl.run("label", "namespace", MANAGED, "ml.ink/managed=true")
    kubectl.run("wait", "--for=condition=Established", "--timeout=30s", "crd/inkservices.ml.ink")
    for user, manifest in ((GATEWAY, objects.MINE), (OLGA, objects.THEIRS)):
        api.request("POST", objects.collection(manifest), manifest, Impersonate_User=user)


def at_work(api: KubeApi) -> bool:
    """The API server takes up new policies within seconds, not at once: ask until each refuses something."""
    probes = (
        objects.creation(api, OLGA, objects.service("probe.a.b", TENANTS)),
        objects.creation(api, OLGA, objects.ingress(MANAGED, "ink")),
        objects.creation(api, OPERATOR, objects.namespace("probe")),
        objects.creation(api, OPERATOR, objects.role_binding(STRANGER, "ink-operator-namespace", "operator")),
        objects.change(api, GATEWAY, objects.path_of(objects.THEIRS), {"spec": {"replicas": 0}}),
    )
    return all("ValidatingAdmissionPolicy" in words for words in probes)
