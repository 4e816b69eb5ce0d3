"""One pass over one InkService: observe, decide, carry out, report. Any may be the first, or cut short."""

import logging
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from ink_api.conditions import ConditionType, find
from ink_api.group import ANNOTATION_PAUSED, FINALIZER
from ink_api.inkservice import InkService, InkServiceStatus
from ink_api.names import ServiceIdentity, identity_of
from ink_api.reasons import Reason
from pydantic import ValidationError

from ink_operator.core import kinds
from ink_operator.core.canonical import replacing
from ink_operator.core.effects import Apply, Create
from ink_operator.core.errors import Forbidden, InkError, Terminal
from ink_operator.core.objects import Key, Manifest, Ref
from ink_operator.core.result import Result
from ink_operator.core.shared import Shared
from ink_operator.core.times import seconds_since
from ink_operator.inkservice.act.carry_out import carry_out
from ink_operator.inkservice.act.finalize import finalize
from ink_operator.inkservice.decide.plan import REFUSED_LOOK_SECONDS
from ink_operator.inkservice.decide.service import decide
from ink_operator.inkservice.facts.status import going, is_first_of_deploying, only_counts_differ, summarise
from ink_operator.inkservice.model import ClaimHost, Fact, Observed, Plan, ServiceContext, StartBuild
from ink_operator.inkservice.observe.service import observe
from ink_operator.ports import Ports
from ink_operator.settings import Settings

log = logging.getLogger(__name__)
COUNTS_GATHER_SECONDS = 10.0
"""While a revision is rolled out, a change of the numbers of pods alone is told so much later at most."""
FIRST_GATHER_SECONDS = 30.0
"""While others wait for their turn, the first word about a service whose pods are to start is told so much later."""
PATIENCE = 5
"""Failed passes in a row before the status says so: nothing stays "in progress" for ever."""
PATIENCE_WITH_RIGHTS = 8
"""The same when a right is missing: those of a fresh namespace need a moment to be seen."""


MAKES = (Apply, Create, ClaimHost, StartBuild)
"""Effects that leave something behind."""


class Moment(NamedTuple):
    """The object as it was read, and what belongs to this pass."""

    raw: Manifest
    service: InkService
    ports: Ports
    settings: Settings
    now: datetime


async def reconcile(key: Key, failures: int, ports: Ports, shared: Shared, settings: Settings) -> Result:
    """Move one InkService towards its spec. `failures`: failed passes in a row before this one."""
    raw = await ports.cluster.get(Ref(kinds.INK_SERVICE, key.namespace, key.name))
    if raw is None:
        ports.references.follow(key, frozenset())
        return Result()
    now = datetime.now(UTC)
    service, identity, wrong = parse(raw, settings)
    at = Moment(raw, service, ports, settings, now)
    if service.metadata.deletion_timestamp:
        ports.references.follow(key, frozenset())
        # A status that cannot be written holds no deletion up.
        if not failures and FINALIZER in service.metadata.finalizers and await _write(at, going(service, now)):
            # The finalizer is taken away at the version that was read, and that one is of yesterday now.
            return Result(0.0)
        return await finalize(service, identity, ports, shared, settings, failures=failures, now=now)
    if service.metadata.annotations.get(ANNOTATION_PAUSED) == "true":
        return Result()
    if identity is None or wrong:
        seen = Observed(ServiceIdentity(key.namespace, "", key.name, key.namespace))
        await _report(at, seen, refused(Reason.INVALID_SPEC, wrong))
        return Result()
    seen_alive = await _hold(service, ports)
    if seen_alive is False:
        return Result()
    context = ServiceContext(service, identity, settings)
    seen = Observed(identity)
    try:
        seen = await observe(context, ports, shared, now)
        plan = decide(service, seen, settings, now)
        if not seen_alive and any(isinstance(e, MAKES) for e in plan.effects) and not await _is_there(service, ports):
            return Result()
        plan = await _carried_out(context, plan, ports, shared)
    except InkError as error:
        if failures >= (PATIENCE_WITH_RIGHTS if isinstance(error, Forbidden) else PATIENCE):
            await _report(at, seen, refused(error.reason, str(error)))
        raise
    except Exception:
        if failures >= PATIENCE:
            await _report(at, seen, refused(Reason.INTERNAL_ERROR, "The operator fails at this object."))
        raise
    return Result(await _report(at, seen, plan))


def parse(raw: Manifest, settings: Settings) -> tuple[InkService, ServiceIdentity | None, str]:
    """The typed object, who it is if its name says so, and what is wrong with it.

    An unreadable spec does not hide who it is: its deletion still has to clean up. A status that is not ours to read,
    such as one that somebody broke, counts as none.
    """
    body: dict[str, Any] = {"metadata": raw["metadata"], "spec": raw.get("spec") or {}}
    try:
        body["status"] = InkServiceStatus.model_validate(raw.get("status") or {})
    except ValidationError:
        log.info("the status of %s/%s is unreadable", raw["metadata"]["namespace"], raw["metadata"]["name"])
    wrong = ""
    try:
        service = InkService.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        wrong = f"{where}: {first['msg']}."
        service = InkService.model_validate({**body, "spec": {"source": {}}})
    try:
        meta = service.metadata
        return service, identity_of(meta.namespace, meta.name, settings.tenants_namespace), wrong
    except ValueError as error:
        return service, None, f"metadata.name: {error}."


async def _hold(service: InkService, ports: Ports) -> bool | None:
    """The finalizer comes before anything that it must clean up. Says whether the service is there, if it asked."""
    meta = service.metadata
    if FINALIZER in meta.finalizers:
        return None
    patch = {"metadata": {"finalizers": [*meta.finalizers, FINALIZER], "resourceVersion": meta.resource_version}}
    return await ports.cluster.merge_patch(Ref(kinds.INK_SERVICE, meta.namespace, meta.name), patch) is not None


async def _is_there(service: InkService, ports: Ports) -> bool:
    """Nothing is made for a service that somebody deleted past its finalizer: nobody would clean it up."""
    meta = service.metadata
    live = await ports.cluster.get_fresh(Ref(kinds.INK_SERVICE, meta.namespace, meta.name))
    return live is not None and live["metadata"]["uid"] == meta.uid


async def _carried_out(context: ServiceContext, plan: Plan, ports: Ports, shared: Shared) -> Plan:
    """The plan with what came of it: a failure that only a person can mend, if there was one; others raise."""
    try:
        made = await carry_out(context, plan.effects, ports, shared)
    except Terminal as error:
        return _with_failure(plan, error)
    if not made:
        return plan
    revisions = (r.model_copy(update={"created": made[r.name]}) if r.name in made else r for r in plan.revisions)
    return replace(plan, revisions=tuple(revisions))


def refused(reason: Reason, message: str) -> Plan:
    """A plan that does nothing but say why."""
    return Plan(facts=(Fact(ConditionType.READY, "False", reason, message),))


def _with_failure(plan: Plan, error: Terminal) -> Plan:
    kept = tuple(fact for fact in plan.facts if fact.type != ConditionType.READY)
    facts = (*kept, Fact(ConditionType.READY, "False", error.reason, str(error)))
    # What the API server refuses it refuses again at once; a quota may be freed, of which no event tells.
    return replace(plan, facts=facts, requeue_after_seconds=REFUSED_LOOK_SECONDS)


async def _report(at: Moment, seen: Observed, plan: Plan) -> float | None:
    """One status patch, only when something changed, and events for its transitions.

    Returns in how many seconds to look again.
    """
    status = summarise(at.service, seen, plan, at.settings, at.now)
    wait = _gathers(at, status)
    if wait > 0:
        return wait if plan.requeue_after_seconds is None else min(wait, plan.requeue_after_seconds)
    if await _write(at, status):
        _measure(at, status, seen)
    return plan.requeue_after_seconds


def _gathers(at: Moment, status: InkServiceStatus) -> float:
    """Seconds for which a difference need not be told yet: pods come one by one; what they come to is told at once."""
    uid, untold, before = at.service.metadata.uid, at.ports.untold, at.service.status
    most = 0.0
    if find(status.conditions, ConditionType.RECONCILING) is not None:
        if only_counts_differ(before, status):
            most = COUNTS_GATHER_SECONDS
        elif is_first_of_deploying(before, status) and at.ports.wakeups.is_backlogged:
            most = FIRST_GATHER_SECONDS
    since = untold.get(uid, at.now)
    if since is None and most:
        untold.put(uid, at.now, at.now)
    left = most - (at.now - since).total_seconds() if since is not None else most
    if left <= 0:
        untold.forget(uid)
    return max(0.0, left)


async def _write(at: Moment, status: InkServiceStatus) -> bool:
    """Whether there was anything new."""
    service, ports = at.service, at.ports
    if status == service.status:
        return False
    patch = replacing(at.raw.get("status") or {}, status.to_wire())
    ref = Ref(kinds.INK_SERVICE, service.metadata.namespace, service.metadata.name)
    await ports.cluster.merge_patch(ref, {"status": patch}, subresource="status")
    ports.events.record(kinds.INK_SERVICE, at.raw, service.status.conditions, status.conditions)
    return True


def _measure(at: Moment, status: InkServiceStatus, seen: Observed) -> None:
    """From the creation of the build to the first answer of its commit."""
    before, after = (find(s.conditions, ConditionType.READY) for s in (at.service.status, status))
    became_ready = after is not None and after.status == "True" and (before is None or before.status != "True")
    build = next((a for a in reversed(seen.attempts) if a.commit == status.commit), None)
    age = seconds_since(build.created, at.now) if build else None
    if became_ready and age is not None:
        at.ports.metrics.went_live(age)
