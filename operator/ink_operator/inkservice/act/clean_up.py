"""Deletion: everything outside the CR's own namespace, and what its owner reference does not cover.

Never blocks forever: after `cleanup_deadline_seconds`, and some failed passes, it skips what does not answer or may not
be deleted, and logs it. docs/operations.md says what is left behind then, and what to do if no operator runs.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial

from ink_api import group
from ink_api.inkservice import InkService

from ink_operator.buildkitd.desired import buildkitd_of
from ink_operator.core import errors, keys, kinds, objects, times
from ink_operator.core.memo import Shared
from ink_operator.inkservice import model, names
from ink_operator.inkservice.act.builds import wake_queued
from ink_operator.inkservice.act.effects import release_host
from ink_operator.inkservice.facts import ownership
from ink_operator.inkservice.facts.source import repository_of
from ink_operator.ports import Ports

log = logging.getLogger(__name__)
RETRY_SECONDS = 1.0
MAX_FAILED_PASSES = 3
"""Failed passes in a row before anything is left behind: after a long downtime deletions are already overdue, and the
first error may be temporary."""


async def clean_up(
    context: model.ServiceContext, ports: Ports, shared: Shared, *, failures: int, now: datetime
) -> float | None:
    """One step of the deletion. Returns the seconds until the next step, None when nothing is left."""
    service, settings = context.service, context.settings
    overdue = (times.seconds_since(service.metadata.deletion_timestamp, now) or 0) > settings.cleanup_deadline_seconds
    give_up = overdue and failures >= MAX_FAILED_PASSES
    busy = [await _step(partial(step, context, ports), service, give_up) for step in (_remove_workload, _remove_builds)]
    if any(busy) and not overdue:
        return RETRY_SECONDS
    await _step(partial(_remove_images, context, ports), service, give_up)
    await _step(partial(_release_claims, context, ports, now), service, give_up)
    if not context.is_gateway_managed:
        await _step(partial(_leave_namespace, context, ports, shared), service, give_up)
    return None


def wake_housekeeping(context: model.ServiceContext, ports: Ports) -> None:
    """The project's namespace may be empty now, and the tenant's buildkitd may be unused."""
    if context.is_gateway_managed:
        ports.wakeups.add(keys.namespace_key(context.identity.namespace))
    if not context.settings.buildkit_shared:
        daemon = buildkitd_of(context.identity, context.settings)
        ports.wakeups.add(keys.orphaned_buildkitd_key(daemon.name, context.settings.buildkit_namespace))


async def _step(step: Callable[[], Awaitable[int]], service: InkService, give_up: bool) -> int:
    """One part of the deletion. Failures raise, so that it is retried; with `give_up` they are only logged."""
    try:
        return await step()
    except errors.NotRenewed:
        raise
    except errors.InkError as error:
        if not give_up:
            raise
        log.warning("%s is being deleted, but something is left behind: %s", names.owner_of(service), error)
        return 0


async def _remove_workload(context: model.ServiceContext, ports: Ports) -> int:
    """Route first, then pods. Returns how many objects still existed."""
    service, identity, space = context.service, context.identity, context.identity.namespace
    if not ownership.grants(
        await ports.cluster.get(objects.Ref(kinds.ROLE_BINDING, space, names.OPERATOR_GRANT)), context.settings
    ):
        return 0
    refs = [
        objects.Ref(kind, space, identity.name)
        for kind in (kinds.INGRESS, kinds.HORIZONTAL_POD_AUTOSCALER, kinds.DEPLOYMENT, kinds.CRON_JOB, kinds.SERVICE)
    ]
    refs.append(objects.Ref(kinds.SECRET, space, names.env_secret(identity)))
    found = [
        (ref, live)
        for ref, live in zip(refs, await asyncio.gather(*map(ports.cluster.get, refs)), strict=True)
        if live is not None and ownership.is_ours(live, service.metadata.uid)
    ]
    selector = names.owner_selector(service)
    for claim in await ports.cluster.list(
        kinds.PERSISTENT_VOLUME_CLAIM, space, f"{selector},{group.LABEL_COMPONENT}={names.VOLUME}"
    ):
        # The others have data that must outlive the service; a new service with its name uses them again.
        if ownership.is_to_be_deleted(claim) or objects.is_deleting(claim):
            found.append((objects.Ref(kinds.PERSISTENT_VOLUME_CLAIM, space, claim["metadata"]["name"]), claim))
    for kind in (kinds.JOB, kinds.CONTROLLER_REVISION):
        items = await ports.cluster.list(kind, space, selector)
        found += [(objects.Ref(kind, space, live["metadata"]["name"]), live) for live in items]
    for ref, live in found:
        if not objects.is_deleting(live):
            await ports.cluster.delete(ref, uid=live["metadata"]["uid"])
    return len(found)


async def _remove_builds(context: model.ServiceContext, ports: Ports) -> int:
    """Jobs, their pods and Secrets. Images are deleted only once no build can push any more."""
    space, selector = context.settings.builds_namespace, names.owner_selector(context.service)
    jobs, pods, secrets = await asyncio.gather(
        *(ports.cluster.list(kind, space, selector) for kind in (kinds.JOB, kinds.POD, kinds.SECRET))
    )
    for kind, items in ((kinds.JOB, jobs), (kinds.SECRET, secrets)):
        for live in items:
            if not objects.is_deleting(live):
                await ports.cluster.delete(
                    objects.Ref(kind, space, live["metadata"]["name"]), uid=live["metadata"]["uid"]
                )
    if jobs:
        await wake_queued(ports, context.settings)
    return len(jobs) + len(pods)


async def _remove_images(context: model.ServiceContext, ports: Ports) -> int:
    await ports.registry.delete_repository(repository_of(context.identity))
    return 0


async def _release_claims(context: model.ServiceContext, ports: Ports, now: datetime) -> int:
    """Its hosts stay reserved for the tenant for a while: nobody else can take over a URL that was just released."""
    settings, selector = context.settings, names.owner_selector(context.service)
    for claim in await ports.cluster.list(kinds.CONFIG_MAP, settings.namespace, selector):
        await release_host(ownership.release(claim["metadata"]["name"], settings, now), ports)
    return 0


async def _leave_namespace(context: model.ServiceContext, ports: Ports, shared: Shared) -> int:
    """In an owner's namespace, the last service takes the policies and the operator's grant with it."""
    uid, space = context.service.metadata.uid, context.identity.namespace
    others = await ports.cluster.list(kinds.INK_SERVICE, space)
    if any(o["metadata"]["uid"] != uid and not objects.is_deleting(o) for o in others):
        return 0
    grant = await ports.cluster.get(objects.Ref(kinds.ROLE_BINDING, space, names.OPERATOR_GRANT))
    if not ownership.grants(grant, context.settings):
        return 0
    shared.tenancy.forget(space)
    for live in await ports.cluster.list(kinds.NETWORK_POLICY, space):
        if live["metadata"]["name"] in names.POLICIES and ownership.is_made_by_ink(live):
            await ports.cluster.delete(objects.ref_of(live), uid=live["metadata"]["uid"])
    # Last, because it removes the operator's own rights here. If that is forbidden, it stays and does no harm.
    with contextlib.suppress(errors.Forbidden):
        await ports.cluster.delete(objects.Ref(kinds.ROLE_BINDING, space, names.OPERATOR_GRANT))
    return 0
