"""Liveness and readiness."""

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from ink_gateway.errors import GatewayError
from ink_gateway.ports import ReadinessProbe

PROBE_SECONDS = 3.0


def health_routes(probes: dict[str, ReadinessProbe]) -> list[Route]:
    """/healthz: the process is alive. /readyz: every part answers; 503 names those that do not."""

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        answers = await asyncio.gather(*(_answer(probe) for probe in probes.values()))
        body = dict(zip(probes, answers, strict=True))
        return JSONResponse(body, 200 if set(answers) <= {"ok"} else 503)

    return [Route("/healthz", healthz), Route("/readyz", readyz)]


async def _answer(probe: ReadinessProbe) -> str:
    try:
        await asyncio.wait_for(probe(), PROBE_SECONDS)
    except TimeoutError:
        return f"no answer within {PROBE_SECONDS:.0f} s"
    except GatewayError as error:
        return str(error)
    return "ok"
