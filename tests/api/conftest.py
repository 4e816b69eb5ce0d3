"""The API tier: a real etcd and kube-apiserver with Ink's kinds. No kubelet: what it would report, tests report."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from api.operator_world import World
from support import crds
from support.control_plane import ControlPlane, cluster_name
from support.control_plane import running as booted
from support.kube_api import KubeApi, managed_namespace
from support.operator_process import AnsweringApp, OperatorProcess, PlayedKubelet
from support.recording_proxy import RecordingProxy


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    """The API server of this test run, with the generated CRDs; taken down at the end."""
    with booted(cluster_name("api"), "--control-plane-only") as plane:
        crds.install(plane.kubectl)
        yield plane


@pytest.fixture(scope="session")
def api(control_plane: ControlPlane) -> KubeApi:
    """The API server, as its administrator."""
    return control_plane.api


@pytest.fixture
def namespace(api: KubeApi) -> str:
    """A fresh namespace that Ink manages. Left to the end of the run: nothing here needs it gone."""
    name = f"acme-{secrets.token_hex(4)}"
    managed_namespace(api, name)
    return name


@pytest.fixture(scope="module")
def world(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One operator for the tests of this module; each test has a namespace of its own."""
    scratch: Path = tmp_path_factory.mktemp("operator")
    for namespace in ("dp-system", "dp-builds", "ink-tenants", "ink-ingress"):
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        control_plane.api.apply(f"/api/v1/namespaces/{namespace}", body)
    proxy, app = RecordingProxy(control_plane.kubeconfig), AnsweringApp()
    kubelet = PlayedKubelet(control_plane.api)
    proxy.start()
    operator = OperatorProcess(
        proxy.kubeconfig(scratch / "kubeconfig"),
        scratch / "operator.log",
        INK_TRAEFIK_URL=app.url,
        INK_REGISTRY="127.0.0.1:9",
        INK_RESOLVER_URL="http://127.0.0.1:9",
    )
    operator.start()
    yield World(control_plane.api, proxy, operator)
    operator.kill()
    kubelet.stop()
    proxy.stop()
    app.shutdown()


@pytest.fixture
def running(world: World) -> World:
    """The world with its operator alive, whatever the test before did to it."""
    world.operator.ensure()
    return world
