"""Pure: what is -> what to do and what to say. The order of the steps is the order of a service's life."""

from datetime import datetime

from ink_api.condition_types import ConditionType
from ink_api.inkservice import InkService, Port
from ink_api.reasons import Reason

from ink_operator.core.effects import MergePatch
from ink_operator.core.objects import NAMESPACE, Manifest, Ref, annotations_of
from ink_operator.inkservice import checks
from ink_operator.inkservice.decide_build import Chosen, build_step
from ink_operator.inkservice.decide_cron import cron_rests, cron_step
from ink_operator.inkservice.decide_environment import drop_environment, environment_step
from ink_operator.inkservice.decide_images import retire_step
from ink_operator.inkservice.decide_isolation import isolation_step
from ink_operator.inkservice.decide_release import release_step
from ink_operator.inkservice.decide_revision import is_granted, mend_numbers, record, settle_revisions
from ink_operator.inkservice.decide_scale import autoscaler_step, hand_over, scale_step, scaled_by_others
from ink_operator.inkservice.decide_storage import drop_volumes, grow_step, storage_step
from ink_operator.inkservice.decide_ttl import expire_step, expired
from ink_operator.inkservice.desired.namespace import set_up
from ink_operator.inkservice.desired.network import make_claim, make_ingress, make_service
from ink_operator.inkservice.desired.policy import make_policies
from ink_operator.inkservice.desired.revision import attempt_name
from ink_operator.inkservice.desired.workload import make_deployment
from ink_operator.inkservice.diagnose import diagnose, newest_pods, wait_seconds
from ink_operator.inkservice.draft import Draft
from ink_operator.inkservice.effective import enough_replicas, ports_of, probe_of, public_port, wanted_replicas
from ink_operator.inkservice.model import (
    ANNOTATION_EMPTY_SINCE,
    Attempt,
    BuildState,
    Claim,
    ClaimHost,
    Observed,
    Plan,
    RecordVerdict,
    Revision,
    Running,
)
from ink_operator.inkservice.revisions import running_now
from ink_operator.inkservice.rollout import Rollout, rollout_of
from ink_operator.inkservice.status import CHAIN
from ink_operator.settings import Settings

ROUTING_MOST_SECONDS = 60.0
"""After that long without an answer through the ingress, routing has failed."""
TERMINATING_LOOK_SECONDS = 5.0
SET_UP_LOOK_SECONDS = 0.1


def decide(service: InkService, seen: Observed, settings: Settings, now: datetime) -> Plan:
    """One step forward from any state; no effects at all when everything is as it should be."""
    draft = Draft(service, seen, settings, now)
    dropped: list[Revision] = []
    if expired(draft):
        expire_step(draft)
        return draft.plan()
    if not _refused(draft):
        mend_numbers(draft)
        _claim(draft)
        chosen = _suspended(draft) if wanted_replicas(service) == 0 else build_step(draft)
        _tenancy(draft)
        if chosen is not None and chosen.running is not None:
            _run(draft, chosen.running, chosen.newest)
        else:
            scale_step(draft)
            if draft.seen.ingress is None:
                draft.release_hosts()
        if wanted_replicas(service) == 0:
            _report_suspended(draft)
        dropped = settle_revisions(draft)
    _tidy(draft)
    retire_step(draft, dropped)
    return draft.plan()


def _refused(draft: Draft) -> bool:
    for check in checks.BEFORE_ANYTHING:
        failure = check(draft)
        if failure is not None:
            draft.refuse(failure)
            if failure.reason == Reason.NAMESPACE_TERMINATING:
                draft.look_again(TERMINATING_LOOK_SECONDS)
            return True
    return _host_refused(draft)


def _host_refused(draft: Draft) -> bool:
    failure = checks.host_is_not_ours(draft)
    if failure is not None:
        draft.refuse(failure, ConditionType.ROUTED)
    return failure is not None


def _claim(draft: Draft) -> None:
    if draft.host is not None and draft.seen.claim == Claim.FREE:
        wanted = make_claim(draft.service, draft.seen.identity, draft.host, draft.settings)
        draft.effects.append(ClaimHost(wanted, draft.seen.live_claim))


def _tenancy(draft: Draft) -> None:
    """The namespace, its limits and grants, and its policies."""
    seen, settings = draft.seen, draft.settings
    wanted = set_up(seen.identity, draft.of_gateway, settings)
    if draft.of_gateway or is_granted(draft):
        # In an owner's namespace nobody has looked before: a policy of our name may be the owner's.
        wanted += make_policies(seen.identity.namespace, draft.of_gateway, settings)
    for manifest in wanted:
        draft.apply(seen.tenancy.get((manifest["kind"], manifest["metadata"]["name"])), manifest)
    if seen.namespace is not None and ANNOTATION_EMPTY_SINCE in annotations_of(seen.namespace):
        patch = {"metadata": {"annotations": {ANNOTATION_EMPTY_SINCE: None}}}
        draft.effects.append(MergePatch(Ref(NAMESPACE, "", seen.identity.namespace), patch))


def _suspended(draft: Draft) -> Chosen:
    running = running_now(draft.seen.workload, draft.revisions)
    for kind in CHAIN:
        draft.say(kind, "Unknown", Reason.SUSPENDED, "The service is scaled to zero.")
    draft.commit, draft.image = (running.commit, running.image) if running else (None, None)
    return Chosen(running, newest=False)


def _report_suspended(draft: Draft) -> None:
    deployment = draft.seen.deployment
    at_rest = deployment is None or not (
        deployment["spec"].get("replicas", 1) or (deployment.get("status") or {}).get("replicas")
    )
    if at_rest and cron_rests(draft):
        draft.say(ConditionType.READY, "True", Reason.SUSPENDED, "The service is scaled to zero, as asked.")
    else:
        draft.say(ConditionType.READY, "Unknown", Reason.DEPLOYING, "The service is being scaled to zero.")


def _run(draft: Draft, running: Running, newest: bool) -> None:
    """Bring it up as its own ink.yaml says where the spec says nothing, unless that cannot be."""
    had_host = draft.host is not None
    draft.run_as(running)
    if draft.host is not None and not had_host:
        if _host_refused(draft):
            scale_step(draft)
            return
        _claim(draft)
    failure = checks.inkfile_is_not_served(draft)
    if failure is None:
        _deploy(draft, running, newest)
        return
    draft.image = running.image
    draft.say(ConditionType.DEPLOYED, "False", failure.reason, failure.message)
    scale_step(draft)


def _deploy(draft: Draft, running: Running, newest: bool) -> None:
    """What runs, and what it needs. `newest`: this is the newest revision, so its state is the service's state."""
    service = draft.effective
    ports = ports_of(service, running.port)
    draft.image, draft.port = running.image, (ports[0].port if ports else None)
    if not is_granted(draft):
        # Nobody has looked yet: at what is referred to, or whether an object of our name is somebody else's.
        draft.say(ConditionType.DEPLOYED, "Unknown", Reason.DEPLOYING, "The namespace is being set up.")
        draft.look_again(SET_UP_LOOK_SECONDS)
        return
    if not (isolation_step(draft) and environment_step(draft) and storage_step(draft)):
        scale_step(draft)
        return
    drop_volumes(draft)
    if service.spec.cron is not None:
        cron_step(draft, running, newest)
    else:
        _serve(draft, running, ports, newest)
    grow_step(draft)


def _serve(draft: Draft, running: Running, ports: list[Port], newest: bool) -> None:
    service, seen, settings = draft.effective, draft.seen, draft.settings
    deployment = make_deployment(
        service,
        seen.identity,
        running,
        settings,
        seen.digests,
        live=seen.deployment,
        scaled_by_others=scaled_by_others(draft),
    )
    if not release_step(draft, deployment, record(draft, deployment, running), newest=newest):
        scale_step(draft)
        return
    hand_over(draft)
    rolling = draft.apply(seen.deployment, deployment)
    autoscaler_step(draft)
    draft.remove(seen.cron_job)
    routing = _routes(draft, ports)
    if not newest:
        return
    if draft.host is None:
        draft.say(ConditionType.ROUTED, "True", Reason.NOT_NEEDED, "The service has no public port.")
    if rolling or seen.deployment is None:
        draft.say(ConditionType.DEPLOYED, "Unknown", Reason.DEPLOYING, "The new revision is being rolled out.")
        draft.look_again(2.0)
        return
    rollout = rollout_of(
        seen.deployment, seen.pods, settings.route_settle_seconds, draft.now, enough=enough_replicas(service)
    )
    if rollout.complete:
        drop_environment(draft)
    _report_rollout(draft, seen.deployment, rollout, ports)
    _report_route(draft, rollout, routing)


def _routes(draft: Draft, ports: list[Port]) -> bool:
    """Service and Ingress. Returns whether anything had to change."""
    service, seen, settings = draft.service, draft.seen, draft.settings
    changed = False
    if ports:
        changed |= draft.apply(seen.service, make_service(service, seen.identity, ports))
    else:
        draft.remove(seen.service)
    public = public_port(ports)
    if draft.host is not None and public is not None:
        changed |= draft.apply(seen.ingress, make_ingress(service, seen.identity, draft.host, public, settings))
    else:
        draft.remove(seen.ingress)
    if not changed:
        draft.release_hosts(*(draft.held_claim if draft.host is None else ()))
    return changed


def _report_rollout(draft: Draft, deployment: Manifest, rollout: Rollout, ports: list[Port]) -> None:
    if rollout.complete:
        draft.say(ConditionType.DEPLOYED, "True", Reason.DEPLOYED, "All pods run the newest revision and are ready.")
        return
    pods = newest_pods(draft.seen.pods, rollout.revision)
    probe = probe_of(draft.effective, ports, draft.settings)
    failure = diagnose(deployment, pods, probe, draft.now)
    if failure is not None:
        draft.say(ConditionType.DEPLOYED, "False", failure.reason, failure.message)
        return
    draft.say(ConditionType.DEPLOYED, "Unknown", Reason.DEPLOYING, "The new revision is being rolled out.")
    if rollout.settle_seconds > 0:
        draft.look_again(rollout.settle_seconds + 0.05)
    draft.look_again(wait_seconds(pods, probe, draft.now))


def _report_route(draft: Draft, rollout: Rollout, changing: bool) -> None:
    answer = draft.seen.answer
    if draft.host is None or not rollout.complete:
        return
    if not changing and answer is not None and answer.ok:
        draft.say(
            ConditionType.ROUTED, "True", Reason.ANSWERING, f"https://{draft.host}{draft.settings.url_port}/ answers."
        )
    else:
        age = (draft.now - rollout.ready_since).total_seconds() if rollout.ready_since else 0.0
        detail = answer.detail if answer is not None else "the route is being made"
        if age > ROUTING_MOST_SECONDS:
            draft.say(ConditionType.ROUTED, "False", Reason.NOT_ROUTED, f"The application is ready, but {detail}.")
        else:
            draft.say(ConditionType.ROUTED, "Unknown", Reason.ROUTING, "Waits for the public host to answer.")
        draft.look_again(0.25 if age < 5 else 2.0 if age < ROUTING_MOST_SECONDS else 15.0)


def _tidy(draft: Draft) -> None:
    """Keep verdicts, and no more finished Jobs than needed for logs."""
    draft.effects.extend(RecordVerdict(a) for a in draft.seen.attempts if a.verdict is not None and not a.recorded)
    deployed = draft.facts.get(ConditionType.DEPLOYED)
    if deployed is not None and deployed.reason == Reason.DEPLOYING:
        return  # Old pods can go when no new one waits for the same node to do its work.
    current = draft.seen.build.key if draft.seen.build else ""
    ended = [a for a in draft.seen.attempts if a.state in (BuildState.SUCCEEDED, BuildState.FAILED)]
    keep = {a.name for a in ended[-max(1, draft.settings.build_history) :]}
    newest = next((a.name for a in reversed(ended) if a.build_key == current), None)
    for attempt in ended:
        if attempt.recorded and attempt.name not in keep and attempt.name != newest and _is_remembered(draft, attempt):
            draft.drop_build(attempt)


def _is_remembered(draft: Draft, attempt: Attempt) -> bool:
    name = attempt_name(draft.seen.identity, attempt)
    return attempt.state != BuildState.FAILED or any(r.name == name for r in draft.revisions)
