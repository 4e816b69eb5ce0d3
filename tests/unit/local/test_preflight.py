"""What is refused before anything is changed."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
from ink_artifacts.errors import SetupError
from ink_local import preflight
from ink_local.cluster import LocalCluster


@pytest.fixture
def cluster(tmp_path: Path) -> LocalCluster:
    return LocalCluster("some", 0, tmp_path)


@pytest.fixture
def few_files() -> Iterator[None]:
    """This process may open no more files: the kernel then refuses inotify instances as at their own limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_an_empty_cache_must_be_filled(cluster: LocalCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INK_CACHE", str(tmp_path / "cache"))
    assert preflight.must_build(cluster)
    assert preflight.must_build(LocalCluster("some", 0, tmp_path, control_plane_only=True))


def test_building_needs_more_room_than_booting(
    cluster: LocalCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = type("Usage", (), {"free": 20 * 2**30})
    monkeypatch.setattr("shutil.disk_usage", lambda path: free)
    monkeypatch.setattr(preflight, "must_build", lambda cluster: False)
    preflight._check_room(cluster)
    monkeypatch.setattr(preflight, "must_build", lambda cluster: True)
    with pytest.raises(SetupError, match=r"20.0 GiB free.*free 25 GiB"):
        preflight._check_room(cluster)


def test_a_node_without_inotify_instances_is_refused(few_files: None) -> None:
    preflight._check_inotify(1)
    with pytest.raises(SetupError, match=r"fs.inotify.max_user_instances=1024"):
        preflight._check_inotify(100)
    preflight._check_inotify(1)
