"""The only place that constructs clients: joins settings, clients, queue and reconcilers into one process."""

import asyncio
import contextlib
import logging
import random
import socket
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from typing import Any

import aiohttp
import kopf
from ink_api.group import LABEL_DAEMON, LABEL_MANAGED_BY, LABEL_OWNER_UID, LABEL_SERVICE, MANAGED_BY
from ink_api.names import TENANT_NAMESPACE_PREFIX
from kubernetes.aio.client.configuration import Configuration

from ink_operator.buildkitd.reconcile import (
    DAEMONS,
    LEFT,
    daemon_key,
    left_key,
    reconcile_daemon,
    reconcile_left,
    used_daemons,
)
from ink_operator.clients.cached import CachedCluster, filling, heed
from ink_operator.clients.certificates import Issuer
from ink_operator.clients.kube import Kube, MetadataOnly
from ink_operator.clients.prober import HttpProber
from ink_operator.clients.registry import RegistryClient
from ink_operator.clients.resolver import ResolverClient
from ink_operator.clients.sealing import KeyRing
from ink_operator.clients.tokens import TokenMint
from ink_operator.clients.verdicts import KeptVerdicts
from ink_operator.core import kinds
from ink_operator.core.errors import InkError
from ink_operator.core.kinds import Kind
from ink_operator.core.memo import Memo
from ink_operator.core.objects import Key, Manifest, Ref, is_deleting, labels_of
from ink_operator.core.result import Result
from ink_operator.core.shared import Shared
from ink_operator.core.store import Store
from ink_operator.housekeeping.empty_namespaces import reconcile_namespace, used_namespaces
from ink_operator.housekeeping.reserved_hosts import CLAIMS, claim_key, reconcile_claim
from ink_operator.inkdomain.reconcile import InkDomainController
from ink_operator.inkresource.reconcile import InkResourceController
from ink_operator.inkservice.reconcile import InkServiceController
from ink_operator.ports import Ports
from ink_operator.runtime.events import EventWriter
from ink_operator.runtime.informer import Watched, inform
from ink_operator.runtime.lease import Guard, Lease
from ink_operator.runtime.metrics import Metrics
from ink_operator.runtime.queue import Queue
from ink_operator.runtime.references import References
from ink_operator.settings import Settings
from ink_operator.triggers import kinds as handlers
from ink_operator.triggers.watches import SERVICES, Watch, kept, watches

log = logging.getLogger(__name__)
LEASE_NAME = "ink-operator"
TOKEN_SLACK_SECONDS = 300
"""Build tokens live as long as the longest build and this."""
LONGEST_BUILD_SECONDS = 3600
TENANCY_TRUSTED_SECONDS = 60.0
"""For so long the set-up of a namespace is not read again; its own writes are seen at once."""
GAP_SECONDS, GAP_SPREAD_SECONDS = 1.0, 5.0
"""After a gap in the watches everything is looked at: gaps of several watches together, the work spread a little."""
TENANCY = "Tenancy"
"""Name of the reconciler of what all services of a namespace share."""
EVENTS_GATHER_SECONDS = 0.03
"""Changes of children come in bursts: a pass that waits a moment sees them all."""


class Operator:
    """One process. `lead` runs everything that only the lease's holder may do."""

    def __init__(self, settings: Settings, configuration: Configuration, session: aiohttp.ClientSession) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.guard = Guard()
        self.kube = Kube(configuration, self.guard, self.metrics)
        self.queue = Queue(self._reconcile, self.metrics, settings.workers)
        self.events = EventWriter(self.kube)
        self.store = Store(kept(settings))
        self._gap, self._watching = asyncio.Event(), asyncio.Event()
        self._unwatched: set[str] = set()
        self.references = References(MetadataOnly(self.kube), self._wake)
        identity = f"{socket.gethostname()}-{uuid.uuid4().hex[:8]}"
        lease = Ref(kinds.LEASE, settings.namespace, LEASE_NAME)
        self.lease = Lease(self.kube, self.guard, lease, identity, settings.lease_seconds)
        tokens = TokenMint(settings.secrets, LONGEST_BUILD_SECONDS + TOKEN_SLACK_SECONDS)
        self.sealing = KeyRing(self.kube, settings.namespace, settings.sealing_keys)
        registry = RegistryClient(session, settings.registry, settings.registry_insecure, tokens, self.guard)
        self.verdicts = KeptVerdicts(registry, self.queue)
        self.ports = Ports(
            cluster=CachedCluster(self.kube, self.store),
            heads=ResolverClient(session, settings.resolver_url, settings.poll_seconds),
            registry=registry,
            verdicts=self.verdicts,
            tokens=tokens,
            certificates=Issuer(settings.secrets.buildkit_seed, LONGEST_BUILD_SECONDS + TOKEN_SLACK_SECONDS),
            sealing=self.sealing,
            prober=HttpProber(session, settings.traefik_url),
            wakeups=self.queue,
            references=self.references,
            meter=self.metrics,
            announcer=self.events,
        )
        self.shared = Shared(Memo(TENANCY_TRUSTED_SECONDS), Memo(settings.resync_seconds), asyncio.Lock())
        self._reconcilers: dict[str, Callable[[Key, int], Awaitable[Result]]] = {
            kinds.INK_SERVICE.kind: InkServiceController(self.ports, settings, self.shared).reconcile,
            kinds.INK_RESOURCE.kind: InkResourceController(self.ports).reconcile,
            kinds.INK_DOMAIN.kind: InkDomainController(self.ports).reconcile,
            TENANCY: self._wake_one,
            kinds.NAMESPACE.kind: lambda key, failures: reconcile_namespace(
                key, self.ports, settings, datetime.now(UTC)
            ),
            kinds.CONFIG_MAP.kind: lambda key, failures: reconcile_claim(key, self.ports, settings, datetime.now(UTC)),
            kinds.STATEFUL_SET.kind: lambda key, failures: reconcile_daemon(
                key, self.ports, self.shared, settings, datetime.now(UTC)
            ),
            LEFT: lambda key, failures: reconcile_left(key, self.ports, self.shared, settings),
        }

    async def _reconcile(self, key: Key, failures: int) -> Result:
        return await self._reconcilers[key.kind](key, failures)

    async def lead(self, stop: asyncio.Event, take_signals: Callable[[], None]) -> None:
        """Watch and reconcile until `stop` is set. Raises LeaseLost, in a group, when it may not go on.

        kopf takes the process' signals when it starts, and at its end waits for tasks that are not its own. So the
        signals are taken back with `take_signals`, and kopf is cancelled with the rest.
        """
        self.metrics.leader.set(1)
        started = asyncio.Event()
        watch = kopf.operator(
            registry=handlers.make_registry(self._heard, self._asked),
            settings=handlers.make_settings(),
            standalone=True,
            clusterwide=True,
            ready_flag=started,
        )
        async with asyncio.TaskGroup() as group:
            tasks: list[asyncio.Task[None]] = [
                group.create_task(work, name=name)
                for name, work in (
                    ("lease", self.lease.keep()),
                    ("queue", self.queue.run()),
                    ("events", self.events.run()),
                    ("verdicts", self.verdicts.run()),
                    ("references", self.references.run()),
                    ("resync", self._resync()),
                    ("sealing keys", self._keep_keys()),
                    ("kopf", self._watch_kinds(watch)),
                    *self._informers(),
                )
            ]
            until_started = asyncio.create_task(started.wait())
            until_stop = asyncio.create_task(stop.wait())
            await asyncio.wait({until_started, until_stop}, return_when=asyncio.FIRST_COMPLETED)
            take_signals()
            await until_stop
            for task in (*tasks, until_started):
                task.cancel()

    async def _watch_kinds(self, kopf_runs: Awaitable[None]) -> None:
        """Only once the children are watched: a pass before that could miss what becomes of its work."""
        await self._watching.wait()
        await kopf_runs
        # Its silent end would leave an operator that sees nothing.
        raise RuntimeError("kopf ended by itself")

    def _informers(self) -> list[tuple[str, Coroutine[Any, Any, None]]]:
        every = {f"watch {w.scope.kind.plural} {w.scope.namespace}": w for w in watches(self.settings)}
        self._unwatched = set(every)
        return [(n, inform(self.kube, self._watched(w), partial(self._begun, n, w))) for n, w in every.items()]

    def _watched(self, watch: Watch) -> Watched:
        scope = watch.scope

        def heard(event_type: str, live: Manifest) -> None:
            silent = event_type == "MODIFIED" and not watch.status_is_news and not self.store.is_news(live, scope.kind)
            if watch.kept:
                heed(self.store, event_type, live, scope.kind)
            if event_type in watch.events and not silent:
                if LABEL_DAEMON in labels_of(live) and LABEL_SERVICE not in labels_of(live):
                    self._daemon_seen(live)
                elif watch.shared and LABEL_SERVICE not in labels_of(live):
                    self._tenancy_seen(live)
                else:
                    self._child_seen(live)

        return Watched(scope.kind, scope.namespace, scope.labels, heard)

    def _heard(self, event_type: str, live: Manifest, kind: Kind) -> None:
        heed(self.store, event_type, live, kind)

    def _begun(self, name: str, watch: Watch, again: bool) -> None:
        self._unwatched.discard(name)
        if not self._unwatched:
            self._watching.set()
        if again:
            self.store.missed(watch.scope)
            self._gap.set()

    def _asked(self, key: Key, version: str) -> None:
        """Somebody changed the CR itself, and waits."""
        self._seen(key, version, 0.0)

    def _seen(self, key: Key, version: str, after_seconds: float = EVENTS_GATHER_SECONDS) -> None:
        """Our own writes are left out: the pass that wrote knows of them, and says itself when to look again."""
        if not self.kube.wrote(version):
            self.queue.add(key, after_seconds)

    def _child_seen(self, child: Manifest) -> None:
        key = handlers.owner_key(child)
        if key is not None:
            self._seen(key, child["metadata"]["resourceVersion"])

    def _daemon_seen(self, part: Manifest) -> None:
        meta = part["metadata"]
        self._seen(daemon_key(meta["labels"][LABEL_DAEMON], self.settings), meta["resourceVersion"])

    def _wake(self, key: Key) -> None:
        self.queue.add(key, EVENTS_GATHER_SECONDS)

    def _tenancy_seen(self, child: Manifest) -> None:
        meta = child["metadata"]
        namespace = meta.get("namespace") or meta["name"]
        self.shared.tenancy.forget(namespace)
        self.queue.add(Key(TENANCY, "", namespace), EVENTS_GATHER_SECONDS)

    async def _wake_one(self, key: Key, failures: int) -> Result:
        """Any one service of a namespace mends what all of it share."""
        ours = key.name.startswith(TENANT_NAMESPACE_PREFIX)
        home = self.settings.tenants_namespace if ours else key.name
        async for page in self.kube.pages(kinds.INK_SERVICE, home):
            for item in page:
                if not is_deleting(item) and key.name in used_namespaces([item], self.settings):
                    self.queue.add(Key(kinds.INK_SERVICE.kind, home, item["metadata"]["name"]))
                    return Result()
        return Result()

    async def _keep_keys(self) -> None:
        """Keys to seal to are there and published, also after somebody removed them."""
        while True:
            try:
                await self.sealing.ensure()
                await asyncio.sleep(self.settings.resync_seconds)
            except InkError as error:
                log.warning("the sealing keys: %s", error)
                await asyncio.sleep(5.0)

    async def _resync(self) -> None:
        """Look at everything once an interval, spread over it, and soon after a gap in the watches.

        What no event told of heals by then; and what failed while the API server was away need not wait any longer.
        """
        spread = 0.0
        await self._watching.wait()
        while True:
            try:
                await self._sweep(spread)
            except InkError as error:
                log.warning("looking at everything: %s", error)
                await asyncio.sleep(5.0)
                continue
            spread = self.settings.resync_seconds
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.settings.resync_seconds):
                    await self._gap.wait()
                spread = GAP_SPREAD_SECONDS
                await asyncio.sleep(GAP_SECONDS)
                self._gap.clear()

    async def _sweep(self, spread_seconds: float) -> None:
        used: set[str] = set()
        at_work: set[str] = set()
        # Before the services: whoever holds a claim that is listed here is there by then, or gone for good.
        claims = await self._claims()
        for scope in self.store.scopes:
            if scope != SERVICES:
                async for _page in filling(self.store, scope, self.kube):
                    continue
        # What was listed just now is no news any more when its event comes.
        self.shared.tenancy.clear()
        for kind in (kinds.INK_SERVICE, kinds.INK_RESOURCE, kinds.INK_DOMAIN):
            pages = filling(self.store, SERVICES, self.kube) if kind == kinds.INK_SERVICE else self.kube.pages(kind)
            async for page in pages:
                for item in page:
                    claims.pop(item["metadata"]["uid"], None)
                    key = Key(kind.kind, item["metadata"]["namespace"], item["metadata"]["name"])
                    self.queue.add(key, random.uniform(0.0, spread_seconds))  # noqa: S311 - spreads load, guards nothing
                if kind == kinds.INK_SERVICE:
                    used |= used_namespaces(page, self.settings)
                    at_work |= used_daemons(page, self.settings)
        for item in await self.kube.list(kinds.NAMESPACE, "", f"{LABEL_MANAGED_BY}={MANAGED_BY}"):
            if item["metadata"]["name"] not in used:
                self.queue.add(Key(kinds.NAMESPACE.kind, "", item["metadata"]["name"]))
        for name in chain.from_iterable(claims.values()):
            self.queue.add(claim_key(name, self.settings))
        await self._look_at_daemons(at_work)

    async def _look_at_daemons(self, used: set[str]) -> None:
        """Those of tenants that are there may rest; the others go."""
        settings = self.settings
        if settings.buildkit_shared:
            return
        for item in await self.kube.list(kinds.STATEFUL_SET, settings.buildkit_namespace, DAEMONS):
            name = item["metadata"]["name"]
            self.queue.add(daemon_key(name, settings) if name in used else left_key(name, settings))

    async def _claims(self) -> dict[str, list[str]]:
        """Names of all claims of hosts, by the uid of the service that holds them; "" for those that are only kept."""
        found: dict[str, list[str]] = {}
        try:
            async for page in self.kube.pages(kinds.CONFIG_MAP, self.settings.namespace, CLAIMS):
                for item in page:
                    found.setdefault(labels_of(item).get(LABEL_OWNER_UID, ""), []).append(item["metadata"]["name"])
        except InkError as error:
            # Services are looked at all the same; old claims can wait for the next time.
            log.warning("the claims of hosts: %s", error)
            return {}
        return found
