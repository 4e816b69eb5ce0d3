"""Pure: facts -> status. The only place that writes conditions; Ready is computed from its parts, never set."""

from collections.abc import Sequence
from datetime import datetime

from ink_api.condition_types import ConditionType
from ink_api.conditions import Condition, find, with_condition
from ink_api.group import LABEL_COMPONENT, LABEL_SERVICE
from ink_api.inkservice import InkService, InkServiceStatus
from ink_api.reasons import PROGRESS, Reason, remedy

from ink_operator.core.effects import Apply
from ink_operator.core.objects import DEPLOYMENT, Manifest
from ink_operator.inkservice.effective import effective_settings, is_worker, ports_of, public_port
from ink_operator.inkservice.model import Fact, Observed, Plan
from ink_operator.settings import Settings

CHAIN = (
    ConditionType.SOURCE_RESOLVED,
    ConditionType.BUILT,
    ConditionType.RELEASED,
    ConditionType.DEPLOYED,
    ConditionType.ROUTED,
)
WAITS = "Waits for an earlier step."


def summarise(service: InkService, seen: Observed, plan: Plan, settings: Settings, now: datetime) -> InkServiceStatus:
    """The whole status. Equal inputs give an equal status, so an unchanged world is not written."""
    generation, effective = service.metadata.generation, plan.effective or service
    facts = {fact.type: fact for fact in plan.facts}
    chain = [facts.get(kind) or Fact(kind, "Unknown", Reason.PENDING, WAITS) for kind in CHAIN]
    ready = facts.get(ConditionType.READY) or roll_up(chain)
    cron = service.spec.cron is not None
    available = cron_availability(seen.cron_job) if cron else availability(seen.deployment or _made(plan))
    rest = [available, ready, *_kstatus(ready)]
    if ConditionType.LAST_RUN_SUCCEEDED in facts:
        rest.append(facts[ConditionType.LAST_RUN_SUCCEEDED])
    conditions: list[Condition] = []
    for fact in (*chain, *rest):
        old = find(service.status.conditions, fact.type)
        before = [old] if old else []
        (condition,) = with_condition(before, _condition(fact, generation, now))
        conditions.append(condition)
    deployed = (seen.deployment or {}).get("status") or {}
    identity = seen.identity
    url = f"https://{plan.host}{settings.url_port}/" if plan.host else None
    return InkServiceStatus(
        observed_generation=generation,
        conditions=sorted(conditions, key=lambda c: c.type),
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
        selector=f"{LABEL_COMPONENT}=app,{LABEL_SERVICE}={identity.name}",
        port=plan.port,
        effective=effective_settings(effective, plan.port, settings),
    )


def going(service: InkService, now: datetime) -> InkServiceStatus:
    """The last status of all: nothing is live that is being removed. The rest stays as it was told last."""
    generation, message = service.metadata.generation, "The service and what belongs to it are being removed."
    gone = Fact(ConditionType.READY, "Unknown", Reason.DELETING, message)
    kept = [c for c in service.status.conditions if c.type != ConditionType.STALLED]
    for fact in (gone, *_kstatus(gone)):
        kept = with_condition(kept, _condition(fact, generation, now))
    conditions = sorted(kept, key=lambda c: c.type)
    return service.status.model_copy(update={"observed_generation": generation, "conditions": conditions})


def roll_up(chain: Sequence[Fact]) -> Fact:
    """Ready: the first step that is not done explains it."""
    for fact in chain:
        if fact.status != "True":
            status = fact.status if fact.reason in PROGRESS else "False"
            return Fact(ConditionType.READY, status, fact.reason, fact.message)
    deployed, routed = (
        next((f for f in chain if f.type == kind), None) for kind in (ConditionType.DEPLOYED, ConditionType.ROUTED)
    )
    # Of a worker or a cron job nobody can say that it answers.
    silent = deployed is not None and routed is not None and routed.reason == Reason.NOT_NEEDED
    message = deployed.message if silent and deployed else "The newest revision answers."
    return Fact(ConditionType.READY, "True", Reason.READY, message)


def availability(deployment: Manifest | None) -> Fact:
    """Some revision serves."""
    if deployment is None:
        return Fact(ConditionType.AVAILABLE, "False", Reason.PENDING, "Nothing runs yet.")
    if deployment["spec"].get("replicas", 1) == 0:
        return Fact(ConditionType.AVAILABLE, "False", Reason.SUSPENDED, "The service is scaled to zero.")
    if int((deployment.get("status") or {}).get("availableReplicas") or 0) > 0:
        return Fact(ConditionType.AVAILABLE, "True", Reason.DEPLOYED, "A revision serves.")
    return Fact(ConditionType.AVAILABLE, "False", Reason.PENDING, "No pod is available.")


def _made(plan: Plan) -> Manifest | None:
    """The Deployment that this pass makes."""
    made = (e.manifest for e in plan.effects if isinstance(e, Apply))
    return next((m for m in made if m["kind"] == DEPLOYMENT.kind), None)


def only_counts_differ(before: InkServiceStatus, after: InkServiceStatus) -> bool:
    """Nothing is new but the number of pods."""
    counts = {"replicas": after.replicas, "ready_replicas": after.ready_replicas}
    return before != after and before.model_copy(update=counts) == after


def is_first_of_deploying(before: InkServiceStatus, after: InkServiceStatus) -> bool:
    """Nothing was told of the service yet, and there is nothing to tell but that its pods are about to start."""
    ready = find(after.conditions, ConditionType.READY)
    return before.observed_generation < 0 and ready is not None and ready.reason == Reason.DEPLOYING


def cron_availability(cron_job: Manifest | None) -> Fact:
    """Runs will start."""
    if cron_job is None:
        return Fact(ConditionType.AVAILABLE, "False", Reason.PENDING, "There is no schedule yet.")
    if cron_job["spec"].get("suspend"):
        return Fact(ConditionType.AVAILABLE, "False", Reason.SUSPENDED, "No run is started.")
    return Fact(ConditionType.AVAILABLE, "True", Reason.DEPLOYED, "Runs start at their times.")


def _kstatus(ready: Fact) -> list[Fact]:
    """Reconciling and Stalled are there only while True, and never both."""
    if ready.status == "True":
        return []
    kind = ConditionType.RECONCILING if ready.reason in PROGRESS else ConditionType.STALLED
    return [Fact(kind, "True", ready.reason, ready.message)]


def _condition(fact: Fact, generation: int, now: datetime) -> Condition:
    message = fact.message
    help_text = remedy(fact.reason) if fact.status != "True" or fact.type == ConditionType.STALLED else ""
    if help_text and help_text not in message:
        message = f"{sentence(message)} {help_text}".strip()
    return Condition(
        type=fact.type,
        status=fact.status,
        reason=fact.reason,
        message=message,
        observed_generation=generation,
        last_transition_time=now.replace(microsecond=0),
    )


def sentence(text: str) -> str:
    """The text with an end, so that another sentence may follow."""
    text = text.rstrip(" ")
    return text if not text or text[-1] in ".!?\n" else f"{text}."


def _private_url(service: InkService, seen: Observed, plan: Plan) -> str | None:
    if plan.port is None or is_worker(service):
        return None
    ports = ports_of(service, plan.port)
    first = public_port(ports) or ports[0]
    scheme = "http" if first.protocol == "HTTP" else "tcp"
    return f"{scheme}://{seen.identity.name}.{seen.identity.namespace}.svc.cluster.local:{first.port}"
