"""How Ink's small HTTP servers run: log lines on standard output, settings from the environment, until SIGTERM."""

import logging
import os
import sys
from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

from aiohttp import web


class Listening(Protocol):
    """What the settings of a server have in common."""

    @property
    def host(self) -> str:
        """The address to listen at."""

    @property
    def port(self) -> int:
        """The port there."""


S = TypeVar("S", bound=Listening)


def run(from_environment: Callable[[Mapping[str, str]], S], application: Callable[[S], web.Application]) -> None:
    """Serve until SIGTERM. Ends the process with a message when `from_environment` raises ValueError."""
    level = logging.getLevelNamesMapping().get(os.environ.get("INK_LOG_LEVEL", "").upper(), logging.INFO)
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stdout)
    try:
        settings = from_environment(os.environ)
    except ValueError as wrong:
        sys.exit(f"settings: {wrong}")
    web.run_app(application(settings), host=settings.host, port=settings.port, access_log=None, print=None)
