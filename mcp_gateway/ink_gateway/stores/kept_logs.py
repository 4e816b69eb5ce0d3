"""Build logs that outlived their pods, by the process that reads them out of the registry."""

import logging

import aiohttp
from ink_api.names import ServiceIdentity

from ink_gateway.stores.kube import segment

log = logging.getLogger(__name__)
CALL_SECONDS = 12.0


class KeptLogs:
    """What `ink_logs` answers. A log that cannot be had is none: the answer about a service does not wait for it."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str) -> None:
        self._session, self._url, self._token = session, url, token

    async def build(self, who: ServiceIdentity, build: str) -> str | None:
        """The whole log of one build; None when none is kept."""
        if not self._url:
            return None
        path = "/".join(map(segment, (who.tenant, who.project, who.name, build)))
        timeout = aiohttp.ClientTimeout(total=CALL_SECONDS)
        headers = {"Authorization": f"Bearer {self._token}"}
        try:
            async with self._session.get(f"{self._url}/v1/logs/{path}", headers=headers, timeout=timeout) as response:
                if response.status == 200:
                    return (await response.read()).decode("utf-8", "replace")
                if response.status != 404:
                    log.warning("kept build logs answer %s", response.status)
        except (aiohttp.ClientError, TimeoutError) as error:
            log.warning("kept build logs do not answer: %s", type(error).__name__)
        return None
