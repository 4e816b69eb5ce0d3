"""Images made by hand from programs, files of this machine and root filesystems; no container engine takes part."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from ink_artifacts import go_programs, gobuild, oci, rootfs
from ink_artifacts.cache import cache_dir, key_of, locked, published, remove, used
from ink_artifacts.components import COMPONENTS
from ink_artifacts.errors import SetupError
from ink_artifacts.progress import ProgressPrinter

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Image:
    """One image: a root filesystem (or nothing), with programs of ours and files of this machine laid over it."""

    names: tuple[str, ...]
    config: oci.Config
    base: rootfs.Recipe | None = None
    programs: Mapping[str, str] = field(default_factory=dict)
    """Path in the image -> name of a program of `COMPONENTS`."""
    files: Mapping[str, Path] = field(default_factory=dict)
    """Path in the image -> file on this machine."""
    finish: Callable[[Path], None] = lambda root: None
    sources: tuple[Path, ...] = ()
    """Files of this repository whose contents decide the image: what `finish` is made from, and the like."""

    @property
    def short(self) -> str:
        return self.names[0].rpartition("/")[2].replace(":", "-")

    @property
    def components(self) -> list[str]:
        """The components whose programs are in it."""
        wanted = set(self.programs.values())
        return [name for name, component in COMPONENTS.items() if wanted & set(component.names)]


def ensure(images: Sequence[Image], progress: ProgressPrinter | None = None) -> dict[str, Path]:
    """Make what the cache lacks of these images; reference -> OCI archive. Prints nothing when everything is there."""
    missing = [image for image in images if not archive_of(image).exists()]
    if missing:
        progress = progress or ProgressPrinter()
        with ThreadPoolExecutor(1) as pool:
            fetched = pool.submit(_prepare, missing, progress)
            wanted = [name for name in COMPONENTS if any(name in image.components for image in missing)]
            go_programs.ensure(wanted, progress)
            fetched.result()
        for number, image in enumerate(missing, 1):
            with progress.step(f"[{number}/{len(missing)}] image {image.short}", "built"):
                _make(image)
    archives = {image.names: archive_of(image) for image in images}
    for path in [*archives.values(), *(image.base.home for image in images if image.base and image.base.home.is_dir())]:
        used(path)
    return {name: path for names, path in archives.items() for name in names}


def all_made(images: Iterable[Image]) -> bool:
    """Whether the cache has the archives of all these images."""
    return all(archive_of(image).exists() for image in images)


def archive_of(image: Image) -> Path:
    """Where the image's archive is, or will be: named by everything that it is made from."""
    parts: list[str | bytes] = [*image.names, repr(image.config), image.base.key if image.base else ""]
    for target, name in image.programs.items():
        component = next(one for one in COMPONENTS.values() if name in one.names)
        parts += [target, gobuild.home(component).name]
    for target, path in image.files.items():
        state = path.stat()
        by_state = f"{path} {state.st_size} {state.st_mtime_ns}"
        parts += [target, path.read_bytes() if path in image.sources else by_state]
    parts += [path.read_bytes() for path in (Path(oci.__file__), *image.sources)]
    return cache_dir() / "images" / f"{image.short}-{key_of(*parts)}.tar"


def _prepare(missing: Sequence[Image], progress: ProgressPrinter) -> None:
    """Fetch the root filesystems of missing images, while their programs compile."""
    recipes = {image.base.name: image.base for image in missing if image.base and not image.base.home.is_dir()}
    for recipe in recipes.values():
        with progress.step(f"root filesystem {recipe.name}", "built"):
            rootfs.ensure(recipe)


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
    built = go_programs.ensure(image.components)
    for target, source in [*image.files.items(), *((path, built[name]) for path, name in image.programs.items())]:
        (root / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, root / target)
        (root / target).chmod(0o755)
    image.finish(root)


def tool(program: str, package: str) -> Path:
    """A program of this machine that goes into images. Raises SetupError when it is not installed."""
    found = shutil.which(program)
    if found is None:
        raise SetupError(f"the program {program} is not installed", remedy=f"apt-get install {package}")
    return Path(found).resolve()


def libraries(program: Path) -> dict[str, Path]:
    """The shared libraries that a program of this machine needs, by their paths in an image."""
    listed = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=True).stdout
    paths = [word for line in listed.splitlines() for word in line.split() if word.startswith("/")]
    return {path.lstrip("/"): Path(path) for path in sorted(paths)}


def busybox_links(root: Path) -> None:
    """`sh`, `mount` and all its other names, where the image has no program of that name."""
    listed = subprocess.run([str(root / "bin/busybox"), "--list"], capture_output=True, text=True, check=True).stdout
    for name in listed.split():
        if not any((root / folder / name).exists() for folder in ("bin", "sbin", "usr/bin", "usr/sbin")):
            (root / "bin" / name).symlink_to("busybox")
