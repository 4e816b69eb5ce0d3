"""One package of a uv workspace: its lock file, and the packages beside it that it depends on, lie above it."""

import re
from dataclasses import dataclass
from typing import Any

from ink_planner.model.files import Files
from ink_planner.toolkit import formats, quoting

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_MOST_MEMBERS = 100


@dataclass(frozen=True)
class UvMember:
    """A package by its name, and where it is in its workspace."""

    root: Files
    place: str
    name: str


def member(files: Files) -> UvMember | None:
    """What `files` is, when it was asked for by its directory; None when no workspace lists it."""
    whole, place = files.whole, files.place
    if whole is None or not place or "pyproject.toml" not in files or "uv.lock" in files:
        return None
    parents = place.split("/")[:-1]
    for depth in reversed(range(len(parents) + 1)):
        above = "/".join(parents[:depth])
        root = whole.below(above) if above else whole
        if found := _of(root, place.removeprefix(above).lstrip("/")):
            return found
    return None


def members(root: Files) -> list[UvMember]:
    """All that are below the workspace's top; empty when there is no workspace."""
    if not _settings(root):
        return []
    places = [p.removesuffix("/pyproject.toml") for p in root.named("pyproject.toml", 4) if p != "pyproject.toml"]
    return [found for place in sorted(places)[:_MOST_MEMBERS] if (found := _of(root, place))]


def locked(member: UvMember) -> set[str]:
    """What the lock file installs for this package alone; empty without one that can be read."""
    listed = formats.toml(member.root, "uv.lock").get("package")
    packages = {str(p.get("name")): p for p in listed if isinstance(p, dict)} if isinstance(listed, list) else {}
    found: set[str] = set()
    first: tuple[str, tuple[str, ...]] = (re.sub(r"[-_.]+", "-", member.name).lower(), ())
    queue, seen = [first], {first}
    while queue:
        name, extras = queue.pop()
        found.add(name)
        package = packages.get(name, {})
        groups = [package.get("dependencies"), *_extras(package, extras)]
        needs = [d for group in groups if isinstance(group, list) for d in group if isinstance(d, dict)]
        asked = {(str(d.get("name")), tuple(map(str, d.get("extra") or ()))) for d in needs}
        queue += sorted(asked - seen)
        seen |= asked
    return found if packages else set()


def _extras(package: dict[str, Any], wanted: tuple[str, ...]) -> list[Any]:
    optional = formats.table(package, "optional-dependencies")
    return [optional.get(name) for name in wanted]


def _of(root: Files, place: str) -> UvMember | None:
    settings = _settings(root)
    listed, refused = _globs(settings.get("members")), _globs(settings.get("exclude"))
    name = formats.table(formats.toml(root, f"{place}/pyproject.toml"), "project").get("name")
    fits = quoting.matches(place, listed) and not quoting.matches(place, refused) and quoting.is_plain(place)
    return UvMember(root, place, name) if fits and isinstance(name, str) and _NAME.fullmatch(name) else None


def _settings(root: Files) -> dict[str, Any]:
    return formats.table(formats.toml(root, "pyproject.toml"), "tool", "uv", "workspace")


def _globs(value: Any) -> list[str]:
    found = [v for v in value if isinstance(v, str)] if isinstance(value, list) else []
    return [glob.removeprefix("./").rstrip("/") for glob in found]
