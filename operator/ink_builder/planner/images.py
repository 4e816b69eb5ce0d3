"""Which base images the platform has, by ecosystem and version. What is listed here are the publishers' own names."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DEFAULT_KEY = "default"


@dataclass(frozen=True)
class Base:
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


def _same(template: str, *versions: str) -> dict[str, Any]:
    return {version: template.format(v=version) for version in versions}


def _pair(build: str, run: str, *versions: str) -> dict[str, Any]:
    return {version: {"build": build.format(v=version), "run": run.format(v=version)} for version in versions}


_BOOKWORM = "debian:bookworm-slim"
_JAVA = ("8", "11", "17", "21", "25")
_RUBY = ("3.1", "3.2", "3.3", "3.4")
_DOTNET = ("6.0", "8.0", "9.0", "10.0")

PUBLIC: dict[str, dict[str, Any]] = {
    "python": {
        DEFAULT_KEY: "3.13",
        **_same("python:{v}-slim", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14"),
    },
    "node": {DEFAULT_KEY: "22", **_same("node:{v}-slim", "16", "18", "20", "22", "24")},
    "go": _pair("golang:{v}-bookworm", _BOOKWORM, "1.23", "1.24", "1.25", "1.26"),
    "rust": {
        DEFAULT_KEY: "1",
        **{v: {"build": f"rust:{v}-slim-bookworm", "run": _BOOKWORM} for v in ("1.75", "1.80", "1.85", "1.90", "1")},
    },
    "java": {DEFAULT_KEY: "21", **_pair("eclipse-temurin:{v}-jdk", "eclipse-temurin:{v}-jre", *_JAVA)},
    "maven": {DEFAULT_KEY: "21", **_pair("maven:3-eclipse-temurin-{v}", "eclipse-temurin:{v}-jre", *_JAVA)},
    "gradle": {DEFAULT_KEY: "21", **_pair("gradle:8-jdk{v}", "eclipse-temurin:{v}-jre", *_JAVA[1:4])},
    "ruby": {DEFAULT_KEY: "3.4", **dict.fromkeys(_RUBY, "ruby:{version}-slim-bookworm")},
    "php": {**_pair("php:{v}-cli-bookworm", "php:{v}-apache-bookworm", "8.1", "8.2", "8.3", "8.4")},
    "composer": {"2": "composer:2"},
    "elixir": _pair("elixir:{v}-otp-27-slim", _BOOKWORM, "1.17", "1.18"),
    "deno": {"2": "denoland/deno:debian"},
    "dotnet": {
        DEFAULT_KEY: "8.0",
        **{
            v: {"build": "mcr.microsoft.com/dotnet/sdk:{version}", "run": f"mcr.microsoft.com/dotnet/aspnet:{v}"}
            for v in _DOTNET
        },
    },
    "static": {"3.12": "python:3.12-slim"},
}


class Images:
    """The platform's base images: the public ones, but for the ecosystems that its settings list anew."""

    def __init__(self, settings: Mapping[str, Any] | None = None) -> None:
        """`settings`: ecosystem -> version -> image, or {build, run}; and `default` -> version.

        An ecosystem without versions is one that this platform does not build. Raises ValueError.
        """
        if not isinstance(settings, Mapping | None):
            raise ValueError("base images: expected an object of ecosystems")
        self._bases: dict[str, tuple[Base, ...]] = {}
        self._defaults: dict[str, str] = {}
        for ecosystem, listed in {**PUBLIC, **(settings or {})}.items():
            if not isinstance(listed, Mapping):
                raise ValueError(f"base images of {ecosystem}: expected versions and their images")
            found = [_base(ecosystem, str(v), image) for v, image in listed.items() if v != DEFAULT_KEY]
            self._bases[ecosystem] = tuple(sorted(found, key=lambda base: base.number))
            self._defaults[ecosystem] = str(listed.get(DEFAULT_KEY, ""))

    def of(self, ecosystem: str) -> tuple[Base, ...]:
        """All versions, the oldest first."""
        return self._bases.get(ecosystem, ())

    def default(self, ecosystem: str) -> Base | None:
        """What is taken when nothing is asked for: the default, else the newest."""
        bases = self.of(ecosystem)
        wanted = self._defaults.get(ecosystem)
        return next((base for base in bases if base.version == wanted), bases[-1] if bases else None)


def _base(ecosystem: str, version: str, image: Any) -> Base:
    if isinstance(image, str):
        image = {"build": image, "run": image}
    if not isinstance(image, Mapping) or not all(isinstance(image.get(k), str) for k in ("build", "run")):
        raise ValueError(f"base image of {ecosystem} {version}: expected an image, or build and run")
    for name in (image["build"], image["run"]):
        if not name or any(c.isspace() or not c.isprintable() for c in name):
            raise ValueError(f"base image of {ecosystem} {version}: {name!r} is no name of an image")
    return Base(version, image["build"], image["run"])
