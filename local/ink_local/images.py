"""Which images go where: platform images into containerd, public base images into the Docker Hub stand-in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ink_local.errors import LocalError

PREFIX = "registry.ink.local/"
FIRST = ("pause", "coredns")
"""What the node needs to become ready; imported before the others."""


def platform(archives: Mapping[str, Path]) -> dict[str, Path]:
    """References that the node runs by themselves."""
    return {name: path for name, path in archives.items() if name.startswith(PREFIX)}


def first(archives: Mapping[str, Path]) -> dict[str, Path]:
    """Those that the node needs to become ready."""
    return {named(archives, name): archives[named(archives, name)] for name in FIRST}


def public(archives: Mapping[str, Path]) -> dict[str, Path]:
    """References that stand in for docker.io's."""
    return {name: path for name, path in archives.items() if not name.startswith(PREFIX)}


def named(archives: Mapping[str, Path], name: str) -> str:
    """The full reference of the platform image `name`. Raises LocalError when it was not made."""
    found = next((ref for ref in sorted(archives) if ref.startswith(f"{PREFIX}{name}:")), None)
    if found is None:
        raise LocalError(f"the image {name} was not made", remedy="run python -m ink_local.build --only images")
    return found
