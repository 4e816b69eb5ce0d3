"""containerd's store outlives the cluster: importing a gigabyte of images is most of what a boot would cost.

`down` moves the store into the cache, the next `up` moves it back and takes out of it what was not the platform's:
containers, and images that clusters pulled or built. Two clusters at once: the second imports.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from ink_artifacts import cache

from ink_local.cluster import LocalCluster

OWN_IMAGES = "registry.ink.local/ink-"
MOST_OWN_IMAGES = 24
"""Versions of the project's own images to keep; beyond that all of them go and the next install imports again."""


def place() -> Path:
    """Where a store waits for its next cluster."""
    return cache.cache_dir() / "containerd-store"


def _inside(cluster: LocalCluster) -> Path:
    return cluster.paths.data / "containerd"


def _mark(cluster: LocalCluster) -> Path:
    return cluster.paths.data / "containerd.unclean"


def take(cluster: LocalCluster) -> None:
    """Move the waiting store into a cluster without data. Without one, or across file systems, nothing happens."""
    if _inside(cluster).exists():
        return
    cluster.paths.data.mkdir(parents=True, exist_ok=True)
    _mark(cluster).touch()
    with cache.locked("containerd-store"), contextlib.suppress(OSError):
        place().rename(_inside(cluster))
    if not _inside(cluster).exists():
        _mark(cluster).unlink()


def give_back(cluster: LocalCluster) -> None:
    """Move the store of a cluster that is down into the cache, in the place of one that holds less."""
    with cache.locked("containerd-store"), contextlib.suppress(OSError):
        if _blobs(_inside(cluster)) <= (_blobs(place()) if place().exists() else 0):
            return
        old = place().with_suffix(".old")
        cache.remove(old)
        if place().exists():
            place().rename(old)
        _inside(cluster).rename(place())
        cache.remove(old)


def _blobs(store: Path) -> int:
    return sum(1 for _ in (store / "io.containerd.content.v1.content" / "blobs" / "sha256").iterdir())


def is_unclean(cluster: LocalCluster) -> bool:
    """Whether the store still holds what an earlier cluster left."""
    return _mark(cluster).exists()


def mark_clean(cluster: LocalCluster) -> None:
    _mark(cluster).unlink(missing_ok=True)


def unwanted(images: Mapping[str, str], platform: Iterable[str]) -> list[str]:
    """Which of these (reference -> digest) to remove: all but the platform's, the project's own, and their aliases."""
    own = {name for name in images if name.startswith(OWN_IMAGES)}
    kept = set(platform) | (own if len(own) <= MOST_OWN_IMAGES else set())
    digests = {images[name] for name in kept if name in images}
    return sorted(name for name, digest in images.items() if digest not in digests)
