"""The images that the local cluster starts from, made by hand from programs and root filesystems, kept in the cache.

Two sorts: those of the platform (`registry.ink.local/…`), imported into the node, and stand-ins for public base images,
put under their public names into the node's stand-in for docker.io. Where a stand-in holds another version than its
name says, its label `ml.ink.stand-in` says which.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ink_planner import registry as ecosystems

from ink_local import build, gobuild, golang, headers, nodejs, oci, rootfs
from ink_local.buildcache import cache_dir, key_of, locked, published, remove, used
from ink_local.components import COMPONENTS
from ink_local.errors import LocalError
from ink_local.ticker import Ticker

PREFIX = "registry.ink.local/"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
RUNC_CA = Path(__file__).resolve().parents[2] / "images" / "buildkitd" / "runc-ca"
STAND_IN = "ml.ink.stand-in"
SBOM_SCANNER = f"docker.io/ink/sbom-scanner:{COMPONENTS['sbom-scanner'].version}"
NOBODY = "65532:65532"


@dataclass(frozen=True)
class Image:
    """One image: a root filesystem (or nothing), programs of ours and files of this machine laid over it."""

    names: tuple[str, ...]
    config: oci.Config
    base: rootfs.Recipe | None = None
    programs: Mapping[str, str] = field(default_factory=dict)
    """Path in the image -> name of a program of `COMPONENTS`."""
    files: Mapping[str, Path] = field(default_factory=dict)
    """Path in the image -> file on this machine."""
    finish: Callable[[Path], None] = lambda root: None

    @property
    def short(self) -> str:
        return self.names[0].rpartition("/")[2].replace(":", "-")

    @property
    def components(self) -> list[str]:
        """The components whose programs are in it."""
        wanted = set(self.programs.values())
        return [name for name, component in COMPONENTS.items() if wanted & set(component.names)]


def platform_images() -> list[Image]:
    """What the node runs: static programs alone, but for the registry and BuildKit."""
    busybox = _tool("busybox", "busybox-static")
    registry = _tool("docker-registry", "docker-registry")
    return [
        _static("pause", "1", "pause"),
        _static("coredns", "1.14.7", "coredns"),
        _static("local-path-provisioner", "0.0.30", "local-path-provisioner", user=""),
        _static("metrics-server", "0.9.0", "metrics-server"),
        _static("traefik", "3.6.12", "traefik"),
        Image(
            (f"{PREFIX}busybox:1.35.0",),
            oci.Config({"PATH": PATH}, command=("sh",)),
            files={"bin/busybox": busybox},
            finish=_busybox_links,
        ),
        Image(
            (f"{PREFIX}registry:2.8.2",),
            oci.Config(
                {"PATH": PATH}, ("/usr/bin/docker-registry",), ("serve", "/etc/docker/registry/config.yml"), NOBODY
            ),
            files={"bin/busybox": busybox, "usr/bin/docker-registry": registry, **_libraries(registry)},
            finish=_busybox_links,
        ),
        Image(
            (f"{PREFIX}buildkitd:0.33.1",),
            oci.Config({"PATH": PATH}, command=("buildkitd",)),
            base=rootfs.BUILDKIT,
            programs={"usr/local/bin/buildkitd": "buildkitd", "usr/local/bin/buildctl": "buildctl"},
            files={"bin/busybox": busybox, "usr/local/bin/runc-ca": RUNC_CA},
            finish=_busybox_links,
        ),
    ]


def public_images() -> list[Image]:
    """Stand-ins for images of docker.io that Dockerfiles name."""
    images = [
        Image(
            _hub("python", "3.11-slim-bookworm", "3.11-slim", "3.11"),
            _python("3.11.2"),
            base=rootfs.PYTHON_311,
            finish=headers.of("3.11", "bookworm"),
        ),
        # Debian has no 3.12: what was written for it runs on 3.13, not on 3.11.
        Image(
            _hub(
                "python",
                *(
                    f"{version}{variant}"
                    for version in ("3.13", "3.12", "3")
                    for variant in ("-slim", "-slim-bookworm", "")
                ),
                "slim",
            ),
            _python("3.13.5"),
            base=rootfs.PYTHON_313,
            finish=headers.of("3.13", "trixie"),
        ),
        Image(
            _hub("debian", "bookworm-slim", "bookworm", "12-slim", "12", "stable-slim", "latest"),
            oci.Config({"PATH": PATH}, command=("bash",), labels={STAND_IN: "debian 12"}),
            base=rootfs.DEBIAN,
        ),
    ]
    if nodejs.available():
        images.append(
            Image(
                _hub("node", "22-slim", "22", "22-bookworm-slim", "lts-slim"),
                oci.Config(
                    {"PATH": PATH, "NODE_VERSION": nodejs.NODE},
                    command=("node",),
                    labels={STAND_IN: f"node {nodejs.NODE} on debian 12"},
                ),
                base=rootfs.DEBIAN,
                finish=nodejs.install,
            )
        )
    if go := golang.toolchain():
        images.append(
            Image(
                _hub("golang", golang.minor(), f"{golang.minor()}-bookworm", "1", "latest"),
                oci.Config(
                    {"PATH": f"/go/bin:{PATH}", "GOPATH": "/go", "GOTOOLCHAIN": "local", "GOLANG_VERSION": go[1]},
                    command=("bash",),
                    labels={STAND_IN: f"go {go[1]} on debian 12, without a C compiler"},
                ),
                base=rootfs.PYTHON_311,
                finish=golang.install,
            )
        )
    if gobuild.home(COMPONENTS["sbom-scanner"]).is_dir():
        images.append(sbom_scanner())
    return images


def sbom_scanner() -> Image:
    """BuildKit pulls it as it pulls base images."""
    version = COMPONENTS["sbom-scanner"].version
    return Image(
        (SBOM_SCANNER,),
        oci.Config({"PATH": PATH}, ("/usr/local/bin/sbom-scanner",), labels={STAND_IN: f"syft {version}"}),
        programs={"usr/local/bin/sbom-scanner": "sbom-scanner"},
    )


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


def ensure_images(ticker: Ticker | None = None, *, only: str = "") -> dict[str, Path]:
    """Make what the cache lacks of all images; reference -> OCI archive. Prints nothing when everything is there.

    `only`: one reference; then that image alone.
    """
    images = [image for image in [*platform_images(), *public_images()] if not only or only in image.names]
    missing = [image for image in images if not archive_of(image).exists()]
    if missing:
        ticker = ticker or Ticker()
        with ThreadPoolExecutor(1) as pool:
            fetched = pool.submit(_prepare, missing, ticker)
            build.ensure([name for name in COMPONENTS if any(name in image.components for image in missing)], ticker)
            fetched.result()
        for number, image in enumerate(missing, 1):
            with ticker.step(f"[{number}/{len(missing)}] image {image.short}", "made"):
                _make(image)
    archives = {image.names: archive_of(image) for image in images}
    for path in [*archives.values(), *(image.base.home for image in images if image.base and image.base.home.is_dir())]:
        used(path)
    return {name: path for names, path in archives.items() for name in names}


def _prepare(missing: list[Image], ticker: Ticker) -> None:
    """Fetch the root filesystems of missing images, while their programs compile."""
    recipes = {image.base.name: image.base for image in missing if image.base and not image.base.home.is_dir()}
    for recipe in recipes.values():
        with ticker.step(f"root filesystem {recipe.name}", "made"):
            rootfs.ensure(recipe)


def archive_of(image: Image) -> Path:
    """Where the image's archive is, or will be: named by everything that it is made from."""
    parts: list[str | bytes] = [*image.names, repr(image.config), image.base.key if image.base else ""]
    for target, name in image.programs.items():
        component = next(one for one in COMPONENTS.values() if name in one.names)
        parts += [target, gobuild.home(component).name]
    for target, path in image.files.items():
        state = path.stat()
        parts += [target, path.read_bytes() if path == RUNC_CA else f"{path} {state.st_size} {state.st_mtime_ns}"]
    parts += [Path(module.__file__ or "").read_bytes() for module in (oci, nodejs)]
    return cache_dir() / "images" / f"{image.short}-{key_of(*parts)}.tar"


def _make(image: Image) -> None:
    archive = archive_of(image)
    with locked(f"image-{image.short}"):
        if archive.exists():
            return
        root = archive.with_suffix(".root")
        remove(root)
        try:
            _lay_out(image, root)
            with published(archive) as draft:
                oci.write_archive(root, draft, image.names, image.config)
        finally:
            remove(root)


def _lay_out(image: Image, root: Path) -> None:
    root.parent.mkdir(parents=True, exist_ok=True)
    if image.base:
        rootfs.run(["cp", "-a", "--reflink=auto", str(rootfs.ensure(image.base)), str(root)], image.short)
    else:
        root.mkdir()
        (root / "tmp").mkdir()
        (root / "tmp").chmod(0o1777)
    programs = build.ensure(image.components)
    for target, source in [*image.files.items(), *((path, programs[name]) for path, name in image.programs.items())]:
        (root / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, root / target)
        (root / target).chmod(0o755)
    image.finish(root)


def _static(name: str, version: str, program: str, user: str = NOBODY) -> Image:
    """An image of one static program and nothing else."""
    return Image(
        (f"{PREFIX}{name}:{version}",),
        oci.Config({"PATH": PATH}, (f"/usr/local/bin/{program}",), user=user),
        programs={f"usr/local/bin/{program}": program},
    )


def _hub(repository: str, *tags: str) -> tuple[str, ...]:
    return tuple(f"docker.io/library/{repository}:{tag}" for tag in tags)


def _python(version: str) -> oci.Config:
    """`version` is the one that is really inside."""
    return oci.Config(
        {"PATH": PATH, "LANG": "C.UTF-8", "PYTHON_VERSION": version},
        command=("python3",),
        labels={STAND_IN: f"python {version}, with its headers"},
    )


def _tool(program: str, package: str) -> Path:
    """A program of this machine that goes into images."""
    found = shutil.which(program)
    if found is None:
        raise LocalError(f"the program {program} is missing", remedy=f"apt-get install {package}")
    return Path(found).resolve()


def _libraries(program: Path) -> dict[str, Path]:
    """The shared libraries that a program of this machine needs, by their paths in an image."""
    listed = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=True).stdout
    paths = [word for line in listed.splitlines() for word in line.split() if word.startswith("/")]
    return {path.lstrip("/"): Path(path) for path in sorted(paths)}


def _busybox_links(root: Path) -> None:
    """`sh`, `mount` and all its other names, where the image has no program of that name."""
    listed = subprocess.run([str(root / "bin/busybox"), "--list"], capture_output=True, text=True, check=True).stdout
    for name in listed.split():
        if not any((root / folder / name).exists() for folder in ("bin", "sbin", "usr/bin", "usr/sbin")):
            (root / "bin" / name).symlink_to("busybox")
