"""Ink's own images (operator, gateway, git, builder), built from images/ink/Dockerfile when their sources changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ink_local import baseimages, gobuild, imagebuild, oci
from ink_local.buildcache import cache_dir, key_of, locked, published, remove, tree_parts
from ink_local.components import COMPONENTS
from ink_local.ticker import Ticker

REPOSITORY = Path(__file__).resolve().parents[2]
DOCKERFILE = REPOSITORY / "images" / "ink" / "Dockerfile"
TARGETS = ("operator", "gateway", "git", "builder")
BASE = "python:3.11-slim-bookworm"
HUB_BASE = f"docker.io/library/{BASE}"
KEPT = 2
"""Archives of earlier sources that stay in the cache: half a gigabyte each."""


@dataclass(frozen=True)
class OwnImage:
    """`reference` names the content; `archive` (OCI) holds it, and the other targets too."""

    reference: str
    archive: Path


def ensure(ticker: Ticker | None = None) -> dict[str, OwnImage]:
    """Target -> image, built when a source of them changed; prints nothing and starts nothing when none did."""
    archive = _archive()
    if not archive.exists():
        with locked("own-images"):
            if not archive.exists():
                bases = {BASE: baseimages.ensure_images(ticker, only=HUB_BASE)[HUB_BASE]}
                job = imagebuild.Job(DOCKERFILE, REPOSITORY, TARGETS, bases)
                with (ticker or Ticker()).step("images of Ink's own programs", "built"), published(archive) as draft:
                    imagebuild.build_images(job, draft, _reference)
            _prune()
    archive.touch()
    found = {name.partition(":")[0].rpartition("/ink-")[2]: name for name in oci.digests(archive)}
    return {target: OwnImage(found[target], archive) for target in TARGETS}


def _reference(target: str, digest: str) -> str:
    return f"{baseimages.PREFIX}ink-{target}:{digest.removeprefix('sha256:')[:12]}"


def _archive() -> Path:
    """Named by all that decides what the images hold, but for the day's state of package registries."""
    base = next(image for image in baseimages.public_images() if HUB_BASE in image.names)
    own = (Path(imagebuild.__file__), Path(oci.__file__), baseimages.RUNC_CA, DOCKERFILE)
    parts: list[str | bytes] = [path.read_bytes() for path in own]
    parts += [baseimages.archive_of(base).name, gobuild.home(COMPONENTS["buildkit"]).name]
    return cache_dir() / "images" / f"ink-{key_of(*parts, *tree_parts(REPOSITORY, _sources()))}.tar"


def _sources() -> Iterator[Path]:
    """The files that .dockerignore lets through: it names what the Dockerfile copies by lines with a `!`."""
    yield REPOSITORY / ".dockerignore"
    for line in (REPOSITORY / ".dockerignore").read_text().splitlines():
        if line.startswith("!"):
            path = REPOSITORY / line[1:]
            for file in path.rglob("*") if path.is_dir() else [path]:
                if file.is_file() and file.suffix != ".pyc":
                    yield file


def _prune() -> None:
    archives = sorted((cache_dir() / "images").glob("ink-*.tar"), key=lambda path: path.stat().st_mtime)
    for archive in archives[:-KEPT]:
        remove(archive)
