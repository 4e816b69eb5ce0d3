"""What a planner says: how to install, build and start an application."""

from dataclasses import dataclass, field

RUN_UID = 65532
DEFAULT_PORT = 8080


@dataclass(frozen=True)
class Run:
    """One command of the build, with directories that are kept from build to build."""

    command: str
    caches: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """A two-stage build: `install` and `build` run in the first stage, `artifacts` go into the second.

    `manifests` are the files that `install` reads: only a change of those runs it again. Commands are shell text.
    """

    pack: str
    image: str
    run_image: str
    start: str
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
    """What was recognised, for the log."""


@dataclass(frozen=True)
class Overrides:
    """Commands of the user that replace the planner's, and the directory of pack Static."""

    install: str | None = None
    build: str | None = None
    start: str | None = None
    publish_directory: str | None = None


class CannotPlan(Exception):
    """The language is known but something that is needed is not; str(error) says what to add."""
