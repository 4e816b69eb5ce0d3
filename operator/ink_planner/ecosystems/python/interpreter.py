"""Which Python an application asks for."""

import re
from dataclasses import replace
from typing import Any

from ink_planner.ecosystems.python import pins
from ink_planner.model.base_images import BaseImage, BaseImages
from ink_planner.model.files import Files
from ink_planner.model.plan import Version
from ink_planner.toolkit import formats, shared_files, versions
from ink_planner.toolkit.versions import VersionConstraint, VersionRules

RULES = VersionRules("Python", "python", majors=False)


def pyproject(files: Files) -> dict[str, Any]:
    """The parsed pyproject.toml."""
    return formats.toml(files, "pyproject.toml")


def choose(
    files: Files, images: BaseImages, requires: str | None = None, above: Files | None = None
) -> tuple[BaseImage, Version]:
    """The image to use and the words for it; `requires` is what a script says itself. Raises Unsatisfiable.

    `above`: the workspace, which is asked where the package itself says nothing.
    """
    asked = [*constraints(files, requires), *(constraints(above) if above else [])]
    base, version = versions.choose(images, "python", RULES, asked)
    oldest = next(iter(pins.limits(files)), None)
    named = any(constraint.pin for constraint in asked)
    if oldest is None or (named and not version.note) or base.number <= (3, oldest.minor):
        return base, version
    # no version that is asked for is available, and the packages were made for older ones
    constraint = VersionConstraint(f"<=3.{oldest.minor}.99", oldest.source)
    ranges = [constraint for constraint in asked if not constraint.pin]
    base, other = versions.choose(images, "python", RULES, [constraint, *ranges])
    why = f"{oldest.source} supports Python up to 3.{oldest.minor}"
    if base.number > (3, oldest.minor):
        near = version.note if named else f"Python {base.version} is the nearest available: {why}"
        return base, replace(version, used=base.version, note=near) if named else replace(other, why=why, note=near)
    note = f"Python {base.version} is used: {version.why}, which is not available, and {why}" if named else ""
    return base, replace(other, why=version.why if named else why, note=note)


def constraints(files: Files, requires: str | None = None) -> list[VersionConstraint]:
    """A pin is near enough with another minor version; outside of requires-python the installers refuse to work."""
    found = [VersionConstraint(requires, "requires-python", strict=True)] if requires else []
    found += [
        constraint
        for constraint in shared_files.pin_file(files, ".python-version")
        if re.match(r"(?:python-?)?\d", constraint.text)
    ]
    found += [
        constraint
        for constraint in shared_files.pin_file(files, "runtime.txt")
        if constraint.text.startswith("python-")
    ]
    found += shared_files.tool_version(files, "python")
    project = pyproject(files)
    wanted, source = formats.table(project, "project").get("requires-python"), "requires-python in pyproject.toml"
    if not isinstance(wanted, str):
        wanted = formats.table(project, "tool", "poetry", "dependencies").get("python")
        source = "python in pyproject.toml (poetry)"
    if isinstance(wanted, str) and wanted.strip():
        found.append(VersionConstraint(wanted, source, strict=True))
    named = formats.table(formats.toml(files, "Pipfile"), "requires")
    pinned = named.get("python_full_version") or named.get("python_version")
    if isinstance(pinned, str):
        found.append(VersionConstraint(pinned, "Pipfile", pin=True))
    return found
