"""Which key of the queue an event wakes."""

from collections.abc import AsyncIterator, Callable
from typing import Protocol

from ink_api.group import LABEL_DAEMON, LABEL_SERVICE
from ink_api.names import TENANT_NAMESPACE_PREFIX

from ink_operator.core import keys, kinds
from ink_operator.core.keys import Result
from ink_operator.core.kinds import Kind
from ink_operator.core.memo import Shared
from ink_operator.core.object_cache import ObjectCache
from ink_operator.core.objects import Key, Manifest, is_deleting, labels_of
from ink_operator.housekeeping.empty_namespaces import namespaces_in_use
from ink_operator.ports import Wakeups
from ink_operator.runtime.informer import Subscription
from ink_operator.settings import Settings
from ink_operator.triggers.watches import ChildWatch

GATHER_SECONDS = 0.03
"""Changes of children come in bursts: a short delay lets one pass see them all."""


class RoutingApi(Protocol):
    """What routing asks of the API server: Kube."""

    def wrote(self, version: str) -> bool:
        """Whether a resourceVersion is that of a write of this process."""
        ...

    def pages(self, kind: Kind, namespace: str = "", labels: str = "") -> AsyncIterator[list[Manifest]]:
        """All objects that match, page by page."""
        ...


class Router:
    """Puts every event into the cache, and its key into the queue."""

    def __init__(self, api: RoutingApi, cache: ObjectCache, queue: Wakeups, shared: Shared, settings: Settings) -> None:
        self._api, self._cache, self._queue = api, cache, queue
        self._shared, self._settings = shared, settings

    def on_kind_event(self, event_type: str, live: Manifest, kind: Kind) -> None:
        """An object of Ink's own kinds changed: someone is waiting for the result."""
        self._cache.on_event(event_type, live, kind)
        meta = live["metadata"]
        self._add(Key(kind.kind, meta["namespace"], meta["name"]), meta["resourceVersion"], 0.0)

    def subscription(self, watch: ChildWatch) -> Subscription:
        """What an informer needs to follow the watch."""
        scope = watch.scope
        return Subscription(scope.kind, scope.namespace, scope.labels, self._child_listener(watch))

    def wake(self, key: Key) -> None:
        """Something that the object refers to changed."""
        self._queue.add(key, GATHER_SECONDS)

    async def wake_any_service(self, key: Key) -> Result:
        """What all services of a namespace share changed: any one of them fixes it. `key`: see keys.tenancy_key."""
        ours = key.name.startswith(TENANT_NAMESPACE_PREFIX)
        home = self._settings.tenants_namespace if ours else key.name
        async for page in self._api.pages(kinds.INK_SERVICE, home):
            for item in page:
                if not is_deleting(item) and key.name in namespaces_in_use([item], self._settings):
                    self._queue.add(keys.service_key(home, item["metadata"]["name"]))
                    return Result()
        return Result()

    def _child_listener(self, watch: ChildWatch) -> Callable[[str, Manifest], None]:
        kind = watch.scope.kind

        def on_event(event_type: str, live: Manifest) -> None:
            # Compared before the cache gets the new state.
            silent = event_type == "MODIFIED" and not (watch.status_matters or self._cache.has_changed(live, kind))
            if watch.cached:
                self._cache.on_event(event_type, live, kind)
            if event_type in watch.events and not silent:
                self._on_child(live, shared=watch.shared)

        return on_event

    def _on_child(self, live: Manifest, *, shared: bool) -> None:
        labels, meta = labels_of(live), live["metadata"]
        if LABEL_SERVICE not in labels and LABEL_DAEMON in labels:
            key = keys.buildkitd_key(labels[LABEL_DAEMON], self._settings.buildkit_namespace)
            self._add(key, meta["resourceVersion"])
        elif LABEL_SERVICE not in labels and shared:
            namespace = meta.get("namespace") or meta["name"]
            self._shared.tenancy.forget(namespace)
            self._queue.add(keys.tenancy_key(namespace), GATHER_SECONDS)
        elif (owner := keys.owner_key(live)) is not None:
            self._add(owner, meta["resourceVersion"])

    def _add(self, key: Key, version: str, after_seconds: float = GATHER_SECONDS) -> None:
        """Ignores our own writes: the pass that made them decides itself when to check again."""
        if not self._api.wrote(version):
            self._queue.add(key, after_seconds)
