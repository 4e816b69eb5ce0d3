"""Where built things are kept, and how they get there whole: one lock a thing, a rename when it is finished.

A thing's name ends in a hash of everything it was made from, so that what is there is right and never changes.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

KEEP_SECONDS = 7 * 24 * 3600
"""How long a thing that no checkout uses any more stays."""

_KEPT_THINGS = ("bin", "images", "rootfs")


def cache_dir() -> Path:
    """$INK_CACHE, or ~/.cache/ink."""
    given = os.environ.get("INK_CACHE")
    return Path(given).absolute() if given else Path.home() / ".cache" / "ink"


def key_of(*parts: str | bytes) -> str:
    """16 hex digits that name these parts in this order; no two different lists run into each other."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:16]


def tree_parts(folder: Path, files: Iterable[Path] | None = None) -> list[bytes]:
    """Relative names, executable bits and contents of `files` (default: every file in `folder`), for `key_of`."""
    chosen = sorted(files if files is not None else (path for path in folder.rglob("*") if path.is_file()))
    parts: list[bytes] = []
    for path in chosen:
        executable = b"x" if path.stat().st_mode & 0o100 else b"-"
        parts += [str(path.relative_to(folder)).encode(), executable, path.read_bytes()]
    return parts


def log_file(name: str) -> Path:
    """The file that holds the full output of building `name`."""
    path = cache_dir() / "log" / f"{name}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


@contextlib.contextmanager
def locked(name: str, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the lock called `name`; calls `waiting` once when another process has it. The kernel frees it with us."""
    path = cache_dir() / "lock" / f"{name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def published(final: Path) -> Iterator[Path]:
    """A fresh path to make a file or directory at; it becomes `final` when the block ends well, else it goes.

    Call it while holding the lock of `final`'s name: what a killed run left half-made is then nobody's and goes too.
    """
    final.parent.mkdir(parents=True, exist_ok=True)
    draft = final.parent / f".{final.name}.draft"
    remove(draft)
    try:
        yield draft
        draft.rename(final)
    finally:
        remove(draft)


def remove(path: Path) -> None:
    """Take away a file or a whole directory; nothing there is fine. Go's read-only module files are no obstacle."""
    if path.is_dir() and not path.is_symlink():
        for folder, _, _ in os.walk(path):
            Path(folder).chmod(0o755)
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def used(path: Path, at: float | None = None) -> None:
    """Note that `path` is of use now (or at that time, in seconds since the epoch), so that `forget` leaves it."""
    os.utime(path, None if at is None else (at, at))


def forget(now: float) -> None:
    """Take away finished things that nobody used for KEEP_SECONDS: those of sources long changed."""
    with locked("forget"):
        for kind in _KEPT_THINGS:
            for path in (cache_dir() / kind).glob("[!.]*"):
                if now - path.stat().st_mtime > KEEP_SECONDS:
                    remove(path)
