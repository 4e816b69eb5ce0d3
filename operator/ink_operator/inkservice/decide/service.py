"""Pure: observed state -> effects and conditions. The steps are in the order of a service's life."""

from datetime import datetime

from ink_api.condition_types import ConditionType
from ink_api.inkservice import Port
from ink_api.reasons import Reason

from ink_operator.core import effects, kinds, objects
from ink_operator.inkservice import model, names
from ink_operator.inkservice.decide import checks, prerequisites
from ink_operator.inkservice.decide.build import Chosen, build_step
from ink_operator.inkservice.decide.cron import cron_is_suspended, cron_step
from ink_operator.inkservice.decide.images import retire_step
from ink_operator.inkservice.decide.plan import SET_UP_REQUEUE_SECONDS, ServicePlanBuilder
from ink_operator.inkservice.decide.release import release_step
from ink_operator.inkservice.decide.revision import record, renumber_records, update_records
from ink_operator.inkservice.decide.scale import autoscaler_step, hand_over, scale_step, scaled_by_others
from ink_operator.inkservice.decide.ttl import expire_step, expired
from ink_operator.inkservice.desired.namespace import set_up
from ink_operator.inkservice.desired.network import make_claim, make_ingress, make_service
from ink_operator.inkservice.desired.policy import make_policies
from ink_operator.inkservice.desired.workload import make_deployment
from ink_operator.inkservice.facts import diagnose, effective, revisions
from ink_operator.inkservice.facts.rollout import Rollout, rollout_of
from ink_operator.inkservice.facts.status import CHAIN

ROUTING_TIMEOUT_SECONDS = 60.0
"""Without an answer through the ingress after this time, routing has failed."""
TERMINATING_REQUEUE_SECONDS = 5.0


def decide(context: model.ServiceContext, seen: model.Observed, now: datetime) -> model.ServicePlan:
    """One step forward from any state; no effects when everything is as it should be."""
    plan, service = ServicePlanBuilder(context, seen, now), context.service
    dropped: list[model.Revision] = []
    if expired(plan):
        expire_step(plan)
        return plan.finish()
    if not _refused(plan):
        renumber_records(plan)
        _claim(plan)
        chosen = _suspended(plan) if effective.wanted_replicas(service) == 0 else build_step(plan)
        _tenancy(plan)
        if chosen is not None and chosen.running is not None:
            _run(plan, chosen.running, chosen.newest)
        else:
            scale_step(plan)
            if plan.seen.ingress is None:
                plan.release_hosts()
        if effective.wanted_replicas(service) == 0:
            _report_suspended(plan)
        dropped = update_records(plan)
    _clean_up_builds(plan)
    retire_step(plan, dropped)
    return plan.finish()


def _refused(plan: ServicePlanBuilder) -> bool:
    for check in checks.BEFORE_ANYTHING:
        failure = check(plan)
        if failure is not None:
            plan.refuse(failure)
            if failure.reason == Reason.NAMESPACE_TERMINATING:
                plan.requeue_after(TERMINATING_REQUEUE_SECONDS)
            return True
    return _host_refused(plan)


def _host_refused(plan: ServicePlanBuilder) -> bool:
    failure = checks.host_is_not_ours(plan)
    if failure is not None:
        plan.refuse(failure, ConditionType.ROUTED)
    return failure is not None


def _claim(plan: ServicePlanBuilder) -> None:
    if plan.host is not None and plan.seen.claim == model.Claim.FREE:
        wanted = make_claim(plan.service, plan.seen.identity, plan.host, plan.settings)
        plan.effects.append(model.ClaimHost(wanted, plan.seen.live_claim))


def _tenancy(plan: ServicePlanBuilder) -> None:
    """The namespace, its limits and grants, and its policies."""
    seen, settings = plan.seen, plan.settings
    wanted = set_up(seen.identity, plan.is_gateway_managed, settings)
    if plan.is_gateway_managed or plan.is_granted:
        # Not checked yet in an owner's namespace: a policy with our name may be the owner's.
        wanted += make_policies(seen.identity.namespace, plan.is_gateway_managed, settings)
    for manifest in wanted:
        plan.apply(seen.tenancy.get((manifest["kind"], manifest["metadata"]["name"])), manifest)
    if seen.namespace is not None and names.ANNOTATION_EMPTY_SINCE in objects.annotations_of(seen.namespace):
        patch = {"metadata": {"annotations": {names.ANNOTATION_EMPTY_SINCE: None}}}
        plan.effects.append(effects.MergePatch(objects.Ref(kinds.NAMESPACE, "", seen.identity.namespace), patch))


def _suspended(plan: ServicePlanBuilder) -> Chosen:
    running = revisions.running_now(plan.seen.workload, plan.revisions)
    for kind in CHAIN:
        plan.set_condition(kind, "Unknown", Reason.SUSPENDED, "The service is scaled to zero.")
    plan.commit, plan.image = (running.commit, running.image) if running else (None, None)
    return Chosen(running, newest=False)


def _report_suspended(plan: ServicePlanBuilder) -> None:
    deployment = plan.seen.deployment
    at_rest = deployment is None or not (
        deployment["spec"].get("replicas", 1) or (deployment.get("status") or {}).get("replicas")
    )
    if at_rest and cron_is_suspended(plan):
        plan.set_condition(
            ConditionType.READY, "True", Reason.SUSPENDED, "The service is scaled to zero, as the spec asks."
        )
    else:
        plan.set_condition(ConditionType.READY, "Unknown", Reason.DEPLOYING, "The service is being scaled to zero.")


def _run(plan: ServicePlanBuilder, running: model.Running, newest: bool) -> None:
    """Deploy it with the settings of its own ink.yaml where the spec has none, unless these are refused."""
    had_host = plan.host is not None
    plan.run_as(running)
    if plan.host is not None and not had_host:
        if _host_refused(plan):
            scale_step(plan)
            return
        _claim(plan)
    failure = checks.inkfile_is_refused(plan)
    if failure is None:
        _deploy(plan, running, newest)
        return
    plan.image = running.image
    plan.set_condition(ConditionType.DEPLOYED, "False", failure.reason, failure.message)
    scale_step(plan)


def _deploy(plan: ServicePlanBuilder, running: model.Running, newest: bool) -> None:
    """The workload and what it needs. `newest`: this is the newest revision, so its state is the service's state."""
    service = plan.effective
    ports = effective.ports_of(service, running.port)
    plan.image, plan.port = running.image, (ports[0].port if ports else None)
    if not plan.is_granted:
        # Not read yet: what the service refers to, and whether an object with our name is someone else's.
        plan.set_condition(ConditionType.DEPLOYED, "Unknown", Reason.DEPLOYING, "The namespace is being set up.")
        plan.requeue_after(SET_UP_REQUEUE_SECONDS)
        return
    if not (
        prerequisites.isolation_step(plan) and prerequisites.environment_step(plan) and prerequisites.storage_step(plan)
    ):
        scale_step(plan)
        return
    prerequisites.drop_volumes(plan)
    if service.spec.cron is not None:
        cron_step(plan, running, newest)
    else:
        _serve(plan, running, ports, newest)
    prerequisites.grow_step(plan)


def _serve(plan: ServicePlanBuilder, running: model.Running, ports: list[Port], newest: bool) -> None:
    service, seen, settings = plan.effective, plan.seen, plan.settings
    deployment = make_deployment(
        service,
        seen.identity,
        running,
        settings,
        seen.digests,
        live=seen.deployment,
        scaled_by_others=scaled_by_others(plan),
    )
    if not release_step(plan, deployment, record(plan, deployment, running), newest=newest):
        scale_step(plan)
        return
    hand_over(plan)
    rolling = plan.apply(seen.deployment, deployment)
    autoscaler_step(plan)
    plan.remove(seen.cron_job)
    routing = _routes(plan, ports)
    if not newest:
        return
    if plan.host is None:
        plan.set_condition(ConditionType.ROUTED, "True", Reason.NOT_NEEDED, "The service has no public port.")
    if rolling or seen.deployment is None:
        plan.set_condition(ConditionType.DEPLOYED, "Unknown", Reason.DEPLOYING, "The new revision is being rolled out.")
        plan.requeue_after(2.0)
        return
    rollout = rollout_of(
        seen.deployment, seen.pods, settings.route_settle_seconds, plan.now, enough=effective.enough_replicas(service)
    )
    if rollout.complete:
        prerequisites.drop_environment(plan)
    _report_rollout(plan, seen.deployment, rollout, ports)
    _report_route(plan, rollout, routing)


def _routes(plan: ServicePlanBuilder, ports: list[Port]) -> bool:
    """Service and Ingress. Returns whether anything had to change."""
    service, seen, settings = plan.service, plan.seen, plan.settings
    changed = False
    if ports:
        changed |= plan.apply(seen.service, make_service(service, seen.identity, ports))
    else:
        plan.remove(seen.service)
    public = effective.public_port(ports)
    if plan.host is not None and public is not None:
        changed |= plan.apply(seen.ingress, make_ingress(service, seen.identity, plan.host, public, settings))
    else:
        plan.remove(seen.ingress)
    if not changed:
        plan.release_hosts(*(plan.held_claim if plan.host is None else ()))
    return changed


def _report_rollout(
    plan: ServicePlanBuilder, deployment: objects.Manifest, rollout: Rollout, ports: list[Port]
) -> None:
    if rollout.complete:
        plan.set_condition(
            ConditionType.DEPLOYED, "True", Reason.DEPLOYED, "All pods run the newest revision and are ready."
        )
        return
    pods = diagnose.newest_pods(plan.seen.pods, rollout.revision)
    probe = effective.probe_of(plan.effective, ports, plan.settings)
    failure = diagnose.diagnose(deployment, pods, probe, plan.now)
    if failure is not None:
        plan.set_condition(ConditionType.DEPLOYED, "False", failure.reason, failure.message)
        return
    plan.set_condition(ConditionType.DEPLOYED, "Unknown", Reason.DEPLOYING, "The new revision is being rolled out.")
    if rollout.settle_seconds > 0:
        plan.requeue_after(rollout.settle_seconds + 0.05)
    plan.requeue_after(diagnose.wait_seconds(pods, probe, plan.now))


def _report_route(plan: ServicePlanBuilder, rollout: Rollout, changing: bool) -> None:
    answer = plan.seen.answer
    if plan.host is None or not rollout.complete:
        return
    if not changing and answer is not None and answer.ok:
        plan.set_condition(
            ConditionType.ROUTED, "True", Reason.ANSWERING, f"https://{plan.host}{plan.settings.url_port}/ answers."
        )
    else:
        age = (plan.now - rollout.ready_since).total_seconds() if rollout.ready_since else 0.0
        detail = answer.detail if answer is not None else "its route is not ready yet"
        if age > ROUTING_TIMEOUT_SECONDS:
            plan.set_condition(
                ConditionType.ROUTED, "False", Reason.NOT_ROUTED, f"The application is ready, but {detail}."
            )
        else:
            plan.set_condition(
                ConditionType.ROUTED, "Unknown", Reason.ROUTING, "Waiting for the public host to answer."
            )
        plan.requeue_after(0.25 if age < 5 else 2.0 if age < ROUTING_TIMEOUT_SECONDS else 15.0)


def _clean_up_builds(plan: ServicePlanBuilder) -> None:
    """Record verdicts, and delete finished Jobs that are not needed for logs."""
    plan.effects.extend(model.RecordVerdict(a) for a in plan.seen.attempts if a.verdict is not None and not a.recorded)
    deployed = plan.facts.get(ConditionType.DEPLOYED)
    if deployed is not None and deployed.reason == Reason.DEPLOYING:
        return  # Deleting old pods can wait until the rollout no longer keeps the node busy.
    current = plan.seen.build.key if plan.seen.build else ""
    ended = [a for a in plan.seen.attempts if a.state in (model.BuildState.SUCCEEDED, model.BuildState.FAILED)]
    keep = {a.name for a in ended[-max(1, plan.settings.build_history) :]}
    newest = next((a.name for a in reversed(ended) if a.build_key == current), None)
    for attempt in ended:
        if attempt.recorded and attempt.name not in keep and attempt.name != newest and _is_recorded(plan, attempt):
            plan.drop_build(attempt)


def _is_recorded(plan: ServicePlanBuilder, attempt: model.Attempt) -> bool:
    name = names.attempt_record(plan.seen.identity, attempt.name)
    return attempt.state != model.BuildState.FAILED or any(r.name == name for r in plan.revisions)
