"""Reads only: the state of one service, as one frozen value. Independent reads run concurrently.

In two halves: what is outside the workload's namespace also shows whether the operator may read inside.
"""

import asyncio
from dataclasses import replace
from datetime import datetime

from ink_api import group

from ink_operator.core import kinds, objects
from ink_operator.core.memo import Shared
from ink_operator.inkservice import model, names
from ink_operator.inkservice.facts import builds, effective, inkfile, ownership, revisions, source
from ink_operator.inkservice.facts.releases import is_release, releases_of, secrets_of
from ink_operator.inkservice.facts.rollout import rollout_of, running_of
from ink_operator.inkservice.observe.environment import (
    build_environment_of,
    configuration_of,
    env_children,
    environment_of,
)
from ink_operator.inkservice.observe.source import branch_head
from ink_operator.inkservice.observe.tenancy import host_claims, tenancy_of
from ink_operator.ports import Answer, Ports


async def observe_outside(context: model.ServiceContext, ports: Ports, shared: Shared, now: datetime) -> model.Observed:
    """The namespace and its shared objects, the public host, and builds. Raises InkError if it cannot be read."""
    settings, selector = context.settings, names.owner_selector(context.service)
    namespace, (claim, live_claim, stale), jobs, build_pods = await asyncio.gather(
        ports.cluster.get(objects.Ref(kinds.NAMESPACE, "", context.identity.namespace)),
        host_claims(context, ports, now),
        ports.cluster.list(kinds.JOB, settings.builds_namespace, selector),
        ports.cluster.list(kinds.POD, settings.builds_namespace, selector),
    )
    return model.Observed(
        identity=context.identity,
        namespace=namespace,
        tenancy=await tenancy_of(context, namespace, ports, shared, now),
        source_failure=source.refusal(context.service, context.identity, context.is_gateway_managed, settings),
        claim=claim,
        live_claim=live_claim,
        stale_claims=stale,
        attempts=_with_early_verdicts(context, builds.attempts_of(jobs, build_pods), ports),
    )


async def observe_inside(
    context: model.ServiceContext,
    outside: model.Observed,
    ports: Ports,
    shared: Shared,
    now: datetime,
    *,
    granted: bool,
) -> model.Observed:
    """`outside` with everything else. `granted`: the operator may read the namespace; else it has nothing of ours."""
    inside, head, environment, configuration, build_environment, runtime_class = await asyncio.gather(
        _children(context, ports, shared, now) if granted else _nothing(),
        branch_head(context, ports, granted) if outside.source_failure is None else _no_head(),
        environment_of(context, ports),
        configuration_of(context, ports, granted),
        build_environment_of(context, ports, granted),
        _runtime_class(context, ports),
    )
    return replace(
        outside,
        head=head,
        deployment=inside.deployment,
        service=inside.service,
        ingress=inside.ingress,
        cron_job=inside.cron_job,
        autoscaler=inside.autoscaler,
        volumes=inside.volumes,
        pods=inside.pods,
        revisions=inside.revisions,
        env_children=inside.env_children,
        releases=await _releases(context, inside, environment, ports),
        environment=environment,
        configuration=configuration,
        build_environment=build_environment,
        runtime_class=runtime_class,
        answer=await _answer(context, inside, ports, now),
    )


def _with_early_verdicts(
    context: model.ServiceContext, attempts: tuple[model.Attempt, ...], ports: Ports
) -> tuple[model.Attempt, ...]:
    """The builder stores its verdict with the image before the kubelet, which checks once a second, reports its end."""
    repository = source.repository_of(context.identity)
    return tuple(
        builds.early_verdict(a, ports.verdicts.early(context.key, repository, a.name, a.uid))
        if a.state == model.BuildState.RUNNING
        else a
        for a in attempts
    )


async def _children(context: model.ServiceContext, ports: Ports, shared: Shared, now: datetime) -> model.Observed:
    """The part of Observed that is in the workload's namespace."""
    identity, selector = context.identity, names.owner_selector(context.service)
    cluster, space = ports.cluster, identity.namespace
    # Runs of a cron job and pods of a server are never evaluated together.
    component = names.APP if context.service.spec.cron is None else names.CRON
    single = (kinds.DEPLOYMENT, kinds.CRON_JOB, kinds.HORIZONTAL_POD_AUTOSCALER, kinds.SERVICE, kinds.INGRESS)
    children, pods, records, env, volumes = await asyncio.gather(
        asyncio.gather(*(cluster.get(objects.Ref(kind, space, identity.name)) for kind in single)),
        cluster.list(kinds.POD, space, f"{selector},{group.LABEL_COMPONENT} in ({component},{names.RELEASE})"),
        cluster.list(kinds.CONTROLLER_REVISION, space, selector),
        env_children(context, ports, shared, now),
        _volume_claims(context, ports),
    )
    deployment, cron_job, autoscaler, service, ingress = children
    return model.Observed(
        identity=identity,
        deployment=deployment,
        service=service,
        ingress=ingress,
        cron_job=cron_job,
        autoscaler=autoscaler,
        volumes=volumes,
        pods=tuple(p for p in pods if not is_release(p)),
        release_pods=tuple(p for p in pods if is_release(p)),
        revisions=revisions.revisions_of(records, f"{context.settings.registry}/{source.repository_of(identity)}@"),
        env_children=env,
    )


async def _nothing() -> model.Observed:
    return model.Observed(identity=model.Observed.NOBODY)


async def _no_head() -> None:
    return None


async def _volume_claims(context: model.ServiceContext, ports: Ports) -> dict[str, objects.Manifest]:
    """Name -> live claim: of wanted volumes, and earlier ones. Someone else's claim does not have our labels."""
    space, identity = context.identity.namespace, context.identity
    made = f"{group.LABEL_SERVICE}={identity.name},{group.LABEL_COMPONENT}={names.VOLUME}"
    wanted = [names.volume_claim(identity, volume.name) for volume in ownership.volumes_of(context.service)]
    refs = [objects.Ref(kinds.PERSISTENT_VOLUME_CLAIM, space, name) for name in wanted]
    ours, *live = await asyncio.gather(
        ports.cluster.list(kinds.PERSISTENT_VOLUME_CLAIM, space, made), *map(ports.cluster.get, refs)
    )
    found = [*(ours or []), *(claim for claim in live if claim is not None)]
    return {claim["metadata"]["name"]: claim for claim in found}


async def _runtime_class(context: model.ServiceContext, ports: Ports) -> objects.Manifest | None:
    if context.service.spec.isolation != "GVisor":
        return None
    return await ports.cluster.get(objects.Ref(kinds.RUNTIME_CLASS, "", context.settings.gvisor_runtime_class))


async def _answer(context: model.ServiceContext, inside: model.Observed, ports: Ports, now: datetime) -> Answer | None:
    """Probed only once the newest revision has taken over."""
    settings, deployment = context.settings, inside.deployment
    running = running_of(deployment)
    if deployment is None or inside.ingress is None or running is None or not deployment["spec"].get("replicas", 1):
        return None
    service = inkfile.applied(context.service, running.inkfile)
    rollout = rollout_of(
        deployment, inside.pods, settings.route_settle_seconds, now, enough=effective.enough_replicas(service)
    )
    if not rollout.complete or not effective.wants_host(service):
        return None
    host = effective.host_of(service, context.identity, settings)
    probe = effective.probe_of(service, effective.ports_of(service, running.port), settings)
    by_path = probe is not None and probe.type == "HTTP"
    return await ports.prober.probe(
        host,
        probe.path if probe is not None and by_path else "/",
        healthy_only=by_path,
        memo=f"{service.metadata.uid} {rollout.revision} {host}",
    )


async def _releases(
    context: model.ServiceContext, inside: model.Observed, environment: model.Environment, ports: Ports
) -> tuple[model.ReleaseRun, ...]:
    """Release Jobs. If no release is wanted, they are only read if there are release pods."""
    spec = context.service.spec
    if not inside.identity.name or (spec.release is None and not inside.release_pods):
        return ()
    selector = f"{names.owner_selector(context.service)},{group.LABEL_COMPONENT}={names.RELEASE}"
    jobs = await ports.cluster.list(kinds.JOB, context.identity.namespace, selector)
    secrets = secrets_of(spec, environment.values.values()) if environment.failure is None else None
    return releases_of(jobs, inside.release_pods, secrets)
