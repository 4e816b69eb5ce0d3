"""The writes of one pass, in order. Each is safe to repeat; the process may end between any two."""

import json
import logging
from collections.abc import Iterable

from ink_api.group import ANNOTATION_OWNER, ANNOTATION_VERDICT, LABEL_COMPONENT, LABEL_OWNER_UID
from ink_api.reasons import Reason

from ink_operator.buildkitd.desired import buildkitd_of
from ink_operator.buildkitd.reconcile import start_buildkitd
from ink_operator.core import kinds
from ink_operator.core.build_jobs import COMPONENT, ended_jobs, holds_place, may_start
from ink_operator.core.effects import Apply, Create, Delete, HandOver, MergePatch
from ink_operator.core.errors import AlreadyExists, Terminal, Transient
from ink_operator.core.keys import buildkitd_key, claim_key
from ink_operator.core.objects import Key, Manifest, Ref, annotations_of, is_deleting, labels_of, ref_of
from ink_operator.core.shared import Shared
from ink_operator.inkservice.act.images import retire_images
from ink_operator.inkservice.desired.buildjob import (
    BUILD_SECRETS,
    CLIENT_KEYS,
    job_name,
    make_job,
    make_secret,
)
from ink_operator.inkservice.facts.builds import verdict_json
from ink_operator.inkservice.facts.claims import take_over
from ink_operator.inkservice.model import (
    Attempt,
    ClaimHost,
    Failure,
    RecordVerdict,
    ReleaseHost,
    RetireImages,
    ServiceContext,
    ServiceEffect,
    StartBuild,
)
from ink_operator.inkservice.observe.service import credentials_of
from ink_operator.ports import Pair, Ports
from ink_operator.settings import Settings

log = logging.getLogger(__name__)
SET_UP = ("Namespace", "RoleBinding", "ResourceQuota", "LimitRange", "NetworkPolicy")


async def carry_out(
    context: ServiceContext, effects: Iterable[ServiceEffect], ports: Ports, shared: Shared
) -> dict[str, str]:
    """Each effect in turn; the first failure ends the pass, and the next one begins anew.

    Returns when each record that was made was made, by its name.
    """
    made: dict[str, str] = {}
    for effect in effects:
        match effect:
            case Apply(manifest):
                if manifest["kind"] in SET_UP:
                    shared.tenancy.forget(context.identity.namespace)
                await ports.cluster.apply(manifest)
            case HandOver(manifest):
                await ports.cluster.hand_over(manifest)
            case Create(manifest):
                live = await create_ours(manifest, ports)
                if manifest["kind"] == kinds.CONTROLLER_REVISION.kind:
                    made[live["metadata"]["name"]] = live["metadata"]["creationTimestamp"]
            case Delete(ref, uid, resource_version):
                await ports.cluster.delete(ref, uid=uid, resource_version=resource_version)
            case MergePatch(ref, patch):
                await ports.cluster.merge_patch(ref, patch)
            case _:
                await _of_services(context, effect, ports, shared)
    return made


async def _of_services(context: ServiceContext, effect: ServiceEffect, ports: Ports, shared: Shared) -> None:
    """Effects that are more than one write of one object."""
    match effect:
        case ClaimHost(manifest, live):
            await claim_host(manifest, live, ports)
        case ReleaseHost(given_up):
            await release_host(given_up, ports)
        case StartBuild():
            await start_build(context, effect, ports, shared)
        case RecordVerdict(attempt):
            await record_verdict(context, attempt, ports)
        case RetireImages():
            await retire_images(context, effect, ports)


async def claim_host(manifest: Manifest, live: Manifest | None, ports: Ports) -> None:
    """Create the claim, or take over the free one that was read. Who comes second looks again, and sees whose it is."""
    if live is not None:
        take = take_over(live, manifest)
        if await ports.cluster.merge_patch(take.ref, take.patch) is not None:
            return
    try:
        await ports.cluster.create(manifest)
    except AlreadyExists:
        raise Transient(
            f"the claim {manifest['metadata']['name']} was made meanwhile", retry_after_seconds=0.1
        ) from None


async def release_host(given_up: MergePatch, ports: Ports) -> None:
    """From now on the claim has a time of its own."""
    await ports.cluster.merge_patch(given_up.ref, given_up.patch)
    ports.wakeups.add(claim_key(given_up.ref.name, given_up.ref.namespace))


async def create_ours(manifest: Manifest, ports: Ports) -> Manifest:
    """Make the child, or find it made already; as it is then. Raises Terminal NameConflict when somebody else made it.

    Applied, not created: the API server keeps the bytes of a ControllerRevision's data as they come, and refuses every
    later patch of the object when they are not exactly as it would have written them itself.
    """
    live = await ports.cluster.get(ref_of(manifest))
    if live is None:
        return await ports.cluster.apply(manifest)
    meta = manifest["metadata"]
    what = f"The {manifest['kind']} {meta['name']} in {meta['namespace']} was not made for this service."
    await _meet(live, manifest, ports, Terminal(what, reason=Reason.NAME_CONFLICT))
    return live


async def _meet(live: Manifest | None, manifest: Manifest, ports: Ports, foreign: Terminal) -> None:
    """An object of the name is there: fine if it is ours, renewed if an earlier CR of our name left it behind."""
    what = f"{manifest['kind']} {manifest['metadata']['name']}"
    if live is None or is_deleting(live):
        raise Transient(f"the old {what} is on its way out", retry_after_seconds=0.2)
    if labels_of(live).get(LABEL_OWNER_UID) == labels_of(manifest)[LABEL_OWNER_UID]:
        return
    if annotations_of(live).get(ANNOTATION_OWNER) == annotations_of(manifest)[ANNOTATION_OWNER]:
        await ports.cluster.delete(ref_of(live), uid=live["metadata"]["uid"])
        raise Transient(f"the {what} of an earlier service is being renewed", retry_after_seconds=0.2)
    raise foreign


async def start_build(context: ServiceContext, start: StartBuild, ports: Ports, shared: Shared) -> None:
    """Start one attempt if it is its turn, else leave it in the queue.

    The Secret comes before a running Job, so that its pod never waits for it; the owner reference follows, and the name
    of both is the build's, so a repetition meets its own work.
    """
    space, name = context.settings.builds_namespace, job_name(start.plan, start.number)
    selector = f"{LABEL_COMPONENT}={COMPONENT}"
    async with shared.build_gate:
        jobs = await ports.cluster.list(kinds.JOB, space, selector)
        pods = await ports.cluster.list(kinds.POD, space, selector)
        live = next((job for job in jobs if job["metadata"]["name"] == name), None)
        if live is not None and labels_of(live).get(LABEL_OWNER_UID) != context.service.metadata.uid:
            await ports.cluster.delete(Ref(kinds.JOB, space, name), uid=live["metadata"]["uid"])
            raise Transient("a build of a deleted service of this name is being removed", retry_after_seconds=1.0)
        ended = ended_jobs(pods)
        go = may_start(
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
        others = [j for j in jobs if holds_place(j, ended) and j["metadata"]["name"] != name]
        secrets = await _secrets(context, start, others, ports)
        uid = live["metadata"]["uid"] if live is not None else None
        await ports.cluster.apply(make_secret(context, start, secrets, uid))
        if live is not None:
            await ports.cluster.merge_patch(Ref(kinds.JOB, space, name), {"spec": {"suspend": False}})
            return
        uid = await _create_job(context, start, ports, suspend=False)
        await ports.cluster.apply(make_secret(context, start, secrets, uid))


async def _create_job(context: ServiceContext, start: StartBuild, ports: Ports, *, suspend: bool) -> str:
    job = make_job(context, start, suspend=suspend)
    try:
        created = await ports.cluster.create(job)
    except AlreadyExists:
        raise Transient(f"the build {job['metadata']['name']} exists already", retry_after_seconds=0.5) from None
    meta, what = context.service.metadata, "queued" if suspend else "started"
    log.info("build %s of %s/%s %s", job["metadata"]["name"], meta.namespace, meta.name, what)
    uid: str = created["metadata"]["uid"]
    return uid


async def _secrets(context: ServiceContext, start: StartBuild, running: list[Manifest], ports: Ports) -> dict[str, str]:
    """Credentials, minted when the build starts and not while it queues. `running`: other builds that run."""
    git = context.service.spec.source.git
    credentials = await credentials_of(git, context, ports) if git else (None, None)
    if isinstance(credentials, Failure):
        raise Terminal(credentials.message, reason=credentials.reason)
    username, password = credentials
    client = await _client(context, running, ports)
    return {
        "INK_GIT_USERNAME": username or "",
        "INK_GIT_PASSWORD": password or "",
        "INK_REGISTRY_TOKEN": ports.tokens.registry(start.plan.repository, "pull", "push"),
        **dict(zip(CLIENT_KEYS, (client.ca, client.cert, client.key), strict=True)),
        BUILD_SECRETS: json.dumps(dict(start.secrets), sort_keys=True),
    }


async def _client(context: ServiceContext, running: list[Manifest], ports: Ports) -> Pair:
    """What BuildKit asks of the build: the tenant's own, which runs from now on, or the one that all share."""
    if not context.settings.buildkit_shared:
        return await start_buildkitd(context.identity, running, ports, context.settings)
    known = context.settings.secrets
    return Pair(known.buildkit_ca, known.buildkit_cert, known.buildkit_key, expires="")


async def record_verdict(context: ServiceContext, attempt: Attempt, ports: Ports) -> None:
    """Keep the verdict on the Job, count it, and let the queue of builds and the tenant's daemon know."""
    if attempt.verdict is None:
        return
    settings = context.settings
    patch = {"metadata": {"annotations": {ANNOTATION_VERDICT: verdict_json(attempt.verdict)}}}
    await ports.cluster.merge_patch(Ref(kinds.JOB, settings.builds_namespace, attempt.name), patch)
    ports.metrics.build_ended("ok" if attempt.verdict.ok else str(attempt.verdict.reason))
    await wake_queued(ports, settings)
    if not settings.buildkit_shared:
        ports.wakeups.add(buildkitd_key(buildkitd_of(context.identity, settings).name, settings.buildkit_namespace))


async def wake_queued(ports: Ports, settings: Settings) -> None:
    """A place is free: owners of queued builds look again."""
    for job in await ports.cluster.list(kinds.JOB, settings.builds_namespace, f"{LABEL_COMPONENT}={COMPONENT}"):
        owner = annotations_of(job).get(ANNOTATION_OWNER, "")
        if job.get("spec", {}).get("suspend") and "/" in owner:
            namespace, _, name = owner.partition("/")
            ports.wakeups.add(Key("InkService", namespace, name))
