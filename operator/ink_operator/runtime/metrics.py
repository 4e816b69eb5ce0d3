"""Metrics for Prometheus, and the HTTP server of `/metrics` and `/healthz`."""

from collections.abc import Callable

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class PrometheusMetrics:
    """Implements ports.Metrics; one set for the process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.queue_depth = Gauge("ink_queue_depth", "Objects waiting for a reconcile.", registry=self.registry)
        self.reconciles = Histogram(
            "ink_reconcile_seconds", "Duration of one reconcile.", ["kind", "outcome"],
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30), registry=self.registry,
        )  # fmt: skip
        self.api_calls = Counter(
            "ink_api_calls_total", "Calls to the API server.", ["verb", "resource", "code"], registry=self.registry
        )
        self.builds = Counter("ink_builds_total", "Builds that ended, by result.", ["result"], registry=self.registry)
        self.live_seconds = Histogram(
            "ink_commit_to_live_seconds", "Time from the creation of the build until the revision answers.",
            buckets=(1, 2, 3, 5, 8, 13, 20, 30, 60, 120, 300), registry=self.registry,
        )  # fmt: skip
        self.leader = Gauge("ink_leader", "1 while this process holds the lease.", registry=self.registry)

    def api_call(self, verb: str, resource: str, code: str) -> None:
        """One call to the API server ended."""
        self.api_calls.labels(verb, resource, code).inc()

    def build_ended(self, result: str) -> None:
        """One build ended."""
        self.builds.labels(result).inc()

    def went_live(self, seconds: float) -> None:
        """A new commit is live."""
        self.live_seconds.observe(seconds)

    def exposition(self) -> bytes:
        """The text format of Prometheus."""
        return generate_latest(self.registry)


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
