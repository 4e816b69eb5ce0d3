"""`/healthz` and `/metrics`."""

from collections.abc import Callable

from aiohttp import web


async def serve(port: int, exposition: Callable[[], bytes], healthy: Callable[[], bool]) -> web.AppRunner:
    """Answer on all addresses until the runner is cleaned up. A standby is healthy too."""

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok\n") if healthy() else web.Response(status=503, text="the lease is lost\n")

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=exposition(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/metrics", metrics)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "0.0.0.0", port).start()
    return runner
