"""The API tier: a real etcd and kube-apiserver with Ink's kinds. No kubelet: what it would report, tests report."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from support.cluster import crds
from support.cluster.control_plane import ControlPlane, cluster_name
from support.cluster.control_plane import running as booted
from support.cluster.kube_api import KubeApi, managed_namespace
from support.gitops.kstatus import Kstatus, built
from support.operating.engine import Engine, Surroundings, surroundings


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
def around(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surroundings]:
    """What the operators of a module's tests have around them."""
    with surroundings(control_plane, tmp_path_factory.mktemp("operators")) as made:
        yield made


@pytest.fixture(scope="module")
def world(around: Surroundings) -> Iterator[Engine]:
    """One operator for the tests of a module; each test has a namespace of its own."""
    with around.engine() as engine:
        yield engine


@pytest.fixture
def engine(world: Engine) -> Engine:
    """The module's operator, alive and undisturbed, whatever the test before did to it."""
    world.proxy.mend()
    world.proxy.refuse_nothing()
    world.proxy.bad_watches = None
    world.operator.ensure()
    return world


@pytest.fixture
def running(engine: Engine) -> Engine:
    """The same, as tests of one service call it."""
    return engine


@pytest.fixture
def alone(engine: Engine, around: Surroundings) -> Surroundings:
    """For a test with an operator of its own: the module's one holds no lease meanwhile."""
    engine.operator.stop()
    return around


@pytest.fixture(scope="session")
def kstatus() -> Kstatus:
    """kstatus itself; built at the first use."""
    return built()
