"""What stays in containerd's store from one cluster to the next."""

from __future__ import annotations

from pathlib import Path

import pytest
from ink_local.cluster import LocalCluster
from ink_local.node import image_store

PLATFORM = "registry.ink.local/pause:1"
IMAGES = {
    PLATFORM: "sha256:aa",
    "sha256:aa-config": "sha256:aa",
    "registry.ink.local/ink-operator:1": "sha256:bb",
    "registry.dp-system.svc.cluster.local:5000/tenant/app@sha256:cc": "sha256:cc",
    "docker.io/library/python:3.12-slim": "sha256:dd",
}


def test_tenants_and_pulled_images_go_the_platforms_and_their_aliases_stay() -> None:
    assert image_store.unwanted(IMAGES, [PLATFORM]) == [
        "docker.io/library/python:3.12-slim",
        "registry.dp-system.svc.cluster.local:5000/tenant/app@sha256:cc",
    ]


def test_old_versions_of_own_images_do_not_pile_up() -> None:
    many = {f"{image_store.OWN_IMAGES}x:{n}": f"sha256:{n}" for n in range(image_store.MOST_OWN_IMAGES + 1)}
    assert image_store.unwanted({PLATFORM: "sha256:aa", **many}, [PLATFORM]) == sorted(many)


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalCluster:
    monkeypatch.setenv("INK_CACHE", str(tmp_path / "cache"))
    return LocalCluster("a", 0, tmp_path / "state")


def fill(store: Path, *blobs: str) -> None:
    folder = store / "io.containerd.content.v1.content" / "blobs" / "sha256"
    folder.mkdir(parents=True)
    for name in blobs:
        (folder / name).touch()


def test_a_store_goes_to_the_cache_and_comes_back_marked_as_unclean(cluster: LocalCluster) -> None:
    fill(cluster.paths.data / "containerd", "one")
    image_store.give_back(cluster)
    assert not (cluster.paths.data / "containerd").exists()
    image_store.take(cluster)
    assert (cluster.paths.data / "containerd").is_dir()
    assert image_store.is_unclean(cluster)
    assert not image_store.place().exists()


def test_without_a_waiting_store_a_cluster_begins_clean(cluster: LocalCluster) -> None:
    image_store.take(cluster)
    assert not image_store.is_unclean(cluster)
    assert not (cluster.paths.data / "containerd").exists()


def test_a_poorer_store_does_not_replace_a_richer_one(cluster: LocalCluster) -> None:
    fill(image_store.place(), "one", "two")
    fill(cluster.paths.data / "containerd", "one")
    image_store.give_back(cluster)
    assert image_store._blobs(image_store.place()) == 2


def test_a_boot_that_died_before_containerd_ran_gives_nothing_back(cluster: LocalCluster) -> None:
    (cluster.paths.data / "containerd").mkdir(parents=True)
    image_store.give_back(cluster)
    assert not image_store.place().exists()
