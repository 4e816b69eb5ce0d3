"""`python -m ink_gateway`: one process, one event loop, two ports."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
import uvloop
from ink_common.environ import SettingsError
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import ASGIApp

from ink_gateway import logs
from ink_gateway.app import gateway
from ink_gateway.errors import Unavailable
from ink_gateway.settings import Settings, parse_settings

log = logging.getLogger("ink_gateway")

GRACE_SECONDS = 10


class Server(uvicorn.Server):
    """A server that leaves signals to the process: two of them share it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture nothing."""
        yield


async def serve(settings: Settings) -> None:
    """Serve both ports until SIGTERM or SIGINT."""
    async with gateway(settings) as apps:
        servers = [
            _server(apps.public, settings.listen, settings.port),
            _server(apps.internal, settings.listen, settings.internal_port),
        ]

        def stop() -> None:
            for server in servers:
                server.should_exit = True

        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop)
        fields = {"port": settings.port, "internal_port": settings.internal_port, "hosts": sorted(settings.own_hosts)}
        log.info("serving", extra={"fields": fields})
        tasks = [asyncio.create_task(server.serve()) for server in servers]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        stop()
        await asyncio.gather(*tasks)


def _server(app: ASGIApp, host: str, port: int) -> Server:
    return Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            http="httptools",
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )


def main() -> int:
    """Exit status: 0 after a signal, 2 for wrong settings or no credentials, 1 when the database cannot be used."""
    try:
        settings = parse_settings(os.environ)
        logs.set_up(settings.log_level)
        uvloop.run(serve(settings))
    except (SettingsError, Unavailable) as error:
        print(f"ink_gateway: {error}", file=sys.stderr)
        return 2
    except (SQLAlchemyError, OSError) as error:
        # The text of a database error may quote the address with its password.
        print(f"ink_gateway: cannot start: {type(error).__name__}: check INK_DATABASE_URL", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
