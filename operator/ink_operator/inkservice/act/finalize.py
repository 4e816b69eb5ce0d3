"""Deletion: everything that lies outside the CR's own namespace, and what its owner reference does not reach.

Never blocks for ever: after `cleanup_deadline_seconds`, and some failed passes, it goes on without what does not answer
or may not be touched, and says so in the log. docs/operations.md says what stays behind then, and the way out when no
operator runs.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial

from ink_api.group import FINALIZER, LABEL_COMPONENT, LABEL_OWNER_UID
from ink_api.inkservice import InkService
from ink_api.names import ServiceIdentity

from ink_operator.buildkitd.desired import buildkitd_of
from ink_operator.core import kinds
from ink_operator.core.errors import Forbidden, InkError, NotRenewed
from ink_operator.core.keys import namespace_key, orphaned_buildkitd_key
from ink_operator.core.objects import Ref, is_deleting, ref_of
from ink_operator.core.result import Result
from ink_operator.core.shared import Shared
from ink_operator.core.times import seconds_since
from ink_operator.inkservice.act.carry_out import release_host, wake_queued
from ink_operator.inkservice.decide.checks import is_ours
from ink_operator.inkservice.decide.storage import is_to_go
from ink_operator.inkservice.desired.common import owner_of
from ink_operator.inkservice.desired.environment import env_name
from ink_operator.inkservice.desired.namespace import OPERATORS_GRANT, grants, is_made_by_us
from ink_operator.inkservice.desired.policy import policy_names
from ink_operator.inkservice.desired.storage import COMPONENT as VOLUME
from ink_operator.inkservice.facts.claims import release
from ink_operator.inkservice.facts.source import repository_of
from ink_operator.ports import Ports
from ink_operator.settings import Settings

log = logging.getLogger(__name__)
LOOK_SECONDS = 1.0
PATIENCE = 3
"""Failed passes in a row before anything is left behind: an operator that was away for long finds deletions that are
overdue already, and the first answer that it gets may be a hiccup."""


async def finalize(
    service: InkService,
    identity: ServiceIdentity | None,
    ports: Ports,
    shared: Shared,
    settings: Settings,
    *,
    failures: int,
    now: datetime,
) -> Result:
    """One step of the deletion. `identity` is None when the name never allowed any child."""
    if FINALIZER not in service.metadata.finalizers:
        return Result()
    if identity is not None:
        overdue = (seconds_since(service.metadata.deletion_timestamp, now) or 0) > settings.cleanup_deadline_seconds
        hopeless = overdue and failures >= PATIENCE
        steps = [
            partial(_remove_workload, service, identity, ports, settings),
            partial(_remove_builds, service, ports, settings),
        ]
        busy = [await _step(step, service, hopeless) for step in steps]
        if any(busy) and not overdue:
            return Result(LOOK_SECONDS)
        await _step(partial(_remove_images, identity, ports), service, hopeless)
        await _step(partial(_release_claims, service, ports, settings, now), service, hopeless)
        if service.metadata.namespace != settings.tenants_namespace:
            await _step(partial(_leave_namespace, service, identity, ports, shared, settings), service, hopeless)
    await _let_go(service, ports)
    if identity is not None and service.metadata.namespace == settings.tenants_namespace:
        ports.wakeups.add(namespace_key(identity.namespace))
    if identity is not None and not settings.buildkit_shared:
        ports.wakeups.add(orphaned_buildkitd_key(buildkitd_of(identity, settings).name, settings.buildkit_namespace))
    return Result()


async def _step(step: Callable[[], Awaitable[int]], service: InkService, hopeless: bool) -> int:
    """One part of the cleaning up. What fails is tried again until it is hopeless, and left behind then."""
    try:
        return await step()
    except NotRenewed:
        raise
    except InkError as error:
        if not hopeless:
            raise
        log.warning("%s is deleted, and something of it stays behind: %s", owner_of(service), error)
        return 0


async def _remove_workload(service: InkService, identity: ServiceIdentity, ports: Ports, settings: Settings) -> int:
    """Route first, then pods. Returns how many objects were still there."""
    space = identity.namespace
    if not grants(await ports.cluster.get(Ref(kinds.ROLE_BINDING, space, OPERATORS_GRANT)), settings):
        return 0
    refs = [
        Ref(kind, space, identity.name)
        for kind in (kinds.INGRESS, kinds.HORIZONTAL_POD_AUTOSCALER, kinds.DEPLOYMENT, kinds.CRON_JOB, kinds.SERVICE)
    ]
    refs.append(Ref(kinds.SECRET, space, env_name(identity)))
    found = [
        (ref, live)
        for ref, live in zip(refs, await asyncio.gather(*map(ports.cluster.get, refs)), strict=True)
        if live is not None and is_ours(live, service.metadata.uid)
    ]
    mine = f"{LABEL_OWNER_UID}={service.metadata.uid}"
    for claim in await ports.cluster.list(kinds.PERSISTENT_VOLUME_CLAIM, space, f"{mine},{LABEL_COMPONENT}={VOLUME}"):
        # The others hold data that is to outlive the service; a new one of its name takes them up again.
        if is_to_go(claim) or is_deleting(claim):
            found.append((Ref(kinds.PERSISTENT_VOLUME_CLAIM, space, claim["metadata"]["name"]), claim))
    for kind in (kinds.JOB, kinds.CONTROLLER_REVISION):
        items = await ports.cluster.list(kind, space, mine)
        found += [(Ref(kind, space, live["metadata"]["name"]), live) for live in items]
    for ref, live in found:
        if not is_deleting(live):
            await ports.cluster.delete(ref, uid=live["metadata"]["uid"])
    return len(found)


async def _remove_builds(service: InkService, ports: Ports, settings: Settings) -> int:
    """Jobs, their pods and Secrets. Images are deleted only after no build can push any more."""
    space, mine = settings.builds_namespace, f"{LABEL_OWNER_UID}={service.metadata.uid}"
    jobs, pods, secrets = await asyncio.gather(
        *(ports.cluster.list(kind, space, mine) for kind in (kinds.JOB, kinds.POD, kinds.SECRET))
    )
    for kind, items in ((kinds.JOB, jobs), (kinds.SECRET, secrets)):
        for live in items:
            if not is_deleting(live):
                await ports.cluster.delete(Ref(kind, space, live["metadata"]["name"]), uid=live["metadata"]["uid"])
    if jobs:
        await wake_queued(ports, settings)
    return len(jobs) + len(pods)


async def _remove_images(identity: ServiceIdentity, ports: Ports) -> int:
    await ports.registry.delete_repository(repository_of(identity))
    return 0


async def _release_claims(service: InkService, ports: Ports, settings: Settings, now: datetime) -> int:
    """Its hosts stay the tenant's for a while: nobody takes over an address that a service has just given up."""
    mine = f"{LABEL_OWNER_UID}={service.metadata.uid}"
    for claim in await ports.cluster.list(kinds.CONFIG_MAP, settings.namespace, mine):
        await release_host(release(claim["metadata"]["name"], settings, now), ports)
    return 0


async def _leave_namespace(
    service: InkService, identity: ServiceIdentity, ports: Ports, shared: Shared, settings: Settings
) -> int:
    """In an owner's namespace the policies and the operator's grant go with the last service."""
    others = await ports.cluster.list(kinds.INK_SERVICE, identity.namespace)
    if any(o["metadata"]["uid"] != service.metadata.uid and not is_deleting(o) for o in others):
        return 0
    grant = await ports.cluster.get(Ref(kinds.ROLE_BINDING, identity.namespace, OPERATORS_GRANT))
    if not grants(grant, settings):
        return 0
    shared.tenancy.forget(identity.namespace)
    for live in await ports.cluster.list(kinds.NETWORK_POLICY, identity.namespace):
        if live["metadata"]["name"] in policy_names() and is_made_by_us(live):
            await ports.cluster.delete(ref_of(live), uid=live["metadata"]["uid"])
    # Last, as it takes the operator's own rights here away. Without the right to do that it stays, and harms nothing.
    with contextlib.suppress(Forbidden):
        await ports.cluster.delete(Ref(kinds.ROLE_BINDING, identity.namespace, OPERATORS_GRANT))
    return 0


async def _let_go(service: InkService, ports: Ports) -> None:
    meta = service.metadata
    rest = [name for name in meta.finalizers if name != FINALIZER]
    patch = {"metadata": {"finalizers": rest, "resourceVersion": meta.resource_version}}
    await ports.cluster.merge_patch(Ref(kinds.INK_SERVICE, meta.namespace, meta.name), patch)
