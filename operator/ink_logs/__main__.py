"""`python -m ink_logs`: serve until SIGTERM."""

import logging
import os
import sys

from aiohttp import web

from ink_logs.app import application, from_environment


def main() -> None:
    """Entry point."""
    level = logging.getLevelNamesMapping().get(os.environ.get("INK_LOG_LEVEL", "").upper(), logging.INFO)
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stdout)
    try:
        settings = from_environment(os.environ)
    except ValueError as wrong:
        sys.exit(f"settings: {wrong}")
    web.run_app(application(settings), host=settings.host, port=settings.port, access_log=None, print=None)


if __name__ == "__main__":
    main()
