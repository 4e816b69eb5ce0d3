"""Which Python an application asks for."""

import re
import tomllib
from typing import Any

from ink_builder.planner.files import Files

AVAILABLE = ((3, 11), (3, 12), (3, 13))
DEFAULT = (3, 12)

Version = tuple[int, int]
_CLAUSE = re.compile(
    r"(?P<op>===|==|~=|!=|<=|>=|<|>|\^|~)?\s*v?(?P<major>\d+)(?:\.(?P<minor>\d+|\*))?(?P<patch>\.(?:\d+|\*))?"
)


def pyproject(files: Files) -> dict[str, Any]:
    """The parsed pyproject.toml; empty when there is none or it cannot be read (its own tools will say why)."""
    try:
        return tomllib.loads(files.read("pyproject.toml"))
    except tomllib.TOMLDecodeError:
        return {}


def choose(files: Files) -> tuple[Version, str]:
    """The version to use and, as words, where it comes from."""
    for name in (".python-version", "runtime.txt"):
        found = re.search(r"(?:^|python-|\s)(\d+)\.(\d+)", files.read(name))
        if found:
            return nearest((int(found[1]), int(found[2]))), f"from {name}"
    project = pyproject(files)
    wanted = project.get("project", {}).get("requires-python")
    source = "from requires-python"
    if not isinstance(wanted, str):
        wanted = project.get("tool", {}).get("poetry", {}).get("dependencies", {}).get("python")
        source = "from tool.poetry"
    if isinstance(wanted, str):
        return satisfying(wanted), f"{source} {wanted}"
    return DEFAULT, "by default"


def nearest(wanted: Version) -> Version:
    """The available version that is least far away; the newer of two."""
    return min(AVAILABLE, key=lambda v: (abs(v[0] - wanted[0]) * 100 + abs(v[1] - wanted[1]), -v[1]))


def satisfying(specifier: str) -> Version:
    """The default if the specifier allows it, else the newest that it allows, else the nearest to what it names."""
    alternatives = [part for part in specifier.split("||") if part.strip()]
    allowed = [v for v in AVAILABLE if any(_allows(part, v) for part in alternatives)]
    if DEFAULT in allowed:
        return DEFAULT
    if allowed:
        return allowed[-1]
    named = _CLAUSE.search(specifier)
    minor = named["minor"] if named else None
    return nearest((int(named["major"]), int(minor))) if named and minor and minor != "*" else DEFAULT


def _allows(specifier: str, version: Version) -> bool:
    clauses = [c.strip() for c in specifier.split(",") if c.strip()]
    return all(_clause_allows(clause, version) for clause in clauses)


def _clause_allows(clause: str, version: Version) -> bool:
    """Patch releases are taken as the newest there are, for that is what an image holds."""
    found = _CLAUSE.fullmatch(clause)
    if found is None:
        return True
    major, text = int(found["major"]), found["minor"]
    if text in {None, "*"}:
        wanted: Version = (major, 0)
        whole_major = True
    else:
        wanted, whole_major = (major, int(text)), False
    operator = found["op"] or "=="
    same = version[0] == major if whole_major else version == wanted
    with_patch = found["patch"] not in {None, ".*"}
    return {
        "==": same,
        "===": same,
        "!=": with_patch or not same,
        ">=": version >= wanted,
        "<=": version <= wanted or same,
        ">": version > wanted or (with_patch and same),
        "<": version < wanted or (with_patch and same),
        "~=": version[0] == major and version >= wanted if not with_patch else same,
        "^": version[0] == major and version >= wanted,
        "~": same,
    }[operator]
