"""Images of a local node: what it runs itself, what the chart brings, and what its registry mirror serves.

Platform images go into containerd, stand-ins into the registry mirror.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ink_artifacts import gobuild, images, oci, platform_images
from ink_artifacts.components import COMPONENTS, ON_REQUEST
from ink_artifacts.errors import SetupError
from ink_artifacts.images import PATH, Image
from ink_artifacts.platform_images import PREFIX, named, static
from ink_artifacts.progress import ProgressPrinter
from ink_standins import images as standins

FIRST = ("pause", "coredns")
"""What the node needs to become ready; imported before the others."""


def platform() -> list[Image]:
    """Those that containerd gets: the node's own, and those that the chart runs beside Ink's."""
    return [
        static("pause", "1", "pause"),
        static("coredns", "1.14.7", "coredns"),
        static("local-path-provisioner", "0.0.30", "local-path-provisioner", user=""),
        static("metrics-server", "0.9.0", "metrics-server"),
        Image(
            (f"{PREFIX}busybox:1.35.0",),
            oci.Config({"PATH": PATH}, command=("sh",)),
            files={"bin/busybox": images.tool("busybox", "busybox-static")},
            finish=images.busybox_links,
        ),
        *platform_images.shipped(),
    ]


def ensure(progress: ProgressPrinter) -> dict[str, Path]:
    """Make what the cache lacks of all images of a node; reference -> OCI archive."""
    return images.ensure([*platform(), *standins.all_images()], progress)


def all_made() -> bool:
    """Whether the cache has every image, and every program that a node or an image of it is made of."""
    try:
        wanted = [*platform(), *standins.all_images()]
    except SetupError:  # a program that goes into an image is not installed yet
        return False
    built = all(gobuild.home(COMPONENTS[name]).is_dir() for name in COMPONENTS if name not in ON_REQUEST)
    return built and images.all_made(wanted)


def of_platform(archives: Mapping[str, Path]) -> dict[str, Path]:
    """References that the node runs by themselves."""
    return {name: path for name, path in archives.items() if name.startswith(PREFIX)}


def of_mirror(archives: Mapping[str, Path]) -> dict[str, Path]:
    """References that stand in for docker.io's."""
    return {name: path for name, path in archives.items() if not name.startswith(PREFIX)}


def first(archives: Mapping[str, Path]) -> dict[str, Path]:
    """Those that the node needs to become ready."""
    return {named(archives, name): archives[named(archives, name)] for name in FIRST}
