"""`python -m ink_operator`: waits for the lease, then reconciles until it is stopped or the lease is lost."""

import asyncio
import logging
import os
import signal
import sys

import aiohttp
import uvloop
from ink_common.environ import SettingsError

from ink_operator.clients.kube import configure
from ink_operator.core.errors import LeaseLost
from ink_operator.runtime.metrics import serve
from ink_operator.settings import Settings, parse_settings
from ink_operator.wiring import Operator

log = logging.getLogger("ink_operator")


async def run(settings: Settings) -> int:
    """Exit code: 0 when stopped by a signal, 1 when the lease is lost."""
    stop = asyncio.Event()
    take_signals(stop)
    # No cookie jar: behind the ingress, all tenants have one address.
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        operator = Operator(settings, await configure(os.environ.get("KUBECONFIG") or None), session)
        server = await serve(settings.listen_port, operator.metrics.exposition, lambda: not operator.guard.lost)
        code = 0
        try:
            await work(operator, stop)
        except* LeaseLost as lost:
            log.error("lost the lease, exiting: %s", lost.exceptions)
            code = 1
        finally:
            await server.cleanup()
            await operator.kube.close()
        return code


def take_signals(stop: asyncio.Event) -> None:
    """SIGTERM and SIGINT set `stop`."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)


async def work(operator: Operator, stop: asyncio.Event) -> None:
    """Wait for the lease, lead, and release the lease."""
    acquiring = asyncio.create_task(operator.lease.acquire())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({acquiring, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if stop.is_set():
        acquiring.cancel()
    else:
        await acquiring
        await operator.lead(stop, lambda: take_signals(stop))
    stopping.cancel()
    await operator.lease.release()


def main() -> None:
    """Parse the settings and run."""
    logging.basicConfig(
        level=os.environ.get("INK_LOG_LEVEL", "INFO"), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    try:
        settings = parse_settings(os.environ)
    except SettingsError as error:
        sys.exit(f"ink_operator: {error}")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(runner.run(run(settings)))


if __name__ == "__main__":
    main()
