"""Pure: the release command of a revision, before traffic moves to it.

It runs once for a revision whose success is recorded, and at least once otherwise. One command runs at a time: a new
revision waits for the command of an earlier one, as half a migration is worse than a late one.
"""

from dataclasses import replace

from ink_api.condition_types import ConditionType
from ink_api.inkservice import Release
from ink_api.reasons import Reason

from ink_operator.core.effects import Create, Delete
from ink_operator.core.objects import JOB, Manifest, Ref
from ink_operator.inkservice.decide_revision import amend, is_granted
from ink_operator.inkservice.desired.releasejob import make_release_job, run_name
from ink_operator.inkservice.diagnose import blocked
from ink_operator.inkservice.draft import Draft
from ink_operator.inkservice.effective import wanted_replicas
from ink_operator.inkservice.model import Fact, ReleaseEnd, ReleaseRun, ReleaseState, Revision
from ink_operator.inkservice.revisions import find, last_deployed

RELEASED = ConditionType.RELEASED
LOOK_SECONDS = 15.0
SET_UP_LOOK_SECONDS = 0.3


def release_step(draft: Draft, workload: Manifest, revision: Revision, *, newest: bool) -> bool:
    """May traffic move to `revision`? States the fact, unless the service's newest revision is not known yet."""
    fact = _release(draft, workload, revision)
    if fact is None:
        return False
    if newest or fact.status != "True":
        draft.facts[RELEASED] = fact
    return fact.status == "True"


def _release(draft: Draft, workload: Manifest, revision: Revision) -> Fact | None:
    release = draft.service.spec.release
    if release is None:
        _drop_ended(draft)
        return Fact(RELEASED, "True", Reason.NOT_NEEDED, "The service has no release command.")
    _note_ends(draft)
    revision = find(draft.revisions, revision.name) or revision
    if revision.release is not None and revision.release.ok:
        return Fact(RELEASED, "True", Reason.RELEASED, "The release command has run for this revision.")
    if draft.live == revision.name or revision.outcome == Reason.DEPLOYED or _comes_back(draft, revision):
        return Fact(RELEASED, "True", Reason.NOT_NEEDED, "This revision served before it had a release command.")
    if wanted_replicas(draft.service) == 0:
        # What is not to run is not released either: that comes when the service is wanted again.
        return None
    if not is_granted(draft):
        draft.look_again(SET_UP_LOOK_SECONDS)
        return Fact(RELEASED, "Unknown", Reason.RELEASING, "The namespace is being set up.")
    run = run_name(draft.service, revision, release)
    if revision.release is not None and revision.release.run == run:
        return Fact(RELEASED, "False", Reason.RELEASE_FAILED, revision.release.message)
    return _run(draft, workload, revision, release, run)


def _comes_back(draft: Draft, revision: Revision) -> bool:
    """The workload was deleted by hand: what it ran is put back at once, even if a newer operator renders it anew."""
    last = last_deployed(draft.revisions)
    return draft.seen.workload is None and last is not None and last.running == revision.running


def _run(draft: Draft, workload: Manifest, revision: Revision, release: Release, run: str) -> Fact:
    mine = next((r for r in draft.seen.releases if r.run == run), None)
    draft.look_again(LOOK_SECONDS)
    if mine is not None:
        failure = blocked([mine.pod] if mine.pod is not None else [], draft.now)
        if failure is not None:
            return Fact(RELEASED, "False", failure.reason, failure.message)
        return Fact(RELEASED, "Unknown", Reason.RELEASING, "Runs the release command.")
    if any(r.state == ReleaseState.RUNNING for r in draft.seen.releases):
        text = "Waits for the release command of an earlier revision to end."
        return Fact(RELEASED, "Unknown", Reason.RELEASING, text)
    _drop_ended(draft)
    draft.effects.append(Create(make_release_job(draft.service, draft.seen.identity, revision, release, workload)))
    return Fact(RELEASED, "Unknown", Reason.RELEASING, "Runs the release command.")


def _note_ends(draft: Draft) -> None:
    """How a command ended is on record before its Job may go, also that of a revision that is not wanted any more."""
    for run in draft.seen.releases:
        revision = find(draft.revisions, run.revision)
        if revision is None or run.state == ReleaseState.RUNNING or _is_noted(revision, run):
            continue
        end = ReleaseEnd(run.run, run.state == ReleaseState.SUCCEEDED, run.message)
        amend(draft, replace(revision, release=end))


def _is_noted(revision: Revision, run: ReleaseRun) -> bool:
    return revision.release is not None and (revision.release.ok or revision.release.run == run.run)


def _drop_ended(draft: Draft) -> None:
    """The last Job stays for its log until another one is to run."""
    for run in draft.seen.releases:
        if run.state != ReleaseState.RUNNING:
            draft.effects.append(Delete(Ref(JOB, draft.seen.identity.namespace, run.name), run.uid))
