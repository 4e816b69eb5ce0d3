"""Renderings of the chart that several tests look at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.cluster import helm
from support.cluster.helm import Manifest

LOCAL: Manifest = {
    "images": {name: {"repository": f"registry.ink.local/ink-{name}", "tag": "test"}
               for name in ("operator", "gateway", "git", "builder")},
    "registry": {"clusterIP": "10.96.0.50"},
    "builders": {
        "mirrors": {"docker.io": [{"host": "10.240.0.2:5001", "insecure": True}]},
        "caBundle": "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
    },
    "network": {"apiServer": {"cidrs": ["10.240.0.2/32"], "ports": [6443]}, "nodeCIDRs": ["10.240.0.2/32"]},
}  # fmt: skip
"""As the installer of the local cluster gives them."""


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory) -> list[Manifest]:
    """The chart as the local cluster installs it."""
    return helm.render(tmp_path_factory.mktemp("local"), LOCAL, local=True)


@pytest.fixture(scope="session")
def tenants(tmp_path_factory: pytest.TempPathFactory) -> list[Manifest]:
    """The same with a buildkitd for each tenant."""
    values = {**LOCAL, "builders": {**LOCAL["builders"], "shared": False}}
    return helm.render(tmp_path_factory.mktemp("tenants"), values, local=True)


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> list[Manifest]:
    """The chart with its own defaults."""
    return helm.render(tmp_path_factory.mktemp("plain"))


@pytest.fixture
def rendered(tmp_path: Path) -> Callable[[Manifest], list[Manifest]]:
    """Renders the chart with the given values."""
    return lambda values: helm.render(tmp_path, values)


@pytest.fixture
def refusal(tmp_path: Path) -> Callable[[Manifest], str]:
    """What helm says about values that the chart does not take."""
    return lambda values: helm.refusal(tmp_path, values)
