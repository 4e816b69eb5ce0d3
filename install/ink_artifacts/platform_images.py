"""Images of the platform (`registry.ink.local/…`): no registry serves them, they are imported into nodes.

`shipped` are those that the chart runs beside Ink's own; a local node needs a few more, which are its own affair.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ink_artifacts import images, oci, rootfs
from ink_artifacts.errors import SetupError
from ink_artifacts.images import PATH, Image

PREFIX = "registry.ink.local/"
NOBODY = "65532:65532"
RUNC_CA = Path(__file__).resolve().parents[2] / "images" / "buildkitd" / "runc-ca"


def shipped() -> list[Image]:
    """Traefik, the registry and BuildKit."""
    busybox = images.tool("busybox", "busybox-static")
    registry = images.tool("docker-registry", "docker-registry")
    return [
        static("traefik", "3.6.12", "traefik"),
        Image(
            (f"{PREFIX}registry:2.8.2",),
            oci.Config(
                {"PATH": PATH}, ("/usr/bin/docker-registry",), ("serve", "/etc/docker/registry/config.yml"), NOBODY
            ),
            files={"bin/busybox": busybox, "usr/bin/docker-registry": registry, **images.libraries(registry)},
            finish=images.busybox_links,
        ),
        Image(
            (f"{PREFIX}buildkitd:0.33.1",),
            oci.Config({"PATH": PATH}, command=("buildkitd",)),
            base=rootfs.BUILDKIT,
            programs={"usr/local/bin/buildkitd": "buildkitd", "usr/local/bin/buildctl": "buildctl"},
            files={"bin/busybox": busybox, "usr/local/bin/runc-ca": RUNC_CA},
            finish=images.busybox_links,
            sources=(RUNC_CA,),
        ),
    ]


def static(name: str, version: str, program: str, user: str = NOBODY) -> Image:
    """An image of one static program and nothing else."""
    return Image(
        (f"{PREFIX}{name}:{version}",),
        oci.Config({"PATH": PATH}, (f"/usr/local/bin/{program}",), user=user),
        programs={f"usr/local/bin/{program}": program},
    )


def named(archives: Mapping[str, Path], name: str) -> str:
    """The full reference of the platform image `name` among these. Raises SetupError when it was not made."""
    found = next((ref for ref in sorted(archives) if ref.startswith(f"{PREFIX}{name}:")), None)
    if found is None:
        raise SetupError(f"the image {name} was not built", remedy="run `make build`, then run this again")
    return found
