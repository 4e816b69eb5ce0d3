"""Pure: facts -> the status of a service. The only place that writes one; Ready is computed from its parts."""

from collections.abc import Sequence
from datetime import datetime

from ink_api import group
from ink_api.condition_types import ConditionType
from ink_api.conditions import find
from ink_api.inkservice import InkService, InkServiceStatus
from ink_api.reasons import Reason

from ink_operator.core import conditions, effects, kinds, objects
from ink_operator.core.plan import Fact
from ink_operator.inkservice import model, names
from ink_operator.inkservice.facts.effective import effective_settings, is_worker, ports_of, public_port
from ink_operator.settings import Settings

CHAIN = (
    ConditionType.SOURCE_RESOLVED,
    ConditionType.BUILT,
    ConditionType.RELEASED,
    ConditionType.DEPLOYED,
    ConditionType.ROUTED,
)
COUNTS_REPORT_SECONDS = 10.0
"""During a rollout, a change of only the pod counts is reported after at most this time."""
FIRST_REPORT_SECONDS = 30.0
"""While there is a backlog, the first report of a service whose pods are starting is delayed by this time."""


def summarise(
    service: InkService, seen: model.Observed, plan: model.ServicePlan, settings: Settings, now: datetime
) -> InkServiceStatus:
    """The whole status. Equal inputs give an equal status, so an unchanged world is not written."""
    generation, effective = service.metadata.generation, plan.effective or service
    facts = {fact.type: fact for fact in plan.facts}
    steps = [facts[kind] for kind in CHAIN if kind in facts]
    if ConditionType.READY not in facts and len(steps) == len(CHAIN):
        facts[ConditionType.READY] = _ready(steps)
    cron = service.spec.cron is not None
    facts[ConditionType.AVAILABLE] = (
        cron_availability(seen.cron_job) if cron else availability(seen.deployment or _made(plan))
    )
    deployed = (seen.deployment or {}).get("status") or {}
    identity = seen.identity
    url = f"https://{plan.host}{settings.url_port}/" if plan.host else None
    return InkServiceStatus(
        observed_generation=generation,
        conditions=conditions.conditions_of(CHAIN, facts.values(), service.status.conditions, generation, now),
        url=url,
        urls=[url] if url else None,
        private_url=_private_url(effective, seen, plan),
        commit=plan.commit,
        image=plan.image,
        build=plan.build,
        revisions=list(plan.revisions) or None,
        namespace=identity.namespace,
        replicas=int(deployed.get("replicas") or 0),
        ready_replicas=int(deployed.get("readyReplicas") or 0),
        selector=f"{group.LABEL_COMPONENT}={names.APP},{group.LABEL_SERVICE}={identity.name}",
        port=plan.port,
        effective=effective_settings(effective, plan.port, settings),
    )


def _ready(steps: Sequence[Fact]) -> Fact:
    ready = conditions.roll_up(steps)
    if ready.status != "True":
        return ready
    deployed, routed = (next(f for f in steps if f.type == kind) for kind in (CHAIN[3], CHAIN[4]))
    # A worker or cron job has no URL to answer at.
    message = deployed.message if routed.reason == Reason.NOT_NEEDED else "The newest revision answers."
    return Fact(ConditionType.READY, "True", Reason.READY, message)


def availability(deployment: objects.Manifest | None) -> Fact:
    """Whether any revision serves."""
    if deployment is None:
        return Fact(ConditionType.AVAILABLE, "False", Reason.PENDING, "Nothing is deployed yet.")
    if deployment["spec"].get("replicas", 1) == 0:
        return Fact(ConditionType.AVAILABLE, "False", Reason.SUSPENDED, "The service is scaled to zero.")
    if int((deployment.get("status") or {}).get("availableReplicas") or 0) > 0:
        return Fact(ConditionType.AVAILABLE, "True", Reason.DEPLOYED, "A revision is serving.")
    return Fact(ConditionType.AVAILABLE, "False", Reason.PENDING, "No pod is available.")


def cron_availability(cron_job: objects.Manifest | None) -> Fact:
    """Whether runs will start."""
    if cron_job is None:
        return Fact(ConditionType.AVAILABLE, "False", Reason.PENDING, "There is no schedule yet.")
    if cron_job["spec"].get("suspend"):
        return Fact(ConditionType.AVAILABLE, "False", Reason.SUSPENDED, "The schedule is suspended, so no runs start.")
    return Fact(ConditionType.AVAILABLE, "True", Reason.DEPLOYED, "Runs start on schedule.")


def _made(plan: model.ServicePlan) -> objects.Manifest | None:
    """The Deployment that this pass creates."""
    made = (e.manifest for e in plan.effects if isinstance(e, effects.Apply))
    return next((m for m in made if m["kind"] == kinds.DEPLOYMENT.kind), None)


def _private_url(service: InkService, seen: model.Observed, plan: model.ServicePlan) -> str | None:
    if plan.port is None or is_worker(service):
        return None
    ports = ports_of(service, plan.port)
    first = public_port(ports) or ports[0]
    scheme = "http" if first.protocol == "HTTP" else "tcp"
    return f"{scheme}://{seen.identity.name}.{seen.identity.namespace}.svc.cluster.local:{first.port}"


def report_delay(before: InkServiceStatus, after: InkServiceStatus, *, backlogged: bool) -> float:
    """Seconds for which the report may wait: pods start one by one, but the result is reported at once."""
    if find(after.conditions, ConditionType.RECONCILING) is None:
        return 0.0
    counts = {"replicas": after.replicas, "ready_replicas": after.ready_replicas}
    if before != after and before.model_copy(update=counts) == after:
        return COUNTS_REPORT_SECONDS
    ready = find(after.conditions, ConditionType.READY)
    first = before.observed_generation < 0 and ready is not None and ready.reason == Reason.DEPLOYING
    return FIRST_REPORT_SECONDS if first and backlogged else 0.0
