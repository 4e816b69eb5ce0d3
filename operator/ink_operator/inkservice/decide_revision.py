"""Pure: the record of each revision and of each build that gave none, and what becomes of records."""

from dataclasses import replace
from typing import Any

from ink_api.condition_types import ConditionType
from ink_api.reasons import Reason

from ink_operator.core.effects import Create, Delete, MergePatch
from ink_operator.core.objects import CONTROLLER_REVISION, CRON_JOB, ROLE_BINDING, Manifest, Ref, annotations_of
from ink_operator.inkservice.builds import build_status
from ink_operator.inkservice.desired.namespace import OPERATORS_GRANT, grants
from ink_operator.inkservice.desired.revision import attempt_name, make_revision, release_json, revision_name
from ink_operator.inkservice.draft import Draft
from ink_operator.inkservice.model import (
    ANNOTATION_IMAGE_DELETED,
    ANNOTATION_OUTCOME,
    ANNOTATION_RELEASE,
    ANNOTATION_REVISION,
    Attempt,
    BuildState,
    Revision,
    Running,
)
from ink_operator.inkservice.revisions import (
    attempts_for,
    find,
    last_deployed,
    next_number,
    renumbered,
    superfluous,
)
from ink_operator.inkservice.rollout import rollout_of


def is_granted(draft: Draft) -> bool:
    """The operator may look into the workload's namespace, so what was observed there is all there is."""
    grant = draft.seen.tenancy.get((ROLE_BINDING.kind, OPERATORS_GRANT))
    return grants(grant, draft.settings)


def mend_numbers(draft: Draft) -> None:
    """Two records never keep one number: the status lists them by it."""
    for revision in renumbered(draft.revisions):
        amend(draft, revision)


def record(draft: Draft, workload: Manifest, running: Running) -> Revision:
    """The record of what `workload` brings up, made or renewed where needed."""
    template = annotations_of(workload)[ANNOTATION_REVISION]
    name = revision_name(draft.seen.identity, template, running.build_key)
    draft.revision = name
    known = find(draft.revisions, name)
    if known is None:
        return _create(draft, Revision(name, 0, template, running, build=_build_of(draft, running)))
    newest = max(r.number for r in draft.revisions if r.running is not None)
    if draft.live != name and known.number < newest:
        # As in a Deployment's history: what is rolled back to becomes the newest revision.
        return amend(draft, replace(known, number=next_number(draft.revisions)))
    return known


def _build_of(draft: Draft, running: Running) -> Any:
    if running.build_key is None:
        return None
    mine = attempts_for(draft.seen.attempts, draft.seen.revisions, running.build_key)
    good = [a for a in mine if a.state == BuildState.SUCCEEDED]
    return build_status(good[-1]) if good else None


def record_attempt(draft: Draft, attempt: Attempt) -> None:
    """Keep what is known of an attempt that gives no image, before its Job goes."""
    name = attempt_name(draft.seen.identity, attempt)
    if find(draft.revisions, name) is None:
        _create(draft, Revision(name, 0, build=build_status(attempt), attempt=attempt))


def supersede(draft: Draft, attempt: Attempt) -> None:
    """End a build that nobody waits for any more. One that only queued has nothing to be recorded."""
    if attempt.state == BuildState.RUNNING:
        if not is_granted(draft):
            return
        record_attempt(draft, replace(attempt, state=BuildState.SUPERSEDED, verdict=None))
    draft.drop_build(attempt)


def settle_revisions(draft: Draft) -> list[Revision]:
    """What became of the revision that runs, builds that failed, and no more records than are kept.

    Returns those that go.
    """
    if not is_granted(draft):
        return []
    _note_outcome(draft)
    for attempt in draft.seen.attempts:
        if attempt.state == BuildState.FAILED:
            record_attempt(draft, attempt)
    last = last_deployed(draft.revisions)
    # The record of a Job that is still there would be made again.
    of_jobs = {attempt_name(draft.seen.identity, a) for a in draft.seen.attempts}
    needed = of_jobs | {name for name in (draft.revision, draft.live, last.name if last else None) if name}
    dropped = superfluous(draft.revisions, frozenset(needed))
    for revision in dropped:
        draft.effects.append(Delete(record_ref(draft, revision), revision.uid or None))
        draft.revisions.remove(revision)
    return dropped


def _note_outcome(draft: Draft) -> None:
    """Deployed stays; a failure stays until the revision is deployed after all."""
    live, workload = draft.live, draft.seen.workload
    revision = find(draft.revisions, live) if live else None
    if workload is None or revision is None or revision.outcome == Reason.DEPLOYED:
        return
    fact = draft.facts.get(ConditionType.DEPLOYED)
    if _serves(draft, workload):
        amend(draft, replace(revision, outcome=str(Reason.DEPLOYED)))
    elif live == draft.revision and fact is not None and fact.status == "False" and revision.outcome != fact.reason:
        amend(draft, replace(revision, outcome=str(fact.reason)))


def _serves(draft: Draft, workload: Manifest) -> bool:
    """All pods of the revision were ready; or its schedule is in place, and nothing keeps its pods from starting."""
    if workload["kind"] == CRON_JOB.kind:
        fact = draft.facts.get(ConditionType.DEPLOYED)
        return draft.live == draft.revision and fact is not None and fact.status == "True"
    rollout = rollout_of(workload, draft.seen.pods, draft.settings.route_settle_seconds, draft.now)
    return rollout.complete and workload["spec"].get("replicas", 1) > 0


def amend(draft: Draft, revision: Revision) -> Revision:
    """Write what changed of a record; its data never does."""
    index, old = next((i, r) for i, r in enumerate(draft.revisions) if r.name == revision.name)
    notes: dict[str, str | None] = {}
    if revision.outcome != old.outcome:
        notes[ANNOTATION_OUTCOME] = revision.outcome
    if revision.release is not None and revision.release != old.release:
        notes[ANNOTATION_RELEASE] = release_json(revision.release)
    if old.image_deleted and not revision.image_deleted:
        notes[ANNOTATION_IMAGE_DELETED] = None
    patch: dict[str, Any] = {"metadata": {"annotations": notes}} if notes else {}
    if revision.number != old.number:
        patch["revision"] = revision.number
    draft.effects.append(MergePatch(record_ref(draft, revision), patch))
    draft.revisions[index] = revision
    return revision


def _create(draft: Draft, revision: Revision) -> Revision:
    revision = replace(revision, number=next_number(draft.revisions))
    draft.effects.append(Create(make_revision(draft.service, draft.seen.identity, revision)))
    draft.revisions.append(revision)
    return revision


def record_ref(draft: Draft, revision: Revision) -> Ref:
    """Where the record of a revision lies."""
    return Ref(CONTROLLER_REVISION, draft.seen.identity.namespace, revision.name)
