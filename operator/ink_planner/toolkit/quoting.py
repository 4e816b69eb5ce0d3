"""Names out of a repository: whether they are safe in a command or a Dockerfile, and how a message shows them."""

import re
import shlex
from collections.abc import Sequence
from fnmatch import fnmatchcase

from ink_planner.model.errors import CannotPlan


def matches(place: str, globs: Sequence[str]) -> bool:
    """Whether a directory is meant by one of a workspace's patterns: `*` is one directory, `**` any number."""
    return any(fnmatchcase(place, glob) and ("**" in glob or place.count("/") == glob.count("/")) for glob in globs)


def argument(text: str) -> str:
    """A name out of the repository as one word of a shell command."""
    return shlex.quote(text)


def is_plain(text: str) -> bool:
    """Whether a path can stand in a Dockerfile as it is: no blanks, quotes, wildcards, variables or new lines."""
    return re.fullmatch(r"[A-Za-z0-9_./@+=,-]+", text) is not None and not text.startswith("-")


def directory(text: str, what: str) -> str:
    """A directory below the application's, as the user wrote it. Raises CannotPlan when it cannot be one."""
    clean = "/".join(part for part in text.strip().split("/") if part not in {"", "."})
    if ".." in clean.split("/") or not (clean == "" or is_plain(clean)):
        raise CannotPlan(
            f"{what} {text[:80]!a} cannot be used: name a directory inside the repository, with only letters,"
            " digits and . _ - /"
        )
    return clean


def shown(text: str) -> str:
    """A text of the repository, fit for one line of a message."""
    clean = "".join(c if c.isprintable() else " " for c in text[:60])
    return " ".join(clean.split()) or "nothing"


def is_odd(name: str) -> bool:
    """Whether a name of the repository cannot be shown as it is."""
    return shown(name) != name
