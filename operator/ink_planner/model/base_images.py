"""Which base images the platform has, by set and version. A set is an ecosystem's or a tool's (maven, composer)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DEFAULT_KEY = "default"


@dataclass(frozen=True)
class BaseImage:
    """The images of one version: `build` has the tools, `run` what the finished application needs.

    `{version}` in a name stands for the version that was asked for, when that is a more exact one.
    """

    version: str
    build: str
    run: str

    @property
    def number(self) -> tuple[int, ...]:
        """The version to compare with."""
        return tuple(int(part) for part in self.version.split(".") if part.isdecimal())


def same(template: str, *versions: str) -> dict[str, str]:
    """One image to build in and to run in, for each version: `{v}` stands for it."""
    return {version: template.format(v=version) for version in versions}


def pair(build: str, run: str, *versions: str) -> dict[str, dict[str, str]]:
    """An image to build in and another one to run in, for each version: `{v}` stands for it."""
    return {version: {"build": build.format(v=version), "run": run.format(v=version)} for version in versions}


BOOKWORM = "debian:bookworm-slim"


class BaseImages:
    """What there is to build in and to run in."""

    def __init__(self, sets: Mapping[str, Any]) -> None:
        """`sets`: name -> version -> image, or {build, run}; and `default` -> version. Raises ValueError."""
        self._bases: dict[str, tuple[BaseImage, ...]] = {}
        self._defaults: dict[str, str] = {}
        for name, listed in sets.items():
            if not isinstance(listed, Mapping):
                raise ValueError(f"base images of {name}: expected versions and their images")
            found = [_base(name, str(v), image) for v, image in listed.items() if v != DEFAULT_KEY]
            self._bases[name] = tuple(sorted(found, key=lambda base: base.number))
            self._defaults[name] = str(listed.get(DEFAULT_KEY, ""))

    def of(self, name: str) -> tuple[BaseImage, ...]:
        """All versions, the oldest first."""
        return self._bases.get(name, ())

    def default(self, name: str) -> BaseImage | None:
        """What is taken when nothing is asked for: the default, else the newest."""
        bases = self.of(name)
        wanted = self._defaults.get(name)
        return next((base for base in bases if base.version == wanted), bases[-1] if bases else None)


def _base(ecosystem: str, version: str, image: Any) -> BaseImage:
    if isinstance(image, str):
        image = {"build": image, "run": image}
    if not isinstance(image, Mapping) or not all(isinstance(image.get(k), str) for k in ("build", "run")):
        raise ValueError(f"base image of {ecosystem} {version}: expected an image, or build and run")
    for name in (image["build"], image["run"]):
        if not name or any(c.isspace() or not c.isprintable() for c in name):
            raise ValueError(f"base image of {ecosystem} {version}: {name!r} is no name of an image")
    return BaseImage(version, image["build"], image["run"])
