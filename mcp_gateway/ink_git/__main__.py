"""`python -m ink_git`: both servers in one process, until SIGTERM."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections.abc import Iterator

import uvicorn
import uvloop
from ink_common.startup import start
from starlette.applications import Starlette
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ink_git.app import applications
from ink_git.settings import Settings, parse_settings

log = logging.getLogger("ink_git")
GRACE_SECONDS = 20


class PromptHttp(HttpToolsProtocol):
    """Acknowledges at once what comes.

    libgit2 sends the head of a request and its body apart, the body once the head is acknowledged (Nagle's algorithm),
    and Linux puts an acknowledgement off by 40 ms on a connection that was answered before: tcp(7), TCP_QUICKACK.
    """

    def data_received(self, data: bytes) -> None:
        """Bytes of a request."""
        self.transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        super().data_received(data)


class Server(uvicorn.Server):
    """A server that leaves signals to us: there are two in this process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def server(app: Starlette, settings: Settings, port: int) -> Server:
    """One server, not started."""
    return Server(
        uvicorn.Config(
            app,
            host=settings.listen_host,
            port=port,
            http=PromptHttp,
            lifespan="off",
            access_log=False,
            server_header=False,
            log_config=None,
            limit_concurrency=512,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )


async def serve(settings: Settings) -> None:
    """Serve until told to stop; then let running requests finish for a while."""
    async with applications(settings) as apps:
        servers = [
            server(apps.public, settings, settings.public_port),
            server(apps.internal, settings, settings.internal_port),
        ]

        def stop() -> None:
            for one in servers:
                one.should_exit = True

        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop)
        log.info("serving git on port %d, the internal API on %d", settings.public_port, settings.internal_port)
        async with asyncio.TaskGroup() as tasks:
            for one in servers:
                tasks.create_task(one.serve())


def main() -> None:
    """Entry point."""
    settings = start(parse_settings)
    os.umask(0o077)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(settings))


if __name__ == "__main__":
    main()
