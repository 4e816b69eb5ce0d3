"""Every kopf decorator: an event names a key, and the key goes into the queue. No decision, no retry, no write."""

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import kopf
from ink_api.group import ANNOTATION_OWNER, GROUP, VERSION

from ink_operator.core import kinds
from ink_operator.core.kinds import Kind
from ink_operator.core.objects import Key, Manifest, annotations_of

WATCH_SERVER_SECONDS = 300
WATCH_CLIENT_SECONDS = 330
"""Against watches that fall silent: both ends give up, and the objects are listed again."""

RETRY_SECONDS = (1, 1, 2, 3, *[5] * 100_000)
"""An API server that is away is asked again soon after it is back, and kopf never gives up asking."""

Enqueue = Callable[[Key, str], None]
"""Called with the key and the resourceVersion that was seen."""

Heard = Callable[[str, Manifest, Kind], None]
"""Called before that with the type of the event and the whole object."""


def make_registry(heard: Heard, enqueue: Enqueue) -> kopf.OperatorRegistry:
    """Handlers of the three kinds. `on.event` sees every event, and adds no annotation and no finalizer of its own."""
    registry = kopf.OperatorRegistry()
    for kind in (kinds.INK_SERVICE, kinds.INK_RESOURCE, kinds.INK_DOMAIN):
        _watch(registry, kind, heard, enqueue)
    kopf.on.login(registry=registry)(_login)
    return registry


def _watch(registry: kopf.OperatorRegistry, kind: Kind, heard: Heard, enqueue: Enqueue) -> None:
    async def seen(event: Mapping[str, Any], **_: Any) -> None:
        live = event["object"]
        meta = live["metadata"]
        heard(event["type"] or "ADDED", live, kind)
        enqueue(Key(kind.kind, meta["namespace"], meta["name"]), meta["resourceVersion"])

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
        """Kept nowhere."""


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


def owner_key(child: Manifest) -> Key | None:
    """The InkService that a child says it belongs to."""
    namespace, _, name = annotations_of(child).get(ANNOTATION_OWNER, "").partition("/")
    return Key(kinds.INK_SERVICE.kind, namespace, name) if namespace and name else None
