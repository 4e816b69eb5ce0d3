"""A read-only view of a repository's files."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

MAX_READ_BYTES = 512 * 1024
_SKIPPED = frozenset({".git", "node_modules", ".venv", "venv", "__pycache__", ".tox", "site-packages"})


@dataclass(frozen=True)
class Files:
    """Paths relative to the application's directory, with slashes, and the means to read them."""

    paths: frozenset[str]
    _read: Callable[[str], str]

    def __contains__(self, path: object) -> bool:
        return path in self.paths

    def read(self, path: str) -> str:
        """The text of a file; empty when it is not there. Bytes that are not UTF-8 are replaced."""
        return self._read(path) if path in self.paths else ""

    def first(self, *paths: str) -> str | None:
        """The first of `paths` that exists."""
        return next((path for path in paths if path in self.paths), None)

    def top(self) -> list[str]:
        """Names at the top, directories with a slash; sorted."""
        return sorted({p.split("/", 1)[0] + ("/" if "/" in p else "") for p in self.paths})

    def named(self, name: str, depth: int = 2) -> list[str]:
        """Paths of files called `name`, at most `depth` directories down; the least deep first."""
        found = [p for p in self.paths if PurePosixPath(p).name == name and p.count("/") <= depth]
        return sorted(found, key=lambda p: (p.count("/"), p))

    def with_suffix(self, suffix: str) -> list[str]:
        """Files at the top that end so; sorted."""
        return sorted(p for p in self.paths if p.endswith(suffix) and "/" not in p)


def from_mapping(content: Mapping[str, str]) -> Files:
    """Files that exist in memory only."""
    held = dict(content)
    return Files(frozenset(held), lambda path: held[path])


def from_directory(root: Path) -> Files:
    """The files below `root`, without what package managers and version control keep there."""

    def read(path: str) -> str:
        place = (root / path).resolve()
        if not place.is_relative_to(root.resolve()) or not place.is_file():
            return ""
        with place.open("rb") as file:
            return file.read(MAX_READ_BYTES).decode("utf-8-sig", errors="replace")

    return Files(frozenset(_list(root)), read)


def _list(root: Path) -> Iterable[str]:
    for directory, names, files in os.walk(root):
        names[:] = [n for n in names if n not in _SKIPPED]
        base = os.path.relpath(directory, root)
        for name in files:
            yield name if base == "." else f"{base}/{name}"
