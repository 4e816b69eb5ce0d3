"""kopf as the watcher of Ink's three kinds: every event goes to one callback. No decision, no retry, no write."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import kopf
from ink_api.group import GROUP, VERSION

from ink_operator.core import kinds
from ink_operator.core.kinds import Kind
from ink_operator.core.objects import Manifest

WATCH_SERVER_SECONDS = 300
WATCH_CLIENT_SECONDS = 330
"""Limits of one watch, against dead connections: both ends give up, and the objects are listed again."""

RETRY_SECONDS = (1, 1, 2, 3, *[5] * 100_000)
"""kopf reconnects soon after the API server is back, and never gives up."""

OnEvent = Callable[[str, Manifest, Kind], None]
"""Called with the type of the event and the object."""


async def watch_kinds(on_event: OnEvent, may_start: asyncio.Event, started: asyncio.Event) -> None:
    """Watch until cancelled, once `may_start` is set. kopf sets `started`.

    The children must be watched first: a pass before that could miss the effects of its own writes.
    """
    await may_start.wait()
    await kopf.operator(
        registry=make_registry(on_event),
        settings=make_settings(),
        standalone=True,
        clusterwide=True,
        ready_flag=started,
    )
    # If kopf ended silently, the operator would run on without seeing anything.
    raise RuntimeError("kopf stopped unexpectedly")


def make_registry(on_event: OnEvent) -> kopf.OperatorRegistry:
    """Handlers of the three kinds. `on.event` sees every event, and adds no annotation or finalizer."""
    registry = kopf.OperatorRegistry()
    for kind in (kinds.INK_SERVICE, kinds.INK_RESOURCE, kinds.INK_DOMAIN):
        _watch(registry, kind, on_event)
    kopf.on.login(registry=registry)(_login)
    return registry


def _watch(registry: kopf.OperatorRegistry, kind: Kind, on_event: OnEvent) -> None:
    async def seen(event: Mapping[str, Any], **_: Any) -> None:
        on_event(event["type"] or "ADDED", event["object"], kind)

    kopf.on.event(GROUP, VERSION, kind.plural, registry=registry, id=f"{kind.plural}-seen")(seen)


def _login(**kwargs: Any) -> kopf.ConnectionInfo | None:
    """The pod's service account, or else a kubeconfig."""
    return kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)


class NoEssence(kopf.DiffBaseStorage):
    """Nothing is compared with an earlier state: kopf need not copy every object for that."""

    def build(self, *, body: kopf.Body, extra_fields: Iterable[kopf.FieldSpec] | None = None) -> kopf.BodyEssence:
        """Nothing of the object."""
        return kopf.BodyEssence()

    def fetch(self, *, body: kopf.Body) -> kopf.BodyEssence | None:
        """No earlier state."""
        return None

    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: kopf.BodyEssence) -> None:
        """Stored nowhere."""


def make_settings() -> kopf.OperatorSettings:
    """kopf as a watcher: it posts no events and patches nothing."""
    settings = kopf.OperatorSettings()
    settings.persistence.diffbase_storage = NoEssence()
    settings.posting.enabled = False
    settings.watching.server_timeout = WATCH_SERVER_SECONDS
    settings.watching.client_timeout = WATCH_CLIENT_SECONDS
    settings.watching.connect_timeout = 15
    settings.networking.request_timeout = 30
    settings.networking.error_backoffs = RETRY_SECONDS
    logging.getLogger("kopf").setLevel(logging.WARNING)
    return settings
