"""Pure: the release command of a revision, before traffic moves to it.

It runs once for a revision whose success is recorded, and at least once otherwise. One command runs at a time: a new
revision waits for the command of an earlier one, as half a migration is worse than a late one.
"""

from dataclasses import replace

from ink_api.condition_types import ConditionType
from ink_api.inkservice import Release
from ink_api.reasons import Reason

from ink_operator.core import effects, kinds
from ink_operator.core.objects import Manifest, Ref
from ink_operator.core.plan import Fact
from ink_operator.inkservice import model
from ink_operator.inkservice.decide.plan import ServicePlanBuilder
from ink_operator.inkservice.decide.revision import amend
from ink_operator.inkservice.desired.releasejob import make_release_job, run_name
from ink_operator.inkservice.facts import diagnose, effective, revisions

RELEASED = ConditionType.RELEASED
LOOK_SECONDS = 15.0
SET_UP_LOOK_SECONDS = 0.3


def release_step(plan: ServicePlanBuilder, workload: Manifest, revision: model.Revision, *, newest: bool) -> bool:
    """May traffic move to `revision`? States the fact, unless the service's newest revision is not known yet."""
    fact = _release(plan, workload, revision)
    if fact is None:
        return False
    if newest or fact.status != "True":
        plan.facts[RELEASED] = fact
    return fact.status == "True"


def _release(plan: ServicePlanBuilder, workload: Manifest, revision: model.Revision) -> Fact | None:
    release = plan.service.spec.release
    if release is None:
        _drop_ended(plan)
        return Fact(RELEASED, "True", Reason.NOT_NEEDED, "The service has no release command.")
    _note_ends(plan)
    revision = revisions.find(plan.revisions, revision.name) or revision
    if revision.release is not None and revision.release.ok:
        return Fact(RELEASED, "True", Reason.RELEASED, "The release command has run for this revision.")
    if plan.live == revision.name or revision.outcome == Reason.DEPLOYED or _comes_back(plan, revision):
        return Fact(RELEASED, "True", Reason.NOT_NEEDED, "This revision served before it had a release command.")
    if effective.wanted_replicas(plan.service) == 0:
        # What is not to run is not released either: that comes when the service is wanted again.
        return None
    if not plan.is_granted:
        plan.requeue_after(SET_UP_LOOK_SECONDS)
        return Fact(RELEASED, "Unknown", Reason.RELEASING, "The namespace is being set up.")
    run = run_name(plan.service, revision, release)
    if revision.release is not None and revision.release.run == run:
        return Fact(RELEASED, "False", Reason.RELEASE_FAILED, revision.release.message)
    return _run(plan, workload, revision, release, run)


def _comes_back(plan: ServicePlanBuilder, revision: model.Revision) -> bool:
    """The workload was deleted by hand: what it ran is put back at once, even if a newer operator renders it anew."""
    last = revisions.last_deployed(plan.revisions)
    return plan.seen.workload is None and last is not None and last.running == revision.running


def _run(plan: ServicePlanBuilder, workload: Manifest, revision: model.Revision, release: Release, run: str) -> Fact:
    mine = next((r for r in plan.seen.releases if r.run == run), None)
    plan.requeue_after(LOOK_SECONDS)
    if mine is not None:
        failure = diagnose.blocked([mine.pod] if mine.pod is not None else [], plan.now)
        if failure is not None:
            return Fact(RELEASED, "False", failure.reason, failure.message)
        return Fact(RELEASED, "Unknown", Reason.RELEASING, "Runs the release command.")
    if any(r.state == model.ReleaseState.RUNNING for r in plan.seen.releases):
        text = "Waits for the release command of an earlier revision to end."
        return Fact(RELEASED, "Unknown", Reason.RELEASING, text)
    _drop_ended(plan)
    plan.effects.append(effects.Create(make_release_job(plan.service, plan.seen.identity, revision, release, workload)))
    return Fact(RELEASED, "Unknown", Reason.RELEASING, "Runs the release command.")


def _note_ends(plan: ServicePlanBuilder) -> None:
    """How a command ended is on record before its Job may go, also that of a revision that is not wanted any more."""
    for run in plan.seen.releases:
        revision = revisions.find(plan.revisions, run.revision)
        if revision is None or run.state == model.ReleaseState.RUNNING or _is_noted(revision, run):
            continue
        end = model.ReleaseEnd(run.run, run.state == model.ReleaseState.SUCCEEDED, run.message)
        amend(plan, replace(revision, release=end))


def _is_noted(revision: model.Revision, run: model.ReleaseRun) -> bool:
    return revision.release is not None and (revision.release.ok or revision.release.run == run.run)


def _drop_ended(plan: ServicePlanBuilder) -> None:
    """The last Job stays for its log until another one is to run."""
    for run in plan.seen.releases:
        if run.state != model.ReleaseState.RUNNING:
            plan.effects.append(effects.Delete(Ref(kinds.JOB, plan.seen.identity.namespace, run.name), run.uid))
