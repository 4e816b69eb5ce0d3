"""Which Python an application asks for."""

import re
from dataclasses import replace
from typing import Any

from ink_builder.planner import common, python_age, versions
from ink_builder.planner.files import Files
from ink_builder.planner.images import Base, Images
from ink_builder.planner.model import Version
from ink_builder.planner.versions import Rules, Wish

RULES = Rules("Python", "python", majors=False)


def pyproject(files: Files) -> dict[str, Any]:
    """The parsed pyproject.toml."""
    return common.toml(files, "pyproject.toml")


def choose(
    files: Files, images: Images, requires: str | None = None, above: Files | None = None
) -> tuple[Base, Version]:
    """The image to use and the words for it; `requires` is what a script says itself. Raises Unsatisfiable.

    `above`: the workspace, which is asked where the package itself says nothing.
    """
    asked = [*wishes(files, requires), *(wishes(above) if above else [])]
    base, version = versions.choose(images, "python", RULES, asked)
    oldest = next(iter(python_age.limits(files)), None)
    named = any(wish.pin for wish in asked)
    if oldest is None or (named and not version.note) or base.number <= (3, oldest.minor):
        return base, version
    # nobody names one that is here, and the packages were made for older ones
    wish = Wish(f"<=3.{oldest.minor}.99", oldest.source)
    ranges = [wish for wish in asked if not wish.pin]
    base, other = versions.choose(images, "python", RULES, [wish, *ranges])
    why = f"{oldest.source} is from the time of Python 3.{oldest.minor}"
    if base.number > (3, oldest.minor):
        near = version.note if named else f"Python {base.version} is the nearest there is: {why}"
        return base, replace(version, used=base.version, note=near) if named else replace(other, why=why, note=near)
    note = f"Python {base.version} is used: {version.why}, which is not to be had here, and {why}" if named else ""
    return base, replace(other, why=version.why if named else why, note=note)


def wishes(files: Files, requires: str | None = None) -> list[Wish]:
    """A pin is near enough with another minor version; outside of requires-python the installers refuse to work."""
    found = [Wish(requires, "requires-python", strict=True)] if requires else []
    found += [wish for wish in common.pin_file(files, ".python-version") if re.match(r"(?:python-?)?\d", wish.text)]
    found += [wish for wish in common.pin_file(files, "runtime.txt") if wish.text.startswith("python-")]
    found += common.tool_version(files, "python")
    project = pyproject(files)
    wanted, source = common.table(project, "project").get("requires-python"), "requires-python in pyproject.toml"
    if not isinstance(wanted, str):
        wanted = common.table(project, "tool", "poetry", "dependencies").get("python")
        source = "python in pyproject.toml (poetry)"
    if isinstance(wanted, str) and wanted.strip():
        found.append(Wish(wanted, source, strict=True))
    named = common.table(common.toml(files, "Pipfile"), "requires")
    pinned = named.get("python_full_version") or named.get("python_version")
    if isinstance(pinned, str):
        found.append(Wish(pinned, "Pipfile", pin=True))
    return found
