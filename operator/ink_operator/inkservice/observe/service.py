"""Reads only: the world of one service, as one frozen value. Independent reads go out together."""

import asyncio
import base64
from datetime import datetime
from typing import Any

from ink_api.group import ANNOTATION_HEAD, LABEL_COMPONENT, LABEL_OWNER_UID
from ink_api.inkservice import GitSource
from ink_api.names import ServiceIdentity, short_hash
from ink_api.reasons import Reason

from ink_operator.core import kinds
from ink_operator.core.kinds import Kind
from ink_operator.core.objects import Key, Manifest, Ref, is_deleting
from ink_operator.core.shared import Shared
from ink_operator.inkservice.desired.cron import CRON
from ink_operator.inkservice.desired.namespace import OPERATORS_GRANT, grants, is_emptied_grant
from ink_operator.inkservice.desired.network import make_claim
from ink_operator.inkservice.desired.pod import APP
from ink_operator.inkservice.desired.releasejob import COMPONENT as RELEASE
from ink_operator.inkservice.facts import source
from ink_operator.inkservice.facts.builds import attempts_of, early_verdict
from ink_operator.inkservice.facts.claims import claim_state
from ink_operator.inkservice.facts.effective import enough_replicas, host_of, ports_of, probe_of, wants_host
from ink_operator.inkservice.facts.inkfile import applied
from ink_operator.inkservice.facts.references import followed_refs
from ink_operator.inkservice.facts.revisions import revisions_of, running_now
from ink_operator.inkservice.facts.rollout import rollout_of, running_of
from ink_operator.inkservice.model import (
    Attempt,
    BuildPlan,
    BuildState,
    Claim,
    Failure,
    Observed,
    Revision,
    Running,
    ServiceContext,
)
from ink_operator.inkservice.observe.build_environment import build_environment_of
from ink_operator.inkservice.observe.configuration import configuration_of
from ink_operator.inkservice.observe.environment import env_children, environment_of
from ink_operator.inkservice.observe.storage import volume_claims
from ink_operator.inkservice.observe.stored_images import is_release, releases, stored_image
from ink_operator.ports import Answer, Head, HeadQuestion, Ports

SET_UP_SECONDS = 0.5
"""How long a fresh RoleBinding may need to be seen."""

Tenancy = dict[tuple[str, str], Manifest]


async def observe(context: ServiceContext, ports: Ports, shared: Shared, now: datetime) -> Observed:
    """Everything that a decision needs. Raises InkError when something cannot be read: then the old status stands."""
    service, identity, settings = context.service, context.identity, context.settings
    cluster, space = ports.cluster, identity.namespace
    mine = f"{LABEL_OWNER_UID}={service.metadata.uid}"
    namespace, claims, jobs, build_pods = await asyncio.gather(
        cluster.get(Ref(kinds.NAMESPACE, "", space)),
        _claims(context, ports, mine, now),
        cluster.list(kinds.JOB, settings.builds_namespace, mine),
        cluster.list(kinds.POD, settings.builds_namespace, mine),
    )
    tenancy = await _tenancy(context, ports, shared, namespace, now)
    refused = source.refusal(service, identity, context.is_gateway_managed, settings)
    attempts = _early(context, attempts_of(jobs, build_pods), ports)
    # Without its RoleBinding the operator may not look into the namespace, and there is nothing in it yet.
    granted = grants(tenancy.get((kinds.ROLE_BINDING.kind, OPERATORS_GRANT)), settings)
    if granted:
        # Before anything is read, so that no change falls between reading and watching.
        key = Key(kinds.INK_SERVICE.kind, service.metadata.namespace, service.metadata.name)
        ports.references.follow(key, followed_refs(service, identity))
    inside, head, environment, configuration, build_environment, runtime_class = await asyncio.gather(
        _inside(context, ports, shared, mine, now) if granted else _nothing(),
        _head(context, ports, granted) if refused is None else _no_head(),
        environment_of(context, ports),
        configuration_of(context, ports, granted),
        build_environment_of(context, ports, granted),
        _runtime_class(context, ports),
    )
    running = running_now(inside.workload, inside.revisions)
    build = None
    if build_environment.failure is None:
        build = _build(context, head, running, inside.revisions, build_environment.digest)
    claim, live_claim, stale = claims
    return Observed(
        identity=identity,
        head=head,
        source_failure=refused,
        namespace=namespace,
        tenancy=tenancy,
        claim=claim,
        live_claim=live_claim,
        stale_claims=stale,
        build_environment=build_environment,
        build=build,
        attempts=attempts,
        stored=await stored_image(build, attempts, inside, ports),
        deployment=inside.deployment,
        service=inside.service,
        ingress=inside.ingress,
        cron_job=inside.cron_job,
        autoscaler=inside.autoscaler,
        volumes=inside.volumes,
        pods=inside.pods,
        revisions=inside.revisions,
        releases=await releases(context, inside, environment, ports, mine),
        environment=environment,
        configuration=configuration,
        runtime_class=runtime_class,
        env_children=inside.env_children,
        answer=await _answer(context, inside, ports, now),
    )


def _early(context: ServiceContext, attempts: tuple[Attempt, ...], ports: Ports) -> tuple[Attempt, ...]:
    """The kubelet looks once a second whether a builder has ended; its verdict is beside the image before."""
    meta, repository = context.service.metadata, source.repository_of(context.identity)
    key = Key(kinds.INK_SERVICE.kind, meta.namespace, meta.name)
    running = BuildState.RUNNING
    return tuple(
        early_verdict(a, ports.verdicts.early(key, repository, a.name, a.uid)) if a.state == running else a
        for a in attempts
    )


async def _tenancy(
    context: ServiceContext, ports: Ports, shared: Shared, namespace: Manifest | None, now: datetime
) -> Tenancy:
    """What the operator set up in the namespace. Read again after a while, or after the operator changed it."""
    space, cluster = context.identity.namespace, ports.cluster
    uid = namespace["metadata"].get("uid", "") if namespace else ""
    known = shared.tenancy.get(space, now)
    if known is not None and known[0] == uid:
        return known[1] | _by_name(kinds.NAMESPACE, [namespace])
    bindings = await asyncio.gather(
        *(cluster.get(Ref(kinds.ROLE_BINDING, space, name)) for name in (OPERATORS_GRANT, "ink-gateway"))
    )
    if not grants(bindings[0], context.settings):
        # Our own is as good as none, and to be made anew before anything else is read; another's stands in the way.
        emptied = bindings[0] is not None and is_emptied_grant(bindings[0], context.settings)
        return _by_name(kinds.NAMESPACE, [namespace]) | _by_name(
            kinds.ROLE_BINDING, bindings[1:] if emptied else bindings
        )
    found = _by_name(kinds.NAMESPACE, [namespace]) | _by_name(kinds.ROLE_BINDING, bindings)
    found |= _by_name(kinds.NETWORK_POLICY, await cluster.list(kinds.NETWORK_POLICY, space))
    if context.is_gateway_managed:
        for kind in (kinds.RESOURCE_QUOTA, kinds.LIMIT_RANGE):
            found |= _by_name(kind, [await cluster.get(Ref(kind, space, "ink"))])
    shared.tenancy.put(space, (uid, found), now)
    return found


async def _inside(context: ServiceContext, ports: Ports, shared: Shared, mine: str, now: datetime) -> Observed:
    """The part of Observed that lies in the workload's namespace."""
    identity = context.identity
    cluster, space = ports.cluster, identity.namespace
    # Runs of a cron job and pods of a server are never looked at together: one has nothing to tell of the other.
    component = APP if context.service.spec.cron is None else CRON
    wanted = (kinds.DEPLOYMENT, kinds.CRON_JOB, kinds.HORIZONTAL_POD_AUTOSCALER, kinds.SERVICE, kinds.INGRESS)
    children, pods, records, env, volumes = await asyncio.gather(
        asyncio.gather(*(cluster.get(Ref(kind, space, identity.name)) for kind in wanted)),
        cluster.list(kinds.POD, space, f"{mine},{LABEL_COMPONENT} in ({component},{RELEASE})"),
        cluster.list(kinds.CONTROLLER_REVISION, space, mine),
        env_children(context, ports, shared, now),
        volume_claims(context, ports),
    )
    deployment, cron_job, autoscaler, live_service, ingress = children
    return Observed(
        identity=identity,
        deployment=deployment,
        service=live_service,
        ingress=ingress,
        cron_job=cron_job,
        autoscaler=autoscaler,
        volumes=volumes,
        pods=tuple(p for p in pods if not is_release(p)),
        release_pods=tuple(p for p in pods if is_release(p)),
        revisions=revisions_of(records, f"{context.settings.registry}/{source.repository_of(identity)}@"),
        env_children=env,
    )


async def _runtime_class(context: ServiceContext, ports: Ports) -> Manifest | None:
    if context.service.spec.isolation != "GVisor":
        return None
    return await ports.cluster.get(Ref(kinds.RUNTIME_CLASS, "", context.settings.gvisor_runtime_class))


async def _nothing() -> Observed:
    return Observed(identity=ServiceIdentity("", "", "", ""))


async def _no_head() -> Head | None:
    return None


def _by_name(kind: Kind, items: list[Any]) -> Tenancy:
    return {(kind.kind, item["metadata"]["name"]): item for item in items if item is not None}


async def _claims(
    context: ServiceContext, ports: Ports, mine: str, now: datetime
) -> tuple[Claim, Manifest | None, tuple[str, ...]]:
    """Whose the wanted host is, its claim when it is not ours, and the names of our claims to other hosts."""
    service, identity, settings = context.service, context.identity, context.settings
    own = await ports.cluster.list(kinds.CONFIG_MAP, settings.namespace, mine)
    names = {item["metadata"]["name"] for item in own if not is_deleting(item)}
    if not wants_host(service):
        return Claim.OURS, None, tuple(sorted(names))
    wanted = make_claim(service, identity, host_of(service, identity, settings), settings)
    name = wanted["metadata"]["name"]
    if name in names:
        return Claim.OURS, None, tuple(sorted(names - {name}))
    live = await ports.cluster.get(Ref(kinds.CONFIG_MAP, settings.namespace, name))
    return claim_state(live, wanted, settings, now), live, tuple(sorted(names))


async def _head(context: ServiceContext, ports: Ports, granted: bool) -> Head | None:
    service, identity, settings = context.service, context.identity, context.settings
    git = service.spec.source.git
    if git is None or git.commit is not None:
        return None
    if not granted and git.auth is not None and git.auth.secret_ref is not None:
        return Head(None, Reason.RESOLVING, "The namespace is being set up.", SET_UP_SECONDS)
    credentials = await credentials_of(git, context, ports)
    if isinstance(credentials, Failure):
        return Head(None, credentials.reason, credentials.message, settings.poll_seconds)
    username, password = credentials
    return await ports.heads.head(
        HeadQuestion(
            url=source.clone_url(git, settings),
            branch=git.branch,
            tenant=identity.tenant,
            username=username,
            password=password,
            credential="internal" if source.reads_by_right(git, identity, settings) else short_hash(password or ""),
            hint=source.hinted_commit(service.metadata.annotations.get(ANNOTATION_HEAD), git.branch),
            asker=service.metadata.uid,
            generation=service.metadata.generation,
        )
    )


async def credentials_of(
    git: GitSource, context: ServiceContext, ports: Ports
) -> tuple[str | None, str | None] | Failure:
    """User name and password for the repository. Both are None for a public one."""
    repository = source.internal_repository(git, context.settings)
    if repository is not None and source.reads_by_right(git, context.identity, context.settings):
        return "ink", ports.tokens.git_read(repository, context.identity.tenant)
    if git.auth is None or git.auth.secret_ref is None:
        return None, None
    name = git.auth.secret_ref.name
    secret = await ports.cluster.get(Ref(kinds.SECRET, context.identity.namespace, name))
    data = (secret or {}).get("data") or {}
    if "password" not in data:
        missing = f"The Secret {name} does not exist." if secret is None else f"The Secret {name} has no key password."
        return Failure(Reason.CONFIG_NOT_FOUND, missing)
    decoded = {key: base64.b64decode(value).decode(errors="replace").strip() for key, value in data.items()}
    return decoded.get("username") or "git", decoded["password"]


def _build(
    context: ServiceContext, head: Head | None, running: Running | None, revisions: tuple[Revision, ...], secrets: str
) -> BuildPlan | None:
    """What is to be built. While the source does not answer, the commit that runs is still the wanted one."""
    service, identity = context.service, context.identity
    git = service.spec.source.git
    if git is None:
        return None
    commit = git.commit or (head.commit if head else None)
    silent = head is not None and head.commit is None and head.reason == Reason.SOURCE_UNREACHABLE
    if commit is None and silent and running is not None and running.commit is not None:
        plan = source.build_plan(service, identity, running.commit, running, secrets=secrets)
        return plan if plan.key == running.build_key else None
    if commit is None:
        return None
    # A commit that was built by an older planner is not built again for that.
    known = (r.running for r in reversed(revisions) if r.running is not None and r.running.commit == commit)
    for built in (running, *known):
        plan = source.build_plan(service, identity, commit, built, secrets=secrets)
        if built is not None and plan.key == built.build_key:
            return plan
    return source.build_plan(service, identity, commit, secrets=secrets)


async def _answer(context: ServiceContext, inside: Observed, ports: Ports, now: datetime) -> Answer | None:
    """Asked only when the newest revision has taken over."""
    settings, deployment = context.settings, inside.deployment
    running = running_of(deployment)
    if deployment is None or inside.ingress is None or running is None or not deployment["spec"].get("replicas", 1):
        return None
    service = applied(context.service, running.inkfile)
    rollout = rollout_of(deployment, inside.pods, settings.route_settle_seconds, now, enough=enough_replicas(service))
    host = host_of(service, context.identity, settings)
    if not rollout.complete or not wants_host(service):
        return None
    probe = probe_of(service, ports_of(service, running.port), settings)
    by_path = probe is not None and probe.type == "HTTP"
    return await ports.prober.probe(
        host,
        probe.path if probe is not None and by_path else "/",
        healthy_only=by_path,
        memo=f"{service.metadata.uid} {rollout.revision} {host}",
    )
