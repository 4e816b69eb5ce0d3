"""Pure: the record of each revision and of each build that gave none, and what becomes of records."""

from dataclasses import replace
from typing import Any

from ink_api.condition_types import ConditionType
from ink_api.reasons import Reason

from ink_operator.core import effects, kinds
from ink_operator.core.objects import Manifest, Ref, annotations_of
from ink_operator.inkservice import model, names
from ink_operator.inkservice.decide.plan import ServicePlanBuilder
from ink_operator.inkservice.desired.revision import make_revision, release_json
from ink_operator.inkservice.facts import builds, revisions
from ink_operator.inkservice.facts.rollout import rollout_of


def fix_numbers(plan: ServicePlanBuilder) -> None:
    """Two records never keep one number: the status lists them by it."""
    for revision in revisions.renumbered(plan.revisions):
        amend(plan, revision)


def record(plan: ServicePlanBuilder, workload: Manifest, running: model.Running) -> model.Revision:
    """The record of what `workload` brings up, made or renewed where needed."""
    template = annotations_of(workload)[names.ANNOTATION_REVISION]
    name = names.revision(plan.seen.identity, template, running.build_key)
    plan.revision = name
    known = revisions.find(plan.revisions, name)
    if known is None:
        return _create(plan, model.Revision(name, 0, template, running, build=_build_of(plan, running)))
    newest = max(r.number for r in plan.revisions if r.running is not None)
    if plan.live != name and known.number < newest:
        # As in a Deployment's history: what is rolled back to becomes the newest revision.
        return amend(plan, replace(known, number=revisions.next_number(plan.revisions)))
    return known


def _build_of(plan: ServicePlanBuilder, running: model.Running) -> Any:
    if running.build_key is None:
        return None
    mine = revisions.attempts_for(plan.seen.attempts, plan.seen.revisions, running.build_key)
    good = [a for a in mine if a.state == model.BuildState.SUCCEEDED]
    return builds.build_status(good[-1]) if good else None


def record_attempt(plan: ServicePlanBuilder, attempt: model.Attempt) -> None:
    """Keep what is known of an attempt that gives no image, before its Job goes."""
    name = names.attempt_record(plan.seen.identity, attempt.name)
    if revisions.find(plan.revisions, name) is None:
        _create(plan, model.Revision(name, 0, build=builds.build_status(attempt), attempt=attempt))


def supersede(plan: ServicePlanBuilder, attempt: model.Attempt) -> None:
    """End a build that nobody waits for any more. One that only queued has nothing to be recorded."""
    if attempt.state == model.BuildState.RUNNING:
        if not plan.is_granted:
            return
        record_attempt(plan, replace(attempt, state=model.BuildState.SUPERSEDED, verdict=None))
    plan.drop_build(attempt)


def settle_revisions(plan: ServicePlanBuilder) -> list[model.Revision]:
    """What became of the revision that runs, builds that failed, and no more records than are kept.

    Returns those that go.
    """
    if not plan.is_granted:
        return []
    _note_outcome(plan)
    for attempt in plan.seen.attempts:
        if attempt.state == model.BuildState.FAILED:
            record_attempt(plan, attempt)
    last = revisions.last_deployed(plan.revisions)
    # The record of a Job that is still there would be made again.
    of_jobs = {names.attempt_record(plan.seen.identity, a.name) for a in plan.seen.attempts}
    needed = of_jobs | {name for name in (plan.revision, plan.live, last.name if last else None) if name}
    dropped = revisions.superfluous(plan.revisions, frozenset(needed))
    for revision in dropped:
        plan.effects.append(effects.Delete(record_ref(plan, revision), revision.uid or None))
        plan.revisions.remove(revision)
    return dropped


def _note_outcome(plan: ServicePlanBuilder) -> None:
    """Deployed stays; a failure stays until the revision is deployed after all."""
    live, workload = plan.live, plan.seen.workload
    revision = revisions.find(plan.revisions, live) if live else None
    if workload is None or revision is None or revision.outcome == Reason.DEPLOYED:
        return
    fact = plan.facts.get(ConditionType.DEPLOYED)
    if _serves(plan, workload):
        amend(plan, replace(revision, outcome=str(Reason.DEPLOYED)))
    elif live == plan.revision and fact is not None and fact.status == "False" and revision.outcome != fact.reason:
        amend(plan, replace(revision, outcome=str(fact.reason)))


def _serves(plan: ServicePlanBuilder, workload: Manifest) -> bool:
    """All pods of the revision were ready; or its schedule is in place, and nothing keeps its pods from starting."""
    if workload["kind"] == kinds.CRON_JOB.kind:
        fact = plan.facts.get(ConditionType.DEPLOYED)
        return plan.live == plan.revision and fact is not None and fact.status == "True"
    rollout = rollout_of(workload, plan.seen.pods, plan.settings.route_settle_seconds, plan.now)
    return rollout.complete and workload["spec"].get("replicas", 1) > 0


def amend(plan: ServicePlanBuilder, revision: model.Revision) -> model.Revision:
    """Write what changed of a record; its data never does."""
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


def record_ref(plan: ServicePlanBuilder, revision: model.Revision) -> Ref:
    """Where the record of a revision lies."""
    return Ref(kinds.CONTROLLER_REVISION, plan.seen.identity.namespace, revision.name)
