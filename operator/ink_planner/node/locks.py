"""What the lock files of Node's package managers name."""

import re

from ink_planner.model.files import MAX_READ_BYTES, Files

_LOCKS = ("package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock")


def present(files: Files) -> list[str]:
    """The lock files that are there."""
    return [lock for lock in _LOCKS if lock in files]


def brings(files: Files, name: str) -> bool:
    """Whether a package is installed by them: asked for, or brought by another one. What is not read whole may be."""
    pattern = re.compile(rf"(?:^|[/\"'\s]){re.escape(name)}[@\"':/]")
    return any(_is_cut(text) or pattern.search(text) is not None for text in map(files.read, present(files)))


def _is_cut(text: str) -> bool:
    return len(text.encode()) >= MAX_READ_BYTES
