"""What a framework for Node leaves behind."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Framework:
    """What a framework leaves behind: a directory of static files, or a server."""

    label: str
    start: str = ""
    site: str = ""
    build: str = ""
    """The build command, when package.json has no script of that name."""
    artifacts: tuple[tuple[str, str], ...] | None = None
    """What the server needs, relative to the application; None: all of it, packages included."""
    environment: tuple[tuple[str, str], ...] = ()
    after: str = ""
    """A command after the build."""
    build_environment: tuple[tuple[str, str], ...] = ()
    prunes: bool = False
    arguments: str = ""
    """What the build command is told beyond its own words."""
