"""Checks a commit's files before any of them is written: trees come from servers that nobody trusts."""

import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ink_api.reasons import Reason

from ink_builder.errors import BuildError

MAX_DEPTH = 200
MAX_PATH_BYTES = 3_000
_GITLINK = 0o160000
_TREE = 0o040000
_LFS_HEAD = b"version https://git-lfs.github.com/spec/"
_LFS_MAX_BYTES = 400
_SHOWN = 3


@dataclass
class Budget:
    """The limits that a repository and its submodules share."""

    max_bytes: int
    max_files: int
    bytes: int = 0
    entries: int = 0

    def entry(self) -> None:
        """Count a file or a directory. Directories count, or trees of nothing but trees would have no end."""
        self.entries += 1
        if self.entries > self.max_files:
            raise too_large(f"it has more than {self.max_files} files and directories")

    def content(self, size: int) -> None:
        """Count the content of a file."""
        self.bytes += size
        if self.bytes > self.max_bytes:
            raise too_large(f"its files are larger than {self.max_bytes // 2**20} MiB in total")


@dataclass
class TreeContents:
    """The content of a tree: files with their ids, submodules with their commits, and Git LFS pointers."""

    files: dict[str, bytes] = field(default_factory=dict)
    submodules: dict[str, Any] = field(default_factory=dict)
    pointers: list[str] = field(default_factory=list)


def check(repository: Any, tree: Any, budget: Budget) -> TreeContents:
    """The content of the tree. Raises BuildError: SourceTooLarge, SourceRefused."""
    contents = TreeContents()
    lfs = _uses_lfs(repository, tree)
    for mode, oid, name in _entries(tree, repository, budget):
        if stat.S_IFMT(mode) == _GITLINK:
            contents.submodules[name] = oid
            continue
        size = repository.odb.read_header(oid)[1]
        budget.content(size)
        contents.files[name] = oid.raw
        if lfs and size <= _LFS_MAX_BYTES and repository[oid].data.startswith(_LFS_HEAD):
            contents.pointers.append(name)
    return contents


def _entries(tree: Any, repository: Any, budget: Budget) -> Iterator[tuple[int, Any, str]]:
    """Mode, id and path of everything in the tree but directories."""
    pending = [("", tree, 0)]
    while pending:
        above, directory, depth = pending.pop()
        if depth > MAX_DEPTH:
            raise BuildError(Reason.SOURCE_REFUSED, f"directories are nested deeper than {MAX_DEPTH}")
        seen: set[str] = set()
        for item in directory:
            budget.entry()
            name = _name(item)
            if name in seen:
                raise _refused(f"{above}{name}", "appears twice")
            seen.add(name)
            path = f"{above}{name}"
            if len(path.encode()) > MAX_PATH_BYTES:
                raise _refused(path[:100] + "…", f"is longer than {MAX_PATH_BYTES} bytes")
            if stat.S_IFMT(int(item.filemode)) == _TREE:
                pending.append((f"{path}/", repository[item.id], depth + 1))
            else:
                yield int(item.filemode), item.id, path


def _name(item: Any) -> str:
    name = str(item.name)
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise BuildError(
            Reason.SOURCE_REFUSED, f"the file name {name!r} is not valid UTF-8: rename the file"
        ) from error
    if name in {"", ".", ".."} or "/" in name or name.lower() == ".git":
        raise _refused(name, "leads out of the repository or into git's own files")
    return name


def _refused(path: str, why: str) -> BuildError:
    return BuildError(
        Reason.SOURCE_REFUSED, f"the repository has an entry {path!r} that {why}: git does not create such entries"
    )


def _uses_lfs(repository: Any, tree: Any) -> bool:
    """Whether the top-level .gitattributes mentions LFS; if not, small files are not opened."""
    if ".gitattributes" not in tree:
        return False
    item = tree[".gitattributes"]
    blob = repository[item.id]
    return b"filter=lfs" in getattr(blob, "data", b"")[: 64 * 1024]


def lfs_note(pointers: list[str]) -> str:
    """A warning about files whose content is not in the repository."""
    shown = ", ".join(repr(path)[1:-1] for path in sorted(pointers)[:_SHOWN])
    more = f" and {len(pointers) - _SHOWN} more" if len(pointers) > _SHOWN else ""
    return (
        f"warning: Git LFS files are not fetched, so the image gets pointer files for {shown}{more};"
        " commit the files themselves, or download them during the build"
    )


def too_large(what: str) -> BuildError:
    """SourceTooLarge."""
    return BuildError(Reason.SOURCE_TOO_LARGE, f"the repository is too large: {what}")
