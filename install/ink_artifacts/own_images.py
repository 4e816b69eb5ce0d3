"""Ink's own images (operator, gateway, git, builder), built from images/ink/Dockerfile when their sources changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ink_artifacts import dockerfile, gobuild, oci
from ink_artifacts.cache import cache_dir, key_of, locked, published, remove, tree_parts
from ink_artifacts.components import COMPONENTS
from ink_artifacts.platform_images import PREFIX, RUNC_CA
from ink_artifacts.progress import ProgressPrinter

REPOSITORY = Path(__file__).resolve().parents[2]
DOCKERFILE = REPOSITORY / "images" / "ink" / "Dockerfile"
TARGETS = ("operator", "gateway", "git", "builder")
BASE = "python:3.11-slim-bookworm"
"""What the Dockerfile starts from."""
KEPT = 2
"""Archives of earlier sources that stay in the cache: half a gigabyte each."""


@dataclass(frozen=True)
class OwnImage:
    """`reference` names the content; `archive` (OCI) holds it, and the other targets too."""

    reference: str
    archive: Path


def ensure(bases: Mapping[str, Path], progress: ProgressPrinter | None = None) -> dict[str, OwnImage]:
    """Target -> image, built when a source of them changed; prints nothing and starts nothing when none did.

    `bases`: name in a FROM -> OCI archive to use in its place. BuildKit pulls a name that is not among them.
    """
    archive = _archive(bases)
    if not archive.exists():
        with locked("own-images"):
            if not archive.exists():
                build = dockerfile.DockerfileBuild(DOCKERFILE, REPOSITORY, TARGETS, bases)
                with (progress or ProgressPrinter()).step("Ink's own images", "built"), published(archive) as draft:
                    dockerfile.build_images(build, draft, _reference)
            _prune()
    archive.touch()
    found = {name.partition(":")[0].rpartition("/ink-")[2]: name for name in oci.digests(archive)}
    return {target: OwnImage(found[target], archive) for target in TARGETS}


def _reference(target: str, digest: str) -> str:
    return f"{PREFIX}ink-{target}:{digest.removeprefix('sha256:')[:12]}"


def _archive(bases: Mapping[str, Path]) -> Path:
    """Named by all that decides what the images hold, but for the day's state of package registries."""
    own = (Path(dockerfile.__file__), Path(oci.__file__), RUNC_CA, DOCKERFILE)
    parts: list[str | bytes] = [path.read_bytes() for path in own]
    parts += [*(archive.name for _, archive in sorted(bases.items())), gobuild.home(COMPONENTS["buildkit"]).name]
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
