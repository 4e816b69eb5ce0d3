"""The tenants namespace in memory: one list, then one watch, for any number of callers that list or wait."""

import asyncio
import logging
from collections.abc import AsyncIterator
from random import uniform
from typing import Any, Protocol

from ink_api.inkservice import InkService

from ink_gateway.errors import GatewayError, PartUnavailable

log = logging.getLogger(__name__)

WATCH_SECONDS = 290
SYNC_SECONDS = 10.0
GONE = 410


class MirrorSource(Protocol):
    """Where objects come from."""

    async def page(self) -> tuple[list[dict[str, Any]], str]:
        """Every object and the resourceVersion of the list."""

    def events(self, resource_version: str, seconds: int) -> AsyncIterator[dict[str, Any]]:
        """Watch events after that version."""


class Mirror:
    """A copy of the services, at most one watch event behind; this process's own writes appear at once."""

    def __init__(self, source: MirrorSource) -> None:
        self._source = source
        self._services: dict[str, InkService] = {}
        self._of_workspace: dict[str, dict[str, InkService]] = {}
        self._removed: dict[str, int] = {}
        self._synced = asyncio.Event()
        self._changed: dict[str, set[asyncio.Event]] = {}

    async def run(self) -> None:
        """Keep the copy current, forever; failures are logged and retried after a short, jittered delay."""
        while True:
            try:
                await self._once()
            except GatewayError as error:
                log.warning("watching services failed, retrying: %s", error)
                await asyncio.sleep(uniform(0.5, 2.0))  # noqa: S311 - jitter

    async def synced(self) -> None:
        """Returns once the copy is complete. Raises PartUnavailable if that takes too long."""
        if self._synced.is_set():
            return
        try:
            await asyncio.wait_for(self._synced.wait(), SYNC_SECONDS)
        except TimeoutError:
            raise PartUnavailable("the Kubernetes API server", "services could not be listed") from None

    def workspace(self, workspace: str) -> list[InkService]:
        """The services of a workspace, by name."""
        return [service for _, service in sorted(self._of_workspace.get(workspace, {}).items())]

    def get(self, name: str) -> InkService | None:
        """The service of that CR name."""
        return self._services.get(name)

    def put(self, service: InkService) -> None:
        """Store an object unless a newer version is already known."""
        name, version = service.metadata.name, _version(service)
        known = self._services.get(name)
        if (known is not None and _version(known) >= version) or self._removed.get(service.metadata.uid, -1) >= version:
            return
        self._services[name] = service
        self._of_workspace.setdefault(workspace_of(service), {})[name] = service
        self._wake(name)

    async def follow(self, name: str) -> AsyncIterator[InkService | None]:
        """The current state, then each later one; a slow reader skips intermediate states."""
        changed = asyncio.Event()
        self._changed.setdefault(name, set()).add(changed)
        try:
            while True:
                changed.clear()
                yield self._services.get(name)
                await changed.wait()
        finally:
            waiting = self._changed[name]
            waiting.discard(changed)
            if not waiting:
                del self._changed[name]

    async def _once(self) -> None:
        items, version = await self._source.page()
        self._replace([InkService.model_validate(item) for item in items], int(version or 0))
        self._synced.set()
        while True:
            async for event in self._source.events(version, WATCH_SECONDS):
                if event["type"] == "ERROR":
                    if event["object"].get("code") != GONE:
                        log.warning("the watch of services ended: %s", event["object"].get("message"))
                    return
                version = event["object"]["metadata"]["resourceVersion"]
                if event["type"] == "DELETED":
                    self._remove(InkService.model_validate(event["object"]))
                elif event["type"] != "BOOKMARK":
                    self.put(InkService.model_validate(event["object"]))

    def _replace(self, services: list[InkService], version: int) -> None:
        """Replace the copy by a list of that version, but keep what this process has written since."""
        names = {service.metadata.name for service in services}
        for known in list(self._services.values()):
            if known.metadata.name not in names and _version(known) <= version:
                self._remove(known)
        for service in services:
            self.put(service)
        self._removed.clear()

    def _remove(self, service: InkService) -> None:
        name = service.metadata.name
        known = self._services.get(name)
        if known is not None and known.metadata.uid == service.metadata.uid:
            del self._services[name]
            of_workspace = self._of_workspace[workspace_of(known)]
            of_workspace.pop(name, None)
            if not of_workspace:
                del self._of_workspace[workspace_of(known)]
        # A write's own answer may arrive after the event of the deletion; it must not bring the object back.
        self._removed[service.metadata.uid] = _version(service)
        while len(self._removed) > 1000:
            del self._removed[next(iter(self._removed))]
        self._wake(name)

    def _wake(self, name: str) -> None:
        for event in self._changed.get(name, ()):
            event.set()


def workspace_of(service: InkService) -> str:
    """The workspace a service belongs to: the first part of its CR's name, which nobody can change."""
    return service.metadata.name.partition(".")[0]


def _version(service: InkService) -> int:
    """resourceVersions of one resource are comparable as numbers (Kubernetes API concepts, 1.35 and later)."""
    return int(service.metadata.resource_version or 0)
