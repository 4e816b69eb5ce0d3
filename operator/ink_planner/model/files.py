"""A read-only view of a repository's files."""

import codecs
import os
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

MAX_READ_BYTES = 512 * 1024
_SKIPPED = frozenset({".git", "node_modules", ".venv", "venv", "__pycache__", ".tox", "site-packages"})
UTF16_MARK = "\ufeff"
_INDEX_DEPTH = 4
"""How many directories down files are found by their name."""


@dataclass(frozen=True)
class Files:
    """Paths relative to the application's directory, with slashes, and the means to read them.

    In a monorepo `place` is that directory's path in the repository, and `whole` the view of all of it.
    """

    paths: frozenset[str]
    _read: Callable[[str], str]
    place: str = ""
    whole: "Files | None" = field(default=None, repr=False)
    _problem: Callable[[str], str] = field(default=lambda _: "", repr=False)

    def __contains__(self, path: object) -> bool:
        return path in self.paths

    def read(self, path: str) -> str:
        """The text of a file; empty when it is not there. Bytes that are not UTF-8 are replaced."""
        return self._read(path) if path in self.paths else ""

    def problem(self, path: str) -> str:
        """Why a file cannot be read (`is a link to a file that does not exist`); empty when it can."""
        return self._problem(path)

    def is_utf16(self, path: str) -> bool:
        """Whether a file is saved in an encoding that few tools read."""
        return self.read(path).startswith(UTF16_MARK)

    def first(self, *paths: str) -> str | None:
        """The first of `paths` that exists."""
        return next((path for path in paths if path in self.paths), None)

    def top(self) -> list[str]:
        """Names at the top, directories with a slash; sorted."""
        return self._top

    def named(self, name: str, depth: int = 2) -> list[str]:
        """Paths of files called `name`, at most `depth` (and four) directories down; the least deep first."""
        return [path for path in self._by_name.get(name, ()) if path.count("/") <= depth]

    def with_suffix(self, suffix: str, depth: int = 0) -> list[str]:
        """Files that end so (`.py`), at most `depth` (and four) directories down; the least deep first."""
        return [path for path in self._by_suffix.get(suffix, ()) if path.count("/") <= depth]

    def has_directory(self, path: str) -> bool:
        """Whether there are files below `path`."""
        return path in self._directories

    def below(self, directory: str) -> "Files":
        """The view of one directory of the repository."""
        start = f"{directory}/"
        first, last = bisect_left(self._sorted, start), bisect_left(self._sorted, f"{directory}0")  # 0 follows /
        inside = frozenset(path[len(start) :] for path in self._sorted[first:last])
        return Files(
            inside, lambda path: self._read(start + path), directory, self, lambda path: self._problem(start + path)
        )

    @cached_property
    def _sorted(self) -> list[str]:
        return sorted(self.paths)

    @cached_property
    def _shallow(self) -> list[str]:
        found = [path for path in self.paths if path.count("/") <= _INDEX_DEPTH]
        return sorted(found, key=lambda path: (path.count("/"), path))

    @cached_property
    def _by_suffix(self) -> dict[str, list[str]]:
        index: dict[str, list[str]] = {}
        for path in self._shallow:
            _, dot, suffix = path.rpartition("/")[2].rpartition(".")
            index.setdefault(dot + suffix, []).append(path)
        return index

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        index: dict[str, list[str]] = {}
        for path in self._shallow:
            index.setdefault(path.rpartition("/")[2], []).append(path)
        return index

    @cached_property
    def _top(self) -> list[str]:
        return sorted({p.split("/", 1)[0] + ("/" if "/" in p else "") for p in self.paths})

    @cached_property
    def _directories(self) -> frozenset[str]:
        found: set[str] = set()
        for path in self.paths:
            parent = path.rpartition("/")[0]
            while parent and parent not in found:
                found.add(parent)
                parent = parent.rpartition("/")[0]
        return frozenset(found)


def from_mapping(content: Mapping[str, str]) -> Files:
    """Files that exist in memory only."""
    held = dict(content)
    return Files(frozenset(held), lambda path: held[path])


def decoded(content: bytes) -> str:
    """UTF-8 without its byte order mark; UTF-16 with it, so that it can be recognised."""
    for mark, name in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if content.startswith(mark):
            return content.decode(name, errors="replace")
    return content.decode("utf-8-sig", errors="replace")


def from_directory(root: Path) -> Files:
    """The files below `root`, without what package managers and version control keep there."""
    real = root.resolve()

    def read(path: str) -> str:
        try:
            place = (root / path).resolve()
            if not place.is_relative_to(real) or not place.is_file():
                return ""
            with place.open("rb") as file:
                return decoded(file.read(MAX_READ_BYTES))
        except (OSError, RuntimeError):  # a link to itself, a name that is too long
            return ""

    def problem(path: str) -> str:
        place = root / path
        if not place.is_symlink():
            return ""
        try:
            target = place.resolve()
        except (OSError, RuntimeError):
            return "is a link to itself"
        if not target.is_relative_to(real):
            return "is a link out of the repository"
        return "" if target.is_file() else "is a link to a file that does not exist"

    return Files(frozenset(_list(root)), read, _problem=problem)


def _list(root: Path) -> Iterable[str]:
    cut = len(str(root)) + 1
    for directory, names, files in os.walk(root):
        names[:] = [n for n in names if n not in _SKIPPED]
        base = directory[cut:]
        for name in files:
            yield f"{base}/{name}" if base else name
