"""Pure: a service that runs on a schedule. Ready: the schedule is in place, and no run waits for its image.

The result of the last run is a separate condition: a failed run does not mean that the schedule is wrong.
"""

from ink_api.condition_types import ConditionType
from ink_api.conditions import find
from ink_api.reasons import Reason

from ink_operator.core import effects, kinds, objects, times
from ink_operator.core.plan import Fact
from ink_operator.inkservice import model, names
from ink_operator.inkservice.decide.plan import ServicePlanBuilder
from ink_operator.inkservice.decide.prerequisites import drop_environment
from ink_operator.inkservice.decide.release import release_step
from ink_operator.inkservice.decide.revision import record
from ink_operator.inkservice.desired.workload import make_cron_job
from ink_operator.inkservice.facts import diagnose, effective

REQUEUE_SECONDS = 2.0
LAST_RUN = ConditionType.LAST_RUN_SUCCEEDED


def cron_step(plan: ServicePlanBuilder, running: model.Running, newest: bool) -> None:
    """The CronJob first; what served before is deleted once it exists."""
    seen = plan.seen
    wanted = make_cron_job(plan.effective, seen.identity, running, plan.settings, seen.digests, live=seen.cron_job)
    if not release_step(plan, wanted, record(plan, wanted, running), newest=newest):
        sync_suspend(plan)
        return
    changing = plan.apply(seen.cron_job, wanted)
    plan.remove(seen.ingress, seen.autoscaler, seen.deployment, seen.service)
    if seen.ingress is None:
        plan.release_hosts()
    report_last_run(plan)
    if not newest:
        return
    plan.set_condition(ConditionType.ROUTED, "True", Reason.NOT_NEEDED, "A cron job has no URL.")
    if changing or seen.cron_job is None:
        plan.set_condition(ConditionType.DEPLOYED, "Unknown", Reason.DEPLOYING, "The schedule is being created.")
        plan.requeue_after(REQUEUE_SECONDS)
        return
    drop_environment(plan)
    revision = objects.annotations_of(seen.cron_job).get(names.ANNOTATION_REVISION, "")
    _end_stuck_runs(plan, revision)
    _report(plan, seen.cron_job, revision)


def _end_stuck_runs(plan: ServicePlanBuilder, revision: str) -> None:
    """Delete runs of earlier revisions whose container cannot start: a fix does not reach them, and the concurrency
    policy would block every later run until they time out.
    """
    for pod in plan.seen.pods:
        earlier = objects.labels_of(pod).get(names.LABEL_REVISION) != revision and not objects.is_deleting(pod)
        if not earlier or diagnose.describe_end(pod) or diagnose.blocked([pod], plan.now) is None:
            continue
        for owner in pod["metadata"].get("ownerReferences") or []:
            if owner.get("kind") == kinds.JOB.kind and owner.get("controller"):
                ref = objects.Ref(kinds.JOB, pod["metadata"]["namespace"], owner["name"])
                plan.effects.append(effects.Delete(ref, owner["uid"]))


def _report(plan: ServicePlanBuilder, cron_job: objects.Manifest, revision: str) -> None:
    pods = [p for p in diagnose.newest_pods(plan.seen.pods, revision) if not diagnose.describe_end(p)]
    failure = diagnose.cannot_start(pods, plan.now)
    if failure is not None:
        waits = " No other run starts until then." if cron_job["spec"].get("concurrencyPolicy") == "Forbid" else ""
        plan.set_condition(ConditionType.DEPLOYED, "False", failure.reason, f"{failure.message}{waits}")
        return
    if pods:
        plan.requeue_after(diagnose.wait_seconds(pods, None, plan.now))
    schedule = f"{cron_job['spec']['schedule']} ({cron_job['spec'].get('timeZone', 'Etc/UTC')})"
    plan.set_condition(ConditionType.DEPLOYED, "True", Reason.DEPLOYED, f"The schedule {schedule} is in place.")


def report_last_run(plan: ServicePlanBuilder) -> None:
    """As the CronJob reports it. While a run is in progress, the condition describes the previous one."""
    status = (plan.seen.cron_job or {}).get("status") or {}
    time = status.get("lastScheduleTime")
    started, succeeded = times.parse_time(time), times.parse_time(status.get("lastSuccessfulTime"))
    if started is None:
        return
    if succeeded is not None and succeeded >= started:
        plan.set_condition(LAST_RUN, "True", Reason.RUN_SUCCEEDED, f"The run of {time} succeeded.")
    elif status.get("active"):
        before = find(plan.service.status.conditions, LAST_RUN)
        if before is not None:
            plan.facts[LAST_RUN] = Fact(LAST_RUN, before.status, Reason(before.reason), before.message)
    else:
        plan.set_condition(LAST_RUN, "False", Reason.RUN_FAILED, f"The run of {time} failed{_why(plan)}.")


def _why(plan: ServicePlanBuilder) -> str:
    """How the newest failed pod ended; a run that took too long leaves no pod."""
    failed = [p for p in plan.seen.pods if (p.get("status") or {}).get("phase") == "Failed"]
    newest = max(
        failed, key=lambda p: (p["metadata"].get("creationTimestamp", ""), p["metadata"]["name"]), default=None
    )
    return f": {diagnose.describe_end(newest)}" if newest is not None else ""


def cron_is_suspended(plan: ServicePlanBuilder) -> bool:
    """No further run will start."""
    live = plan.seen.cron_job
    return live is None or bool(live["spec"].get("suspend"))


def sync_suspend(plan: ServicePlanBuilder) -> None:
    """While no image is known for the newest spec, `suspend` still applies to the old revision."""
    live = plan.seen.cron_job
    wanted = effective.wanted_replicas(plan.service) == 0
    if live is not None and bool(live["spec"].get("suspend")) != wanted:
        plan.effects.append(effects.MergePatch(objects.ref_of(live), {"spec": {"suspend": wanted}}))
