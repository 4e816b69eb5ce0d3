"""Pure: the records of revisions and of failed builds, and which of them are kept."""

from dataclasses import replace
from typing import Any

from ink_api.condition_types import ConditionType
from ink_api.reasons import Reason

from ink_operator.core import effects, kinds, objects
from ink_operator.inkservice import model, names
from ink_operator.inkservice.decide.plan import ServicePlanBuilder
from ink_operator.inkservice.desired.revision import make_revision, release_json
from ink_operator.inkservice.facts import builds, revisions
from ink_operator.inkservice.facts.rollout import rollout_of


def renumber_records(plan: ServicePlanBuilder) -> None:
    """Every record gets a number of its own: the status lists them by number."""
    for revision in revisions.renumbered(plan.revisions):
        update_record(plan, revision)


def record(plan: ServicePlanBuilder, workload: objects.Manifest, running: model.Running) -> model.Revision:
    """The record of what `workload` runs, created or updated if necessary."""
    template = objects.annotations_of(workload)[names.ANNOTATION_REVISION]
    name = names.revision(plan.seen.identity, template, running.build_key)
    plan.revision = name
    known = revisions.find(plan.revisions, name)
    if known is None:
        return _create(plan, model.Revision(name, 0, template, running, build=_build_of(plan, running)))
    newest = max(r.number for r in plan.revisions if r.running is not None)
    if plan.live != name and known.number < newest:
        # As in a Deployment's history: a rollback makes the old revision the newest one.
        return update_record(plan, replace(known, number=revisions.next_number(plan.revisions)))
    return known


def _build_of(plan: ServicePlanBuilder, running: model.Running) -> Any:
    if running.build_key is None:
        return None
    attempts = revisions.attempts_for(plan.seen.attempts, plan.seen.revisions, running.build_key)
    good = [a for a in attempts if a.state == model.BuildState.SUCCEEDED]
    return builds.build_status(good[-1]) if good else None


def record_attempt(plan: ServicePlanBuilder, attempt: model.Attempt) -> None:
    """Record an attempt without an image before its Job is deleted."""
    name = names.attempt_record(plan.seen.identity, attempt.name)
    if revisions.find(plan.revisions, name) is None:
        _create(plan, model.Revision(name, 0, build=builds.build_status(attempt), attempt=attempt))


def supersede(plan: ServicePlanBuilder, attempt: model.Attempt) -> None:
    """Cancel a build that is no longer needed. One that only queued leaves no record."""
    if attempt.state == model.BuildState.RUNNING:
        if not plan.is_granted:
            return
        record_attempt(plan, replace(attempt, state=model.BuildState.SUPERSEDED, verdict=None))
    plan.drop_build(attempt)


def update_records(plan: ServicePlanBuilder) -> list[model.Revision]:
    """Record the outcome of the running revision and failed builds, and delete surplus records.

    Returns the deleted ones.
    """
    if not plan.is_granted:
        return []
    _record_outcome(plan)
    for attempt in plan.seen.attempts:
        if attempt.state == model.BuildState.FAILED:
            record_attempt(plan, attempt)
    last = revisions.last_deployed(plan.revisions)
    # The record of an existing Job would be created again.
    of_jobs = {names.attempt_record(plan.seen.identity, a.name) for a in plan.seen.attempts}
    needed = of_jobs | {name for name in (plan.revision, plan.live, last.name if last else None) if name}
    dropped = revisions.surplus_records(plan.revisions, frozenset(needed))
    for revision in dropped:
        plan.effects.append(effects.Delete(record_ref(plan, revision), revision.uid or None))
        plan.revisions.remove(revision)
    return dropped


def _record_outcome(plan: ServicePlanBuilder) -> None:
    """Deployed is final; a failure may still become Deployed."""
    live, workload = plan.live, plan.seen.workload
    revision = revisions.find(plan.revisions, live) if live else None
    if workload is None or revision is None or revision.outcome == Reason.DEPLOYED:
        return
    fact = plan.facts.get(ConditionType.DEPLOYED)
    if _was_deployed(plan, workload):
        update_record(plan, replace(revision, outcome=str(Reason.DEPLOYED)))
    elif live == plan.revision and fact is not None and fact.status == "False" and revision.outcome != fact.reason:
        update_record(plan, replace(revision, outcome=str(fact.reason)))


def _was_deployed(plan: ServicePlanBuilder, workload: objects.Manifest) -> bool:
    """All pods of the revision were ready; or its schedule is in place, and its pods can start."""
    if workload["kind"] == kinds.CRON_JOB.kind:
        fact = plan.facts.get(ConditionType.DEPLOYED)
        return plan.live == plan.revision and fact is not None and fact.status == "True"
    rollout = rollout_of(workload, plan.seen.pods, plan.settings.route_settle_seconds, plan.now)
    return rollout.complete and workload["spec"].get("replicas", 1) > 0


def update_record(plan: ServicePlanBuilder, revision: model.Revision) -> model.Revision:
    """Update a record's annotations and number; its data never changes."""
    index, old = next((i, r) for i, r in enumerate(plan.revisions) if r.name == revision.name)
    notes: dict[str, str | None] = {}
    if revision.outcome != old.outcome:
        notes[names.ANNOTATION_OUTCOME] = revision.outcome
    if revision.release is not None and revision.release != old.release:
        notes[names.ANNOTATION_RELEASE] = release_json(revision.release)
    if old.image_deleted and not revision.image_deleted:
        notes[names.ANNOTATION_IMAGE_DELETED] = None
    patch: dict[str, Any] = {"metadata": {"annotations": notes}} if notes else {}
    if revision.number != old.number:
        patch["revision"] = revision.number
    plan.effects.append(effects.MergePatch(record_ref(plan, revision), patch))
    plan.revisions[index] = revision
    return revision


def _create(plan: ServicePlanBuilder, revision: model.Revision) -> model.Revision:
    revision = replace(revision, number=revisions.next_number(plan.revisions))
    plan.effects.append(effects.Create(make_revision(plan.service, plan.seen.identity, revision)))
    plan.revisions.append(revision)
    return revision


def record_ref(plan: ServicePlanBuilder, revision: model.Revision) -> objects.Ref:
    """The object that holds the record of a revision."""
    return objects.Ref(kinds.CONTROLLER_REVISION, plan.seen.identity.namespace, revision.name)
