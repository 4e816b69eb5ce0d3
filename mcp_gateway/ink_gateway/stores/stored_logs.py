"""Client of `ink_logs`, which reads build logs from the registry after their pods are gone."""

import logging

import aiohttp
from ink_api.names import ServiceIdentity

from ink_gateway.stores.kube import segment

log = logging.getLogger(__name__)
CALL_SECONDS = 12.0


class StoredLogs:
    """Stored build logs. A log that cannot be read counts as absent: answers about a service do not depend on it."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str) -> None:
        self._session, self._url, self._token = session, url, token

    async def build(self, who: ServiceIdentity, build: str) -> str | None:
        """The whole log of one build; None if none is stored."""
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
                    log.warning("reading stored build logs failed: HTTP %s", response.status)
        except (aiohttp.ClientError, TimeoutError) as error:
            log.warning("reading stored build logs failed: %s", type(error).__name__)
        return None
