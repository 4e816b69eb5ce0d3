"""Starts a tenant's buildkitd for a build, stops it when it has rested for long, removes it with its tenant.

All of it happens under the gate that builds start through: no daemon stops under a build that is about to begin.
"""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from ink_api.group import COMPONENT_DAEMON, LABEL_COMPONENT, LABEL_DAEMON
from ink_api.names import ServiceIdentity, identity_of

from ink_operator.buildkitd.decide import SeenDaemon, Wanted, needs_certificate, resting, writes
from ink_operator.buildkitd.desired import BUILD, Daemon, daemon_behind, daemon_of
from ink_operator.core import kinds
from ink_operator.core.objects import Key, Manifest, Ref, is_deleting, labels_of
from ink_operator.core.result import Result
from ink_operator.core.shared import Shared
from ink_operator.inkservice.facts.builds import ended_jobs, holds_place
from ink_operator.ports import Pair, Ports
from ink_operator.settings import Settings

log = logging.getLogger(__name__)
DAEMONS = f"{LABEL_COMPONENT}={COMPONENT_DAEMON}"
LEFT = "TenantLeft"
"""Name of the reconciler that removes the daemon of a tenant without services."""
FIRST_LOOK_SECONDS = 60.0


def daemon_key(name: str, settings: Settings) -> Key:
    """The key in the queue that lets a daemon rest."""
    return Key(kinds.STATEFUL_SET.kind, settings.buildkit_namespace, name)


def left_key(name: str, settings: Settings) -> Key:
    """The key in the queue that removes a daemon whose tenant has gone."""
    return Key(LEFT, settings.buildkit_namespace, name)


async def start_daemon(identity: ServiceIdentity, jobs: Iterable[Manifest], ports: Ports, settings: Settings) -> Pair:
    """The tenant's buildkitd runs, or is about to; returns what a build shows it. The caller holds the gate.

    `jobs`: those of other builds that run.
    """
    daemon = daemon_of(identity, settings)
    busy = any(labels_of(job).get(LABEL_DAEMON) == daemon.name for job in jobs)
    seen = await _seen(daemon.name, busy, ports, settings)
    await _write(daemon, seen, Wanted(), ports, settings)
    if not seen.runs:
        log.info("the buildkitd %s of %s starts", daemon.name, daemon.whose)
    ports.wakeups.add(daemon_key(daemon.name, settings), min(FIRST_LOOK_SECONDS, settings.buildkit_idle_seconds))
    return ports.certificates.client(daemon.whose)


async def reconcile_daemon(key: Key, ports: Ports, shared: Shared, settings: Settings, now: datetime) -> Result:
    """One look at a daemon that may have nothing to do."""
    async with shared.build_gate:
        seen = await _seen(key.name, await _is_busy(key.name, ports, settings), ports, settings)
        if seen.workload is None or is_deleting(seen.workload):
            return Result()
        wanted = resting(seen, settings, now)
        await _write(daemon_behind(seen.workload), seen, wanted, ports, settings)
        if seen.runs and not wanted.running:
            log.info("the buildkitd %s stops: it has built nothing for a while", key.name)
        return Result(wanted.look_after_seconds)


async def reconcile_left(key: Key, ports: Ports, shared: Shared, settings: Settings) -> Result:
    """Remove all of a daemon whose tenant has no service any more; its volume goes with the StatefulSet."""
    async with shared.build_gate:
        workload = await ports.cluster.get(Ref(kinds.STATEFUL_SET, key.namespace, key.name))
        if workload is None or is_deleting(workload):
            return Result()
        home = daemon_behind(workload).home
        if key.name in used_daemons(await ports.cluster.list(kinds.INK_SERVICE, home), settings):
            return Result()
        # Last the StatefulSet, by which the rest is found.
        for kind in (kinds.SERVICE, kinds.NETWORK_POLICY, kinds.SECRET):
            ref = Ref(kind, key.namespace, key.name)
            if await ports.cluster.get(ref) is not None:
                await ports.cluster.delete(ref)
        ref = Ref(kinds.STATEFUL_SET, key.namespace, key.name)
        await ports.cluster.delete(ref, uid=workload["metadata"]["uid"])
        log.info("the buildkitd %s is removed with its tenant's last service", key.name)
        return Result()


def used_daemons(services: Iterable[Manifest], settings: Settings) -> frozenset[str]:
    """Names of the daemons of these services' tenants."""
    used = set()
    for service in services:
        meta = service["metadata"]
        try:
            identity = identity_of(meta["namespace"], meta["name"], settings.tenants_namespace)
        except ValueError:
            continue
        if not is_deleting(service):
            used.add(daemon_of(identity, settings).name)
    return frozenset(used)


async def _seen(name: str, busy: bool, ports: Ports, settings: Settings) -> SeenDaemon:
    parts = (kinds.STATEFUL_SET, kinds.SECRET, kinds.NETWORK_POLICY, kinds.SERVICE)
    workload, secret, policy, service = await asyncio.gather(
        *(ports.cluster.get(Ref(kind, settings.buildkit_namespace, name)) for kind in parts)
    )
    return SeenDaemon(workload, secret, policy, service, busy=busy)


async def _is_busy(name: str, ports: Ports, settings: Settings) -> bool:
    mine = f"{LABEL_COMPONENT}={BUILD},{LABEL_DAEMON}={name}"
    jobs, pods = await asyncio.gather(
        *(ports.cluster.list(k, settings.builds_namespace, mine) for k in (kinds.JOB, kinds.POD))
    )
    ended = ended_jobs(pods)
    return any(holds_place(job, ended) for job in jobs)


async def _write(daemon: Daemon, seen: SeenDaemon, wanted: Wanted, ports: Ports, settings: Settings) -> None:
    seen = replace(seen, authority=ports.certificates.authority(daemon.whose))
    renew = wanted.running and needs_certificate(seen, datetime.now(UTC))
    fresh = ports.certificates.server(daemon.whose, (daemon.host(settings),)) if renew else None
    for manifest in writes(daemon, seen, fresh, wanted, settings):
        await ports.cluster.apply(manifest)
