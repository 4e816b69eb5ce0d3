"""Pure: a service that runs at given times. Ready: the schedule is in place, and no run of it waits for its image.

How the last run ended is a condition of its own: a run that fails does not make the schedule wrong.
"""

from ink_api.condition_types import ConditionType
from ink_api.conditions import find
from ink_api.reasons import Reason

from ink_operator.core.effects import Delete, MergePatch
from ink_operator.core.objects import JOB, Manifest, Ref, annotations_of, is_deleting, labels_of, ref_of
from ink_operator.core.times import parse_time
from ink_operator.inkservice.decide_environment import drop_environment
from ink_operator.inkservice.decide_release import release_step
from ink_operator.inkservice.decide_revision import record
from ink_operator.inkservice.desired.cron import make_cron_job
from ink_operator.inkservice.diagnose import blocked, cannot_start, how_it_ended, newest_pods, wait_seconds
from ink_operator.inkservice.draft import Draft
from ink_operator.inkservice.effective import wanted_replicas
from ink_operator.inkservice.model import ANNOTATION_REVISION, LABEL_REVISION, Fact, Running

LOOK_SECONDS = 2.0
LAST_RUN = ConditionType.LAST_RUN_SUCCEEDED


def cron_step(draft: Draft, running: Running, newest: bool) -> None:
    """The CronJob first; what served before goes when there is one."""
    seen = draft.seen
    wanted = make_cron_job(draft.effective, seen.identity, running, draft.settings, seen.digests, live=seen.cron_job)
    if not release_step(draft, wanted, record(draft, wanted, running), newest=newest):
        hold_schedule(draft)
        return
    changing = draft.apply(seen.cron_job, wanted)
    draft.remove(seen.ingress, seen.autoscaler, seen.deployment, seen.service)
    if seen.ingress is None:
        draft.release_hosts()
    report_last_run(draft)
    if not newest:
        return
    draft.say(ConditionType.ROUTED, "True", Reason.NOT_NEEDED, "A cron job has no address.")
    if changing or seen.cron_job is None:
        draft.say(ConditionType.DEPLOYED, "Unknown", Reason.DEPLOYING, "The schedule is being set.")
        draft.look_again(LOOK_SECONDS)
        return
    drop_environment(draft)
    revision = annotations_of(seen.cron_job).get(ANNOTATION_REVISION, "")
    _end_stuck_runs(draft, revision)
    _report(draft, seen.cron_job, revision)


def _end_stuck_runs(draft: Draft, revision: str) -> None:
    """A run of an earlier revision whose container cannot start goes: what is mended now does not reach it, and by the
    concurrency policy it would keep every later run from starting until its time is over.
    """
    for pod in draft.seen.pods:
        earlier = labels_of(pod).get(LABEL_REVISION) != revision and not is_deleting(pod)
        if not earlier or how_it_ended(pod) or blocked([pod], draft.now) is None:
            continue
        for owner in pod["metadata"].get("ownerReferences") or []:
            if owner.get("kind") == JOB.kind and owner.get("controller"):
                ref = Ref(JOB, pod["metadata"]["namespace"], owner["name"])
                draft.effects.append(Delete(ref, owner["uid"]))


def _report(draft: Draft, cron_job: Manifest, revision: str) -> None:
    pods = [p for p in newest_pods(draft.seen.pods, revision) if not how_it_ended(p)]
    failure = cannot_start(pods, draft.now)
    if failure is not None:
        waits = " Until then no other run starts." if cron_job["spec"].get("concurrencyPolicy") == "Forbid" else ""
        draft.say(ConditionType.DEPLOYED, "False", failure.reason, f"{failure.message}{waits}")
        return
    if pods:
        draft.look_again(wait_seconds(pods, None, draft.now))
    schedule = f"{cron_job['spec']['schedule']} ({cron_job['spec'].get('timeZone', 'Etc/UTC')})"
    draft.say(ConditionType.DEPLOYED, "True", Reason.DEPLOYED, f"The schedule {schedule} is in place.")


def report_last_run(draft: Draft) -> None:
    """As the CronJob tells it. While a run is under way the word about the one before stands."""
    status = (draft.seen.cron_job or {}).get("status") or {}
    time = status.get("lastScheduleTime")
    started, succeeded = parse_time(time), parse_time(status.get("lastSuccessfulTime"))
    if started is None:
        return
    if succeeded is not None and succeeded >= started:
        draft.say(LAST_RUN, "True", Reason.RUN_SUCCEEDED, f"The run of {time} succeeded.")
    elif status.get("active"):
        before = find(draft.service.status.conditions, LAST_RUN)
        if before is not None:
            draft.facts[LAST_RUN] = Fact(LAST_RUN, before.status, Reason(before.reason), before.message)
    else:
        draft.say(LAST_RUN, "False", Reason.RUN_FAILED, f"The run of {time} failed{_why(draft)}.")


def _why(draft: Draft) -> str:
    """How the newest pod that failed ended; a run that took too long leaves none."""
    failed = [p for p in draft.seen.pods if (p.get("status") or {}).get("phase") == "Failed"]
    newest = max(
        failed, key=lambda p: (p["metadata"].get("creationTimestamp", ""), p["metadata"]["name"]), default=None
    )
    return f": {how_it_ended(newest)}" if newest is not None else ""


def cron_rests(draft: Draft) -> bool:
    """No further run will start."""
    live = draft.seen.cron_job
    return live is None or bool(live["spec"].get("suspend"))


def hold_schedule(draft: Draft) -> None:
    """While no image is known for the newest spec, the old revision still follows `suspend`."""
    live = draft.seen.cron_job
    wanted = wanted_replicas(draft.service) == 0
    if live is not None and bool(live["spec"].get("suspend")) != wanted:
        draft.effects.append(MergePatch(ref_of(live), {"spec": {"suspend": wanted}}))
