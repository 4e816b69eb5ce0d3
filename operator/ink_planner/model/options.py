"""What a user may say of how an application is built."""

from dataclasses import dataclass


@dataclass(frozen=True)
class BuildOptions:
    """spec.build, and the start command of the tool."""

    pack: str = "Auto"
    dockerfile: str | None = None
    target: str | None = None
    install_command: str | None = None
    build_command: str | None = None
    publish_directory: str | None = None
    start_command: str | None = None


@dataclass(frozen=True)
class Overrides:
    """Commands of the user that replace the planner's, and the directory of pack Static."""

    install: str | None = None
    build: str | None = None
    start: str | None = None
    publish_directory: str | None = None
