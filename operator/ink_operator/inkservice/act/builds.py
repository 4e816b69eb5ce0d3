"""Starts, queues, records and wakes builds."""

import json
import logging

from ink_api import group

from ink_operator.buildkitd.desired import buildkitd_of
from ink_operator.buildkitd.reconcile import start_buildkitd
from ink_operator.core import build_jobs, errors, keys, kinds, objects
from ink_operator.core.memo import Shared
from ink_operator.core.plan import Failure
from ink_operator.inkservice import model, names
from ink_operator.inkservice.desired.buildjob import BUILD_SECRETS, CLIENT_KEYS, make_job, make_secret
from ink_operator.inkservice.facts import builds, ownership
from ink_operator.inkservice.observe.source import credentials_of
from ink_operator.ports import Pair, Ports
from ink_operator.settings import Settings

log = logging.getLogger(__name__)


async def start_build(context: model.ServiceContext, start: model.StartBuild, ports: Ports, shared: Shared) -> None:
    """Start one attempt if it is its turn; otherwise leave it in the queue.

    The Secret is created before a running Job, so that its pod never waits for it; the owner reference follows. Both
    are named after the build, so a repetition finds its own work.
    """
    space, name = context.settings.builds_namespace, names.build_job(start.plan.key, start.number)
    selector = f"{group.LABEL_COMPONENT}={names.BUILD}"
    async with shared.build_gate:
        jobs = await ports.cluster.list(kinds.JOB, space, selector)
        pods = await ports.cluster.list(kinds.POD, space, selector)
        live = next((job for job in jobs if job["metadata"]["name"] == name), None)
        if live is not None and not ownership.is_ours(live, context.service.metadata.uid):
            await ports.cluster.delete(objects.Ref(kinds.JOB, space, name), uid=live["metadata"]["uid"])
            raise errors.Transient(
                "a build of a deleted service with this name is still being removed", retry_after_seconds=1.0
            )
        ended = build_jobs.ended_jobs(pods)
        go = build_jobs.may_start(
            jobs,
            ended,
            name,
            context.identity.tenant,
            places=context.settings.build_concurrency,
            per_tenant=context.settings.build_concurrency_per_tenant,
        )
        if live is not None and not (go and live["spec"].get("suspend")):
            return
        if not go:
            await _create_job(context, start, ports, suspend=True)
            return
        others = [j for j in jobs if build_jobs.holds_place(j, ended) and j["metadata"]["name"] != name]
        secrets = await _secrets(context, start, others, ports)
        uid = live["metadata"]["uid"] if live is not None else None
        await ports.cluster.apply(make_secret(context, start, secrets, uid))
        if live is not None:
            await ports.cluster.merge_patch(objects.Ref(kinds.JOB, space, name), {"spec": {"suspend": False}})
            return
        uid = await _create_job(context, start, ports, suspend=False)
        await ports.cluster.apply(make_secret(context, start, secrets, uid))


async def _create_job(context: model.ServiceContext, start: model.StartBuild, ports: Ports, *, suspend: bool) -> str:
    job = make_job(context, start, suspend=suspend)
    try:
        created = await ports.cluster.create(job)
    except errors.AlreadyExists:
        raise errors.Transient(f"the build {job['metadata']['name']} already exists", retry_after_seconds=0.5) from None
    meta, what = context.service.metadata, "queued" if suspend else "started"
    log.info("build %s of %s/%s %s", job["metadata"]["name"], meta.namespace, meta.name, what)
    uid: str = created["metadata"]["uid"]
    return uid


async def _secrets(
    context: model.ServiceContext, start: model.StartBuild, running: list[objects.Manifest], ports: Ports
) -> dict[str, str]:
    """Credentials, minted when the build starts and not while it queues. `running`: other builds that are running."""
    git = context.service.spec.source.git
    credentials = await credentials_of(git, context, ports) if git else (None, None)
    if isinstance(credentials, Failure):
        raise errors.Terminal(credentials.message, reason=credentials.reason)
    username, password = credentials
    client = await _client(context, running, ports)
    return {
        "INK_GIT_USERNAME": username or "",
        "INK_GIT_PASSWORD": password or "",
        "INK_REGISTRY_TOKEN": ports.tokens.registry(start.plan.repository, "pull", "push"),
        **dict(zip(CLIENT_KEYS, (client.ca, client.cert, client.key), strict=True)),
        BUILD_SECRETS: json.dumps(dict(start.secrets), sort_keys=True),
    }


async def _client(context: model.ServiceContext, running: list[objects.Manifest], ports: Ports) -> Pair:
    """The client certificate for BuildKit: the tenant's own, which is started if necessary, or the shared one."""
    if not context.settings.buildkit_shared:
        return await start_buildkitd(context.identity, running, ports, context.settings)
    known = context.settings.secrets
    return Pair(known.buildkit_ca, known.buildkit_cert, known.buildkit_key, expires="")


async def record_verdict(context: model.ServiceContext, attempt: model.Attempt, ports: Ports) -> None:
    """Store the verdict on the Job, count it, and wake queued builds and the tenant's buildkitd."""
    if attempt.verdict is None:
        return
    settings = context.settings
    patch = {"metadata": {"annotations": {group.ANNOTATION_VERDICT: builds.verdict_json(attempt.verdict)}}}
    await ports.cluster.merge_patch(objects.Ref(kinds.JOB, settings.builds_namespace, attempt.name), patch)
    ports.metrics.build_ended("ok" if attempt.verdict.ok else str(attempt.verdict.reason))
    await wake_queued(ports, settings)
    if not settings.buildkit_shared:
        daemon = buildkitd_of(context.identity, settings)
        ports.wakeups.add(keys.buildkitd_key(daemon.name, settings.buildkit_namespace))


async def wake_queued(ports: Ports, settings: Settings) -> None:
    """A build slot is free: reconcile the owners of queued builds."""
    for job in await ports.cluster.list(kinds.JOB, settings.builds_namespace, f"{group.LABEL_COMPONENT}={names.BUILD}"):
        owner = keys.owner_key(job)
        if job.get("spec", {}).get("suspend") and owner is not None:
            ports.wakeups.add(owner)
