"""How a server of Ink's begins: log lines on standard output, settings from the environment."""

import logging
import os
import sys
from collections.abc import Callable, Mapping
from typing import TypeVar

from ink_common.environ import SettingsError

T = TypeVar("T")


def start(parse_settings: Callable[[Mapping[str, str]], T]) -> T:
    """Set up logging and return the settings. Ends the process with a message when they are wrong."""
    level = logging.getLevelNamesMapping().get(os.environ.get("INK_LOG_LEVEL", "").upper(), logging.INFO)
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stdout)
    try:
        return parse_settings(os.environ)
    except SettingsError as error:
        sys.exit(f"settings: {error}")
