"""Starts a tenant's buildkitd for a build, stops it after some idle time, and removes it with its tenant.

All of this holds the lock under which builds start, so that no buildkitd stops when a build is about to start.
"""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from ink_api.group import COMPONENT_DAEMON, LABEL_COMPONENT, LABEL_DAEMON
from ink_api.names import ServiceIdentity, identity_of

from ink_operator.buildkitd import decide
from ink_operator.buildkitd.desired import TenantBuildkitd, buildkitd_from, buildkitd_of
from ink_operator.core import build_jobs, kinds
from ink_operator.core.keys import Result, buildkitd_key
from ink_operator.core.memo import Shared
from ink_operator.core.objects import Key, Manifest, Ref, is_deleting, labels_of
from ink_operator.ports import Pair, Ports
from ink_operator.settings import Settings

log = logging.getLogger(__name__)
SELECTOR = f"{LABEL_COMPONENT}={COMPONENT_DAEMON}"
FIRST_CHECK_SECONDS = 60.0


async def start_buildkitd(
    identity: ServiceIdentity, jobs: Iterable[Manifest], ports: Ports, settings: Settings
) -> Pair:
    """Start the tenant's buildkitd; returns the client certificate for the build. The caller holds `build_gate`.

    `jobs`: Jobs of other running builds.
    """
    daemon = buildkitd_of(identity, settings)
    busy = any(labels_of(job).get(LABEL_DAEMON) == daemon.name for job in jobs)
    seen = await _observe(daemon.name, busy, ports, settings)
    await _write(daemon, seen, decide.DesiredState(), ports, settings)
    if not seen.runs:
        log.info("starting the buildkitd %s of %s", daemon.name, daemon.tenant_id)
    check_seconds = min(FIRST_CHECK_SECONDS, settings.buildkit_idle_seconds)
    ports.wakeups.add(buildkitd_key(daemon.name, settings.buildkit_namespace), check_seconds)
    return ports.certificates.client(daemon.tenant_id)


async def reconcile_buildkitd(key: Key, ports: Ports, shared: Shared, settings: Settings, now: datetime) -> Result:
    """Keep a buildkitd in its desired state while no new build starts: it runs, idles, or stops."""
    async with shared.build_gate:
        seen = await _observe(key.name, await _is_busy(key.name, ports, settings), ports, settings)
        if seen.workload is None or is_deleting(seen.workload):
            return Result()
        desired = decide.decide_idle(seen, settings, now)
        await _write(buildkitd_from(seen.workload), seen, desired, ports, settings)
        if seen.runs and not desired.running:
            log.info("stopping the buildkitd %s: it has been idle for %.0f s", key.name, settings.buildkit_idle_seconds)
        return Result(desired.requeue_after_seconds)


async def reconcile_orphaned_buildkitd(key: Key, ports: Ports, shared: Shared, settings: Settings) -> Result:
    """Remove the buildkitd of a tenant that no longer has services; its volume is deleted with the StatefulSet."""
    async with shared.build_gate:
        workload = await ports.cluster.get(Ref(kinds.STATEFUL_SET, key.namespace, key.name))
        if workload is None or is_deleting(workload):
            return Result()
        home = buildkitd_from(workload).home
        if key.name in buildkitds_in_use(await ports.cluster.list(kinds.INK_SERVICE, home), settings):
            return Result()
        # The StatefulSet is deleted last: the rest is found through it.
        for kind in (kinds.SERVICE, kinds.NETWORK_POLICY, kinds.SECRET):
            ref = Ref(kind, key.namespace, key.name)
            if await ports.cluster.get(ref) is not None:
                await ports.cluster.delete(ref)
        ref = Ref(kinds.STATEFUL_SET, key.namespace, key.name)
        await ports.cluster.delete(ref, uid=workload["metadata"]["uid"])
        log.info("removed the buildkitd %s: its tenant has no services any more", key.name)
        return Result()


def buildkitds_in_use(services: Iterable[Manifest], settings: Settings) -> frozenset[str]:
    """Names of the buildkitds of these services' tenants."""
    used = set()
    for service in services:
        meta = service["metadata"]
        try:
            identity = identity_of(meta["namespace"], meta["name"], settings.tenants_namespace)
        except ValueError:
            continue
        if not is_deleting(service):
            used.add(buildkitd_of(identity, settings).name)
    return frozenset(used)


async def _observe(name: str, busy: bool, ports: Ports, settings: Settings) -> decide.ObservedBuildkitd:
    parts = (kinds.STATEFUL_SET, kinds.SECRET, kinds.NETWORK_POLICY, kinds.SERVICE)
    workload, secret, policy, service = await asyncio.gather(
        *(ports.cluster.get(Ref(kind, settings.buildkit_namespace, name)) for kind in parts)
    )
    return decide.ObservedBuildkitd(workload, secret, policy, service, busy=busy)


async def _is_busy(name: str, ports: Ports, settings: Settings) -> bool:
    selector = f"{LABEL_COMPONENT}={build_jobs.COMPONENT},{LABEL_DAEMON}={name}"
    jobs, pods = await asyncio.gather(
        *(ports.cluster.list(k, settings.builds_namespace, selector) for k in (kinds.JOB, kinds.POD))
    )
    ended = build_jobs.ended_jobs(pods)
    return any(build_jobs.holds_place(job, ended) for job in jobs)


async def _write(
    daemon: TenantBuildkitd,
    seen: decide.ObservedBuildkitd,
    desired: decide.DesiredState,
    ports: Ports,
    settings: Settings,
) -> None:
    seen = replace(seen, authority=ports.certificates.authority(daemon.tenant_id))
    renew = desired.running and decide.needs_certificate(seen, datetime.now(UTC))
    fresh = ports.certificates.server(daemon.tenant_id, (daemon.host(settings),)) if renew else None
    for manifest in decide.writes(daemon, seen, fresh, desired, settings):
        await ports.cluster.apply(manifest)
