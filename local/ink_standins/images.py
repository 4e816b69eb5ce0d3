"""Which stand-ins there are. Each has the public image's names, so that a registry mirror can serve it.

Where a stand-in holds another version than its name says, its label `ml.ink.stand-in` says which.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ink_artifacts import gobuild, oci, own_images, rootfs
from ink_artifacts import images as recipes
from ink_artifacts.components import COMPONENTS
from ink_artifacts.errors import SetupError
from ink_artifacts.images import PATH, Image
from ink_artifacts.progress import ProgressPrinter
from ink_planner import registry as ecosystems

from ink_standins import golang, nodejs
from ink_standins.python import PYTHON_311, PYTHON_313, headers

LABEL = "ml.ink.stand-in"
SBOM_SCANNER = f"docker.io/ink/sbom-scanner:{COMPONENTS['sbom-scanner'].version}"
DEBIAN = rootfs.Recipe("debian-bookworm", "bookworm", ("netbase", "usr-is-merged"))


def all_images() -> list[Image]:
    """Every stand-in that this machine can make."""
    images = [
        Image(
            _library("python", "3.11-slim-bookworm", "3.11-slim", "3.11"),
            _python("3.11.2"),
            base=PYTHON_311,
            finish=headers("3.11", "bookworm"),
        ),
        # Debian has no 3.12: what was written for it runs on 3.13, not on 3.11.
        Image(
            _library(
                "python",
                *(
                    f"{version}{variant}"
                    for version in ("3.13", "3.12", "3")
                    for variant in ("-slim", "-slim-bookworm", "")
                ),
                "slim",
            ),
            _python("3.13.5"),
            base=PYTHON_313,
            finish=headers("3.13", "trixie"),
        ),
        Image(
            _library("debian", "bookworm-slim", "bookworm", "12-slim", "12", "stable-slim", "latest"),
            oci.Config({"PATH": PATH}, command=("bash",), labels={LABEL: "debian 12"}),
            base=DEBIAN,
        ),
    ]
    if nodejs.available():
        images.append(_node())
    if go := golang.toolchain():
        images.append(_golang(go[1]))
    if gobuild.home(COMPONENTS["sbom-scanner"]).is_dir():
        images.append(sbom_scanner())
    return images


def sbom_scanner() -> Image:
    """BuildKit pulls it as it pulls base images."""
    version = COMPONENTS["sbom-scanner"].version
    return Image(
        (SBOM_SCANNER,),
        oci.Config({"PATH": PATH}, ("/usr/local/bin/sbom-scanner",), labels={LABEL: f"syft {version}"}),
        programs={"usr/local/bin/sbom-scanner": "sbom-scanner"},
    )


def ensure(progress: ProgressPrinter | None = None, *, only: str = "") -> dict[str, Path]:
    """Make what the cache lacks; reference -> OCI archive. `only`: one reference; then that image alone.

    Raises SetupError when there is no stand-in of that name.
    """
    images = [image for image in all_images() if not only or only in image.names]
    if not images:
        raise SetupError(
            f"there is no stand-in for {only}",
            remedy="choose one of " + ", ".join(name for image in all_images() for name in image.names),
        )
    return recipes.ensure(images, progress)


def bases_of_own_images(progress: ProgressPrinter | None = None) -> dict[str, Path]:
    """What Ink's own images are built from where docker.io is not reached: name in the FROM -> OCI archive."""
    name = f"docker.io/library/{own_images.BASE}"
    return {own_images.BASE: ensure(progress, only=name)[name]}


def languages() -> dict[str, Any]:
    """The chart's builders.baseImages: what is really there, by its true version; other languages have none here."""
    go = golang.minor()
    return {
        **{name: {} for name in ecosystems.public_images()},
        "python": {"3.11": "python:3.11-slim", "3.13": "python:3.13-slim"},
        "static": {"3.13": "python:3.13-slim"},
        "node": {"22": "node:22-slim"} if nodejs.available() else {},
        "go": {go: {"build": f"golang:{go}-bookworm", "run": "debian:bookworm-slim"}} if go else {},
    }


def _node() -> Image:
    return Image(
        _library("node", "22-slim", "22", "22-bookworm-slim", "lts-slim"),
        oci.Config(
            {"PATH": PATH, "NODE_VERSION": nodejs.NODE},
            command=("node",),
            labels={LABEL: f"node {nodejs.NODE} on debian 12"},
        ),
        base=DEBIAN,
        finish=nodejs.install,
        sources=(Path(nodejs.__file__),),
    )


def _golang(version: str) -> Image:
    minor = golang.minor()
    return Image(
        _library("golang", minor, f"{minor}-bookworm", "1", "latest"),
        oci.Config(
            {"PATH": f"/go/bin:{PATH}", "GOPATH": "/go", "GOTOOLCHAIN": "local", "GOLANG_VERSION": version},
            command=("bash",),
            labels={LABEL: f"go {version} on debian 12, without a C compiler"},
        ),
        base=PYTHON_311,
        finish=golang.install,
    )


def _library(repository: str, *tags: str) -> tuple[str, ...]:
    return tuple(f"docker.io/library/{repository}:{tag}" for tag in tags)


def _python(version: str) -> oci.Config:
    """`version` is the one that is really inside."""
    return oci.Config(
        {"PATH": PATH, "LANG": "C.UTF-8", "PYTHON_VERSION": version},
        command=("python3",),
        labels={LABEL: f"python {version}, with its headers"},
    )
