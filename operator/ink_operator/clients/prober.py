"""Probes a public host through the ingress, and distinguishes the application's answer from the ingress's own."""

import ssl
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import aiohttp

from ink_operator.ports import Answer

CALL_SECONDS = 5.0
TRUSTED_SECONDS = 540.0
"""Shorter than the resync interval, so that each resync probes again."""
UNROUTED_HEADER = "X-Ink-Unrouted"
INGRESS_BODIES = {
    404: (b"404 page not found",),
    502: (b"Bad Gateway",),
    503: (b"no available server", b"Service Unavailable"),
    504: (b"Gateway Timeout",),
}
"""What Traefik itself answers; an application's own 404 or 503 has another body."""


class HttpProber:
    """Implements ports.Prober. The certificate is not checked: the request stays in the cluster."""

    def __init__(
        self, session: aiohttp.ClientSession, base_url: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._session, self._base, self._clock = session, base_url, clock
        self._good: dict[str, float] = {}
        self._tls = ssl.create_default_context()
        self._tls.check_hostname = False
        self._tls.verify_mode = ssl.CERT_NONE

    async def probe(self, host: str, path: str, *, healthy_only: bool, memo: str) -> Answer:
        """Never raises: no answer is a result too. A good answer for `memo` is cached for some minutes."""
        until = self._good.get(memo)
        if until is not None and self._clock() < until:
            return Answer(True, "")
        answer = await self._ask(host, path, healthy_only)
        self._good = {m: t for m, t in self._good.items() if t > self._clock()}
        if answer.ok:
            self._good[memo] = self._clock() + TRUSTED_SECONDS
        return answer

    async def _ask(self, host: str, path: str, healthy_only: bool) -> Answer:
        secure = urlsplit(self._base).scheme == "https"
        try:
            async with self._session.get(
                f"{self._base}{path}",
                headers={"Host": host, "User-Agent": "ink-probe", "Connection": "close"},
                ssl=self._tls if secure else True,
                server_hostname=host if secure else None,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=CALL_SECONDS),
            ) as response:
                start = await response.content.read(200)
                return judge(response.status, UNROUTED_HEADER in response.headers, start, healthy_only)
        except (aiohttp.ClientError, TimeoutError) as error:
            return Answer(False, f"the ingress did not answer within {CALL_SECONDS:.0f} s ({type(error).__name__})")


def judge(status: int, unrouted: bool, body: bytes, healthy_only: bool) -> Answer:
    """Whether the application answered. With `healthy_only`, only 2xx and 3xx count."""
    if unrouted:
        return Answer(False, "the ingress does not know the host yet")
    if body.strip() in INGRESS_BODIES.get(status, ()):
        return Answer(False, f"the ingress answered with status {status}, not the application")
    if healthy_only and not 200 <= status < 400:
        return Answer(False, f"the health path answered with status {status} at the public host")
    return Answer(True, f"status {status}")
