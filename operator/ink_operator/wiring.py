"""The only place that constructs clients: joins settings, clients, queue and reconcilers into one process."""

import asyncio
import socket
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial

import aiohttp
from kubernetes.aio.client.configuration import Configuration

from ink_operator.buildkitd import reconcile as buildkitd
from ink_operator.clients.cached import CachedCluster
from ink_operator.clients.certificates import Issuer
from ink_operator.clients.kube import Kube, MetadataOnly
from ink_operator.clients.prober import HttpProber
from ink_operator.clients.registry import RegistryClient
from ink_operator.clients.resolver import ResolverClient
from ink_operator.clients.sealing import KeyRing
from ink_operator.clients.tokens import TokenMint
from ink_operator.clients.verdicts import RegistryVerdicts
from ink_operator.core import keys, kinds
from ink_operator.core.keys import Result
from ink_operator.core.memo import Memo, Shared
from ink_operator.core.object_cache import ObjectCache
from ink_operator.core.objects import Key, Ref
from ink_operator.housekeeping import empty_namespaces, reserved_hosts
from ink_operator.inkdomain.reconcile import InkDomainController
from ink_operator.inkresource.reconcile import InkResourceController
from ink_operator.inkservice.reconcile import InkServiceController
from ink_operator.ports import Ports
from ink_operator.runtime.events import KubernetesEventRecorder
from ink_operator.runtime.informer import inform
from ink_operator.runtime.lease import Lease, LeaseGuard
from ink_operator.runtime.metrics import PrometheusMetrics
from ink_operator.runtime.queue import Queue
from ink_operator.runtime.references import ReferenceWatcher
from ink_operator.settings import Settings
from ink_operator.triggers.kinds import watch_kinds
from ink_operator.triggers.resync import Resync
from ink_operator.triggers.routing import Router
from ink_operator.triggers.watches import cached_scopes, watches

LEASE_NAME = "ink-operator"
LONGEST_BUILD_SECONDS = 3600
CREDENTIAL_SECONDS = LONGEST_BUILD_SECONDS + 300
"""Credentials of a build outlive the longest build."""
TENANCY_SECONDS = 60.0
"""How long the shared objects of a namespace are cached; the operator's own writes count at once."""
Reconciler = Callable[[Key, int], Awaitable[Result]]


class Operator:
    """One process. `lead` runs everything that only the lease's holder may do."""

    def __init__(self, settings: Settings, configuration: Configuration, session: aiohttp.ClientSession) -> None:
        self.settings = settings
        self.metrics = PrometheusMetrics()
        self.guard = LeaseGuard()
        self.kube = Kube(configuration, self.guard, self.metrics)
        self.queue = Queue(self._reconcile, self.metrics, settings.workers)
        self.shared = Shared(Memo(TENANCY_SECONDS), Memo(settings.resync_seconds), asyncio.Lock())
        cache = ObjectCache(cached_scopes(settings))
        self.router = Router(self.kube, cache, self.queue, self.shared, settings)
        self.resync = Resync(self.kube, cache, self.queue, self.shared, settings)
        identity = f"{socket.gethostname()}-{uuid.uuid4().hex[:8]}"
        lease = Ref(kinds.LEASE, settings.namespace, LEASE_NAME)
        self.lease = Lease(self.kube, self.guard, lease, identity, settings.lease_seconds)
        self.events = KubernetesEventRecorder(self.kube)
        self.references = ReferenceWatcher(MetadataOnly(self.kube), self.router.wake)
        self.sealing = KeyRing(self.kube, settings.namespace, settings.sealing_keys)
        tokens = TokenMint(settings.secrets, CREDENTIAL_SECONDS)
        registry = RegistryClient(session, settings.registry, settings.registry_insecure, tokens, self.guard)
        self.verdicts = RegistryVerdicts(registry, self.queue)
        self.ports = Ports(
            cluster=CachedCluster(self.kube, cache),
            heads=ResolverClient(session, settings.resolver_url, settings.poll_seconds),
            registry=registry,
            verdicts=self.verdicts,
            tokens=tokens,
            certificates=Issuer(settings.secrets.buildkit_seed, CREDENTIAL_SECONDS),
            sealing=self.sealing,
            prober=HttpProber(session, settings.traefik_url),
            wakeups=self.queue,
            references=self.references,
            metrics=self.metrics,
            events=self.events,
        )
        self._reconcilers = self._make_reconcilers()

    def _make_reconcilers(self) -> dict[str, Reconciler]:
        """By the kind of key; the second argument is the number of failed passes before this one."""
        ports, shared, settings = self.ports, self.shared, self.settings

        def now() -> datetime:
            return datetime.now(UTC)

        return {
            kinds.INK_SERVICE.kind: InkServiceController(ports, settings, shared).reconcile,
            kinds.INK_RESOURCE.kind: InkResourceController(ports).reconcile,
            kinds.INK_DOMAIN.kind: InkDomainController(ports).reconcile,
            keys.TENANCY: lambda key, _: self.router.wake_any_service(key),
            kinds.NAMESPACE.kind: lambda key, _: empty_namespaces.reconcile_namespace(key, ports, settings, now()),
            kinds.CONFIG_MAP.kind: lambda key, _: reserved_hosts.reconcile_claim(key, ports, settings, now()),
            kinds.STATEFUL_SET.kind: lambda key, _: buildkitd.reconcile_buildkitd(key, ports, shared, settings, now()),
            keys.ORPHANED_BUILDKITD: lambda key, _: buildkitd.reconcile_orphaned_buildkitd(
                key, ports, shared, settings
            ),
        }

    async def _reconcile(self, key: Key, failures: int) -> Result:
        return await self._reconcilers[key.kind](key, failures)

    async def lead(self, stop: asyncio.Event, take_signals: Callable[[], None]) -> None:
        """Watch and reconcile until `stop` is set. Raises LeaseLost, in an exception group, if the lease is lost.

        kopf installs its own signal handlers when it starts, and waits for other tasks when it stops. So the signals
        are taken back with `take_signals`, and kopf is cancelled with the rest.
        """
        self.metrics.leader.set(1)
        started = asyncio.Event()
        work = {
            "lease": self.lease.keep(),
            "queue": self.queue.run(),
            "events": self.events.run(),
            "verdicts": self.verdicts.run(),
            "references": self.references.run(),
            "resync": self.resync.run(),
            "sealing keys": self.sealing.run(self.settings.resync_seconds),
            "kopf": watch_kinds(self.router.on_kind_event, self.resync.all_watching, started),
        }
        for watch in watches(self.settings):
            begun = partial(self.resync.on_watch_started, watch.scope)
            name = f"watch {watch.scope.kind.plural} {watch.scope.namespace}"
            work[name] = inform(self.kube, self.router.subscription(watch), begun)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(coroutine, name=name) for name, coroutine in work.items()]
            until_started = asyncio.create_task(started.wait())
            until_stop = asyncio.create_task(stop.wait())
            await asyncio.wait({until_started, until_stop}, return_when=asyncio.FIRST_COMPLETED)
            take_signals()
            await until_stop
            for task in (*tasks, until_started):
                task.cancel()
