"""Walking a directory in the order and with the filters that BuildKit asks for."""

import os
import posixpath
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from ink_builder.buildkit import patterns
from ink_builder.buildkit.patterns import Parent, Pattern

_GO_DIRECTORY, _GO_SYMLINK = 1 << 31, 1 << 27


@dataclass(frozen=True)
class TreeEntry:
    """One file, directory or symbolic link; `path` is relative, with slashes. `mode` is Go's FileMode."""

    path: str
    mode: int
    size: int
    modified_ns: int
    link: str = ""

    @property
    def is_file(self) -> bool:
        """Whether it has content to send."""
        return not self.mode & (_GO_DIRECTORY | _GO_SYMLINK)


@dataclass(frozen=True)
class Filter:
    """Which entries of a directory are wanted."""

    include: tuple[Pattern, ...] = ()
    exclude: tuple[Pattern, ...] = ()

    @property
    def has_exceptions(self) -> bool:
        """Whether something inside an excluded directory may still be wanted."""
        return any(p.negated for p in self.exclude)


def make_filter(root: Path, include: Sequence[str], exclude: Sequence[str], follow: Sequence[str]) -> Filter:
    """The filter of one request; `follow` are paths whose symbolic links are followed inside `root`."""
    wanted = list(include)
    if follow:
        resolved = follow_links(root, follow)
        wanted = [] if resolved is None else [*wanted, *resolved]
    return Filter(patterns.parse(wanted), patterns.parse(exclude))


def walk(root: Path, wanted: Filter) -> Iterator[TreeEntry]:
    """Entries in the order that BuildKit requires: parents first, names sorted by their bytes."""
    yield from _Walk(root, wanted).directory("", (), ())


@dataclass
class _Walk:
    root: Path
    wanted: Filter
    _pending: list[TreeEntry] = field(default_factory=list)
    """Parent directories that do not match themselves and have not been sent yet."""

    def directory(self, path: str, included: Parent, excluded: Parent) -> Iterator[TreeEntry]:
        """Everything wanted below `path`."""
        with os.scandir(self.root / path) as listing:
            found = sorted(listing, key=lambda item: os.fsencode(item.name))
        for item in found:
            child = f"{path}/{item.name}" if path else item.name
            yield from self._child(item, child, included, excluded)

    def _child(self, item: os.DirEntry[str], path: str, included: Parent, excluded: Parent) -> Iterator[TreeEntry]:
        entry = _entry(item, path)
        if entry is None:
            return
        keep, descend = True, item.is_dir(follow_symlinks=False)
        if self.wanted.include:
            keep, included = patterns.match(self.wanted.include, path, included)
            if not keep and descend and not patterns.may_match_below(self.wanted.include, path):
                return
        if self.wanted.exclude:
            dropped, excluded = patterns.match(self.wanted.exclude, path, excluded)
            if dropped and not self.wanted.has_exceptions:
                return
            keep = keep and not dropped
        if keep:
            yield from self._pending
            self._pending.clear()
            yield entry
        if descend:
            if not keep:
                self._pending.append(entry)
            yield from self.directory(path, included, excluded)
            if not keep and self._pending and self._pending[-1] is entry:
                self._pending.pop()


def _entry(item: os.DirEntry[str], path: str) -> TreeEntry | None:
    """The entry of a directory listing; None for sockets and devices, which no repository contains."""
    info = item.stat(follow_symlinks=False)
    if stat.S_ISLNK(info.st_mode):
        link = str(Path(item.path).readlink())
        return TreeEntry(path, _GO_SYMLINK | 0o777, len(link.encode()), info.st_mtime_ns, link)
    if stat.S_ISDIR(info.st_mode):
        return TreeEntry(path, _GO_DIRECTORY | 0o755, 0, info.st_mtime_ns)
    if stat.S_ISREG(info.st_mode):
        mode = 0o755 if info.st_mode & stat.S_IXUSR else 0o644  # what git records; the umask must not affect the image
        return TreeEntry(path, mode, info.st_size, info.st_mtime_ns)
    return None


def follow_links(root: Path, paths: Sequence[str]) -> list[str] | None:
    """Include patterns for `paths` and the targets of their symbolic links; None: the whole directory.

    Links are resolved as if `root` were the root of the file system, so none leads out of it.
    """
    seen: set[str] = set()
    queue = [posixpath.normpath(f"/{path}").lstrip("/") for path in paths]
    while queue:
        rest = [part for part in queue.pop().split("/") if part]
        current = ""
        if not rest:
            return None
        while rest:
            current = posixpath.join(current, rest.pop(0))
            targets = _link_targets(root, current)
            if targets or not rest:
                if current not in seen:
                    seen.add(current)
                    queue.extend(posixpath.normpath(posixpath.join("/", t, *rest)).lstrip("/") for t in targets)
                break
    chosen: list[str] = []
    for path in sorted(seen):
        if not chosen or not path.startswith(f"{chosen[-1]}/"):
            chosen.append(path)
    return chosen


def _link_targets(root: Path, path: str) -> list[str]:
    """Where `path` (its last component may hold wildcards) leads, as absolute paths; empty when it is no link."""
    directory, name = posixpath.split(path)
    if patterns.is_wild(name):
        try:
            names = [n.name for n in (root / directory).iterdir() if fnmatchcase(n.name, name)]
        except OSError:
            return []
    else:
        names = [name]
    targets = []
    for found in sorted(names):
        place = root / directory / found
        if place.is_symlink() and not _leaves(root, place.parent):
            targets.append(posixpath.normpath(posixpath.join("/", directory, str(place.readlink()))))
    return targets


def _leaves(root: Path, directory: Path) -> bool:
    """Whether symbolic links in the path lead out of `root`."""
    return not directory.resolve().is_relative_to(root.resolve())
