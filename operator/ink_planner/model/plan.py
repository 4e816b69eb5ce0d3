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
class ImagePlan:
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
