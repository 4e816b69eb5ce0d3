"""Pure: the release command of a revision, before traffic moves to it.

It runs once for a revision whose success is recorded, and at least once otherwise. One command runs at a time: a new
revision waits for the command of an earlier one, because half a migration is worse than a late one.
"""

from dataclasses import replace

from ink_api.condition_types import ConditionType
from ink_api.inkservice import Release
from ink_api.reasons import Reason

from ink_operator.core import effects, kinds, objects
from ink_operator.core.plan import Fact
from ink_operator.inkservice import model
from ink_operator.inkservice.decide.plan import SET_UP_REQUEUE_SECONDS, ServicePlanBuilder
from ink_operator.inkservice.decide.revision import update_record
from ink_operator.inkservice.desired.releasejob import make_release_job, run_name
from ink_operator.inkservice.facts import diagnose, effective, revisions

RELEASED = ConditionType.RELEASED
REQUEUE_SECONDS = 15.0


def release_step(
    plan: ServicePlanBuilder, workload: objects.Manifest, revision: model.Revision, *, newest: bool
) -> bool:
    """Whether traffic may move to `revision`. Sets the condition, unless the newest revision is not known yet."""
    fact = _release(plan, workload, revision)
    if fact is None:
        return False
    if newest or fact.status != "True":
        plan.facts[RELEASED] = fact
    return fact.status == "True"


def _release(plan: ServicePlanBuilder, workload: objects.Manifest, revision: model.Revision) -> Fact | None:
    release = plan.service.spec.release
    if release is None:
        _delete_finished_jobs(plan)
        return Fact(RELEASED, "True", Reason.NOT_NEEDED, "The service has no release command.")
    _record_results(plan)
    revision = revisions.find(plan.revisions, revision.name) or revision
    if revision.release is not None and revision.release.ok:
        return Fact(RELEASED, "True", Reason.RELEASED, "The release command has run for this revision.")
    if plan.live == revision.name or revision.outcome == Reason.DEPLOYED or _is_restored(plan, revision):
        return Fact(
            RELEASED,
            "True",
            Reason.NOT_NEEDED,
            "This revision was already serving before the service had a release command.",
        )
    if effective.wanted_replicas(plan.service) == 0:
        # A suspended service is not released: that happens when it is resumed.
        return None
    if not plan.is_granted:
        plan.requeue_after(SET_UP_REQUEUE_SECONDS)
        return Fact(RELEASED, "Unknown", Reason.RELEASING, "The namespace is being set up.")
    run = run_name(plan.service, revision, release)
    if revision.release is not None and revision.release.run == run:
        return Fact(RELEASED, "False", Reason.RELEASE_FAILED, revision.release.message)
    return _run(plan, workload, revision, release, run)


def _is_restored(plan: ServicePlanBuilder, revision: model.Revision) -> bool:
    """The workload was deleted by hand: it is restored at once, even if a newer operator renders it differently."""
    last = revisions.last_deployed(plan.revisions)
    return plan.seen.workload is None and last is not None and last.running == revision.running


def _run(
    plan: ServicePlanBuilder, workload: objects.Manifest, revision: model.Revision, release: Release, run: str
) -> Fact:
    current = next((r for r in plan.seen.releases if r.run == run), None)
    plan.requeue_after(REQUEUE_SECONDS)
    if current is not None:
        failure = diagnose.blocked([current.pod] if current.pod is not None else [], plan.now)
        if failure is not None:
            return Fact(RELEASED, "False", failure.reason, failure.message)
        return Fact(RELEASED, "Unknown", Reason.RELEASING, "The release command is running.")
    if any(r.state == model.ReleaseState.RUNNING for r in plan.seen.releases):
        text = "Waiting for the release command of an earlier revision to finish."
        return Fact(RELEASED, "Unknown", Reason.RELEASING, text)
    _delete_finished_jobs(plan)
    plan.effects.append(effects.Create(make_release_job(plan.service, plan.seen.identity, revision, release, workload)))
    return Fact(RELEASED, "Unknown", Reason.RELEASING, "The release command is running.")


def _record_results(plan: ServicePlanBuilder) -> None:
    """Record each result before its Job may be deleted, also for revisions that are no longer wanted."""
    for run in plan.seen.releases:
        revision = revisions.find(plan.revisions, run.revision)
        if revision is None or run.state == model.ReleaseState.RUNNING or _is_recorded(revision, run):
            continue
        end = model.ReleaseResult(run.run, run.state == model.ReleaseState.SUCCEEDED, run.message)
        update_record(plan, replace(revision, release=end))


def _is_recorded(revision: model.Revision, run: model.ReleaseRun) -> bool:
    return revision.release is not None and (revision.release.ok or revision.release.run == run.run)


def _delete_finished_jobs(plan: ServicePlanBuilder) -> None:
    """The last Job is kept for its log until another one has to run."""
    for run in plan.seen.releases:
        if run.state != model.ReleaseState.RUNNING:
            plan.effects.append(effects.Delete(objects.Ref(kinds.JOB, plan.seen.identity.namespace, run.name), run.uid))
