"""The whole project around one module: what a module is built of may are next to it and above it."""

import re
from collections.abc import Iterator

from ink_planner.model.files import Files
from ink_planner.toolkit import quoting

SETTINGS = ("settings.gradle", "settings.gradle.kts")
_MODULE = re.compile(r"<module>\s*([\w./-]+)\s*</module>")

_INCLUDED = re.compile(r"\binclude\b(?:[ \t]*\([^)]{0,2000}\)|[^\n]*(?:(?<=,)\n[^\n]*)*)")
"""In parentheses, or as words that go on after a comma."""


def maven_modules(files: Files) -> list[str]:
    """Directories that the project lists and that are there."""
    return [m for m in _MODULE.findall(files.read("pom.xml")) if f"{m}/pom.xml" in files]


def gradle_modules(files: Files) -> list[str]:
    """Directories of the subprojects, as their names say."""
    text = "".join(files.read(path) for path in SETTINGS)
    lists = " ".join(_INCLUDED.findall(text))
    return [name.replace(":", "/") for name in re.findall(r"[\"']:?([\w:-]+)[\"']", lists)]


def around(files: Files) -> tuple[Files, str] | None:
    """The project that lists `files` as one of its modules, and the module's place in it; None when none does."""
    whole, place = files.whole, files.place
    if whole is None or not quoting.is_plain(place):
        return None
    if "pom.xml" in files:
        top = _highest(whole, place)
        return None if top == place else _below(whole, top, place)
    if files.first(*SETTINGS):
        return None
    for above in _above(place):
        root = whole.below(above) if above else whole
        if root.first(*SETTINGS):
            return _below(whole, above, place) if _relative(place, above) in gradle_modules(root) else None
    return None


def _highest(whole: Files, place: str) -> str:
    """A project with modules may be a module itself."""
    for above in _above(place):
        root = whole.below(above) if above else whole
        if _relative(place, above) in maven_modules(root):
            return _highest(whole, above)
    return place


def _above(place: str) -> Iterator[str]:
    """The directories above, the nearest first."""
    while place:
        place = place.rpartition("/")[0]
        yield place


def _relative(place: str, above: str) -> str:
    return place.removeprefix(above).lstrip("/")


def _below(whole: Files, above: str, place: str) -> tuple[Files, str]:
    return (whole.below(above) if above else whole), _relative(place, above)
