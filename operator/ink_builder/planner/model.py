"""What a planner says: how to install, build and start an application."""

from dataclasses import dataclass, field

RUN_UID = 65532
DEFAULT_PORT = 8080
PORT = "${PORT:-8080}"
"""The port in a start command: the platform sets the variable, `docker run` need not."""


@dataclass(frozen=True)
class Run:
    """One command of the build, with directories that are kept from build to build."""

    command: str
    caches: tuple[str, ...] = ()


@dataclass(frozen=True)
class Copy:
    """Files of another image that the build stage needs, such as a package manager."""

    image: str
    source: str
    target: str


@dataclass(frozen=True)
class Version:
    """Which version of a tool is used: `why` is a phrase, `note` a sentence when it is not the one asked for."""

    tool: str
    used: str
    why: str
    note: str = ""


@dataclass(frozen=True)
class Plan:
    """A two-stage build: `install` and `build` run in the first stage, `artifacts` go into the second.

    `manifests` are the files that `install` reads: only a change of those runs it again. Commands are shell text.
    """

    pack: str
    image: str
    run_image: str
    start: str
    why: str = ""
    """The file, or the sign, by which the ecosystem was recognised."""
    start_why: str = ""
    versions: tuple[Version, ...] = ()
    manager: str = ""
    """What installs the packages."""
    directory: str | None = None
    """Where the sources begin, below the repository's top; None: where the planner was asked to look."""
    workdir: str = "/app"
    """Where the start command runs."""
    tools: tuple[Copy, ...] = ()
    build_packages: tuple[str, ...] = ()
    """Packages of the distribution that the build needs."""
    run_packages: tuple[str, ...] = ()
    """The same, in the final image."""
    run_setup: tuple[Run, ...] = ()
    """Commands that prepare the final image."""
    manifests: tuple[str, ...] = ()
    setup: tuple[Run, ...] = ()
    install: tuple[Run, ...] = ()
    build: tuple[Run, ...] = ()
    build_environment: tuple[tuple[str, str], ...] = ()
    run_environment: tuple[tuple[str, str], ...] = ()
    artifacts: tuple[tuple[str, str], ...] = (("/app", "/app"),)
    texts: tuple[tuple[str, str], ...] = ()
    """Files of ours in the final image: path and content."""
    port: int = DEFAULT_PORT
    notes: tuple[str, ...] = field(default=())
    """What else was noticed, for the log."""


@dataclass(frozen=True)
class Overrides:
    """Commands of the user that replace the planner's, and the directory of pack Static."""

    install: str | None = None
    build: str | None = None
    start: str | None = None
    publish_directory: str | None = None


class CannotPlan(Exception):
    """The language is known but something that is needed is not; str(error) says what to add."""


class NothingToStart(CannotPlan):
    """It is that language, but perhaps only beside another one: no way to start or serve it is to be seen."""


class Unsatisfiable(CannotPlan):
    """What the repository asks for contradicts itself, or no version here satisfies it."""


class MissingFile(CannotPlan):
    """What is to be started is not in the commit, and no build makes it."""


class MissingProgram(CannotPlan):
    """What the start command runs is installed by no package."""


class MissingPackage(CannotPlan):
    """What the program imports is installed by nothing."""


class StaleLock(CannotPlan):
    """The lock file lacks what the manifest asks for."""


class Unavailable(CannotPlan):
    """The platform has no base image for it."""
