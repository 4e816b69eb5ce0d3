"""The only place that constructs clients: joins settings, clients, queue and reconcilers into one process."""

import asyncio
import logging
import random
import socket
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

import aiohttp
import kopf
from ink_api.group import LABEL_COMPONENT, LABEL_MANAGED_BY, LABEL_SERVICE, MANAGED_BY
from kubernetes.aio.client.configuration import Configuration

from ink_operator import handlers
from ink_operator.clients.kube import Kube
from ink_operator.clients.prober import HttpProber
from ink_operator.clients.registry import RegistryClient
from ink_operator.clients.resolver import ResolverClient
from ink_operator.clients.sealing import KeyRing
from ink_operator.clients.tokens import TokenMint
from ink_operator.core.errors import InkError
from ink_operator.core.memo import Memo
from ink_operator.core.objects import (
    CONTROLLER_REVISION,
    DEPLOYMENT,
    INGRESS,
    INK_DOMAIN,
    INK_RESOURCE,
    INK_SERVICE,
    JOB,
    LEASE,
    NAMESPACE,
    POD,
    Key,
    Manifest,
    Ref,
)
from ink_operator.core.result import Result
from ink_operator.inkdomain.reconcile import reconcile as reconcile_domain
from ink_operator.inkresource.reconcile import reconcile as reconcile_resource
from ink_operator.inkservice.empty_namespace import reconcile_namespace, used_namespaces
from ink_operator.inkservice.reconcile import reconcile as reconcile_service
from ink_operator.ports import Ports
from ink_operator.runtime.events import EventWriter
from ink_operator.runtime.informer import Watched, inform
from ink_operator.runtime.lease import Guard, Lease
from ink_operator.runtime.metrics import Metrics
from ink_operator.runtime.queue import Queue
from ink_operator.settings import Settings

log = logging.getLogger(__name__)
LEASE_NAME = "ink-operator"
TOKEN_SLACK_SECONDS = 300
"""Build tokens live as long as the longest build and this."""
LONGEST_BUILD_SECONDS = 3600
TENANCY_TRUSTED_SECONDS = 60.0
"""For so long the set-up of a namespace is not read again; its own writes are seen at once."""
EVENTS_GATHER_SECONDS = 0.03
"""Changes come in bursts: a pass that waits a moment sees them all."""


class Operator:
    """One process. `lead` runs everything that only the lease's holder may do."""

    def __init__(self, settings: Settings, configuration: Configuration, session: aiohttp.ClientSession) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.guard = Guard()
        self.kube = Kube(configuration, self.guard, self.metrics)
        self.queue = Queue(self._reconcile, self.metrics, settings.workers)
        self.events = EventWriter(self.kube)
        identity = f"{socket.gethostname()}-{uuid.uuid4().hex[:8]}"
        lease = Ref(LEASE, settings.namespace, LEASE_NAME)
        self.lease = Lease(self.kube, self.guard, lease, identity, settings.lease_seconds)
        tokens = TokenMint(settings.secrets, LONGEST_BUILD_SECONDS + TOKEN_SLACK_SECONDS)
        self.sealing = KeyRing(self.kube, settings.namespace, settings.sealing_keys)
        self.ports = Ports(
            cluster=self.kube,
            heads=ResolverClient(session, settings.resolver_url, settings.poll_seconds),
            registry=RegistryClient(session, settings.registry, settings.registry_insecure, tokens),
            tokens=tokens,
            sealing=self.sealing,
            prober=HttpProber(session, settings.traefik_url),
            wakeups=self.queue,
            meter=self.metrics,
            announcer=self.events,
            tenancy=Memo(TENANCY_TRUSTED_SECONDS),
            build_gate=asyncio.Lock(),
        )
        self._reconcilers: dict[str, Callable[[Key, int], Awaitable[Result]]] = {
            INK_SERVICE.kind: lambda key, failures: reconcile_service(key, failures, self.ports, settings),
            INK_RESOURCE.kind: lambda key, failures: reconcile_resource(key, failures, self.ports, settings),
            INK_DOMAIN.kind: lambda key, failures: reconcile_domain(key, failures, self.ports, settings),
            NAMESPACE.kind: lambda key, failures: reconcile_namespace(key, self.ports, settings, datetime.now(UTC)),
        }

    async def _reconcile(self, key: Key, failures: int) -> Result:
        return await self._reconcilers[key.kind](key, failures)

    async def lead(self, stop: asyncio.Event, take_signals: Callable[[], None]) -> None:
        """Watch and reconcile until `stop` is set. Raises LeaseLost, in a group, when it may not go on.

        kopf takes the process' signals when it starts, and at its end waits for tasks that are not its own. So the
        signals are taken back with `take_signals`, and kopf is cancelled with the rest.
        """
        self.metrics.leader.set(1)
        watching = asyncio.Event()
        watch = kopf.operator(
            registry=handlers.make_registry(lambda key: self.queue.add(key, EVENTS_GATHER_SECONDS)),
            settings=handlers.make_settings(),
            standalone=True,
            clusterwide=True,
            ready_flag=watching,
        )
        async with asyncio.TaskGroup() as group:
            tasks: list[asyncio.Task[None]] = [
                group.create_task(work, name=name)
                for name, work in (
                    ("lease", self.lease.keep()),
                    ("queue", self.queue.run()),
                    ("events", self.events.run()),
                    ("resync", self._resync()),
                    ("sealing keys", self._keep_keys()),
                    ("kopf", _for_ever(watch)),
                    *self._informers(),
                )
            ]
            await watching.wait()
            take_signals()
            await stop.wait()
            for task in tasks:
                task.cancel()

    def _informers(self) -> list[tuple[str, Coroutine[Any, Any, None]]]:
        ours = f"{LABEL_SERVICE}"
        builds = f"{LABEL_COMPONENT}=build"
        watched = (
            (JOB, self.settings.builds_namespace, builds),
            (POD, self.settings.builds_namespace, builds),
            (POD, "", f"{ours},{LABEL_COMPONENT} in (app,release)"),
            (DEPLOYMENT, "", ours),
            (CONTROLLER_REVISION, "", ours),
            (INGRESS, "", ours),
        )
        return [
            (f"watch {kind.plural} {namespace}", inform(self.kube, Watched(kind, namespace, labels), self._child_seen))
            for kind, namespace, labels in watched
        ]

    def _child_seen(self, event: str, child: Manifest) -> None:
        key = handlers.owner_key(child)
        if key is not None and event != "LISTED":
            self.queue.add(key, EVENTS_GATHER_SECONDS)

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
        """Look at everything once an interval, spread over it: what no event told of heals by then."""
        first = True
        while True:
            try:
                await self._sweep(0.0 if first else self.settings.resync_seconds)
                first = False
                await asyncio.sleep(self.settings.resync_seconds)
            except InkError:
                await asyncio.sleep(5.0)

    async def _sweep(self, spread_seconds: float) -> None:
        for kind in (INK_SERVICE, INK_RESOURCE, INK_DOMAIN):
            for item in await self.kube.list(kind):
                meta = item["metadata"]
                key = Key(kind.kind, meta["namespace"], meta["name"])
                self.queue.add(key, random.uniform(0.0, spread_seconds))  # noqa: S311 - spreads load, guards nothing
        services = await self.kube.list(INK_SERVICE, self.settings.tenants_namespace)
        used = used_namespaces(services, self.settings)
        for item in await self.kube.list(NAMESPACE, "", f"{LABEL_MANAGED_BY}={MANAGED_BY}"):
            if item["metadata"]["name"] not in used:
                self.queue.add(Key(NAMESPACE.kind, "", item["metadata"]["name"]))


async def _for_ever(work: Awaitable[None]) -> None:
    """Work that must not end by itself: its silent end would leave an operator that sees nothing."""
    await work
    raise RuntimeError("kopf ended by itself")
