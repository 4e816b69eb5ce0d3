"""Pure: which commit is wanted, whether its image exists, and what to do about it if not."""

from datetime import datetime
from typing import NamedTuple

from ink_api.condition_types import ConditionType
from ink_api.inkservice import BuildStatus
from ink_api.reasons import PROGRESS, Reason

from ink_operator.core import times
from ink_operator.core.plan import REFUSED_RETRY_SECONDS
from ink_operator.inkservice import model
from ink_operator.inkservice.decide.plan import ServicePlanBuilder
from ink_operator.inkservice.decide.revision import supersede
from ink_operator.inkservice.decide.wanted_build import to_be_deployed, to_be_finished
from ink_operator.inkservice.desired.buildjob import DEADLINE_SLACK_SECONDS, timeout_seconds
from ink_operator.inkservice.facts import effective, revisions, rollout
from ink_operator.inkservice.facts.builds import RETRY_AFTER_SECONDS, build_status
from ink_operator.inkservice.facts.inkfile import parsed

BUILT, SOURCE = ConditionType.BUILT, ConditionType.SOURCE_RESOLVED
QUEUE_LOOK_SECONDS = 5.0
BUILD_LOOK_SECONDS = 30.0
LOG_LINES = 12
SET_UP_LOOK_SECONDS = 0.3


class Chosen(NamedTuple):
    """What the workload is to run. `newest`: it is what the spec and the branch ask for now."""

    running: model.Running | None
    newest: bool


def build_step(plan: ServicePlanBuilder) -> Chosen:
    """Source and build; states both facts."""
    if plan.service.spec.release is None:
        plan.set_condition(ConditionType.RELEASED, "True", Reason.NOT_NEEDED, "The service has no release command.")
    image = plan.service.spec.source.image
    if image is not None:
        plan.set_condition(SOURCE, "True", Reason.NOT_NEEDED, "The image is given.")
        plan.set_condition(BUILT, "True", Reason.NOT_NEEDED, "The image is given.")
        live = rollout.running_of(plan.seen.deployment)
        port = live.port if live is not None and live.image == image.ref else model.DEFAULT_PORT
        return Chosen(model.Running(image.ref, port), newest=True)
    build = plan.seen.build
    if not _source(plan, build) or not _variables(plan) or build is None:
        # A repository that is gone must not undo what runs; it only cannot be renewed.
        return Chosen(revisions.running_now(plan.seen.workload, plan.revisions), newest=False)
    plan.commit = build.commit
    return _build(plan, build)


def _source(plan: ServicePlanBuilder, build: model.BuildPlan | None) -> bool:
    git, head = plan.service.spec.source.git, plan.seen.head
    if git is None:
        return False
    if head is not None:
        plan.requeue_after(head.fresh_for_seconds)
    if head is None and git.commit is not None:
        plan.set_condition(SOURCE, "True", Reason.RESOLVED, f"Pinned to commit {git.commit}.")
        return True
    if head is not None and head.commit is not None:
        plan.set_condition(SOURCE, "True", Reason.RESOLVED, f"Branch {git.branch} is at commit {head.commit}.")
        return True
    if head is not None and build is not None:
        text = f"Branch {git.branch} was at commit {build.commit}; the repository does not answer at the moment."
        plan.set_condition(SOURCE, "True", Reason.RESOLVED, text)
        return True
    # the resolver asked by the address inside the cluster, which nobody outside knows
    told = (head.message if head else "").replace(plan.settings.git_internal_url, plan.settings.git_public_url)
    reason = (head.reason if head else None) or Reason.SOURCE_UNREACHABLE
    message = told or f"Branch {git.branch} of {git.url} cannot be read."
    plan.set_condition(SOURCE, "Unknown" if reason in PROGRESS else "False", reason, message)
    return False


def _variables(plan: ServicePlanBuilder) -> bool:
    """What the variables of the build hold is known."""
    failure, git, head = plan.seen.build_environment.failure, plan.service.spec.source.git, plan.seen.head
    if failure is None:
        return True
    plan.commit = (git.commit if git else None) or (head.commit if head else None)
    plan.set_condition(BUILT, "Unknown" if failure.reason in PROGRESS else "False", failure.reason, failure.message)
    plan.requeue_after(SET_UP_LOOK_SECONDS if failure.reason in PROGRESS else REFUSED_RETRY_SECONDS)
    return False


def _build(plan: ServicePlanBuilder, build: model.BuildPlan) -> Chosen:
    seen = plan.seen
    live, running = rollout.running_of(seen.workload), revisions.running_now(seen.workload, plan.revisions)
    finishing = to_be_finished(plan.service, build, seen.attempts, seen.revisions)
    _supersede(plan, build, finishing)
    mine = revisions.attempts_for(seen.attempts, seen.revisions, build.key)
    last = mine[-1] if mine else None
    plan.build = _status(plan, build, last)
    if live is not None and live.build_key == build.key:
        plan.set_condition(BUILT, "True", Reason.BUILT, f"Commit {build.commit} is built.")
        return Chosen(live, newest=True)
    if last is not None and last.verdict is not None and last.verdict.ok and last.verdict.digest:
        plan.set_condition(BUILT, "True", Reason.BUILT, f"Commit {build.commit} is built.")
        return Chosen(_running(plan, build, last.verdict), newest=True)
    if seen.stored is not None:
        plan.set_condition(BUILT, "True", Reason.IMAGE_EXISTS, f"Commit {build.commit} was built before.")
        stored = model.Verdict(True, seen.stored.digest, ports=seen.stored.ports, inkfile=parsed(seen.stored.inkfile))
        return Chosen(_running(plan, build, stored), newest=True)
    if last is not None and last.state == model.BuildState.FAILED and _is_users(plan, last):
        _report_failure(plan, last)
        return Chosen(running, newest=False)
    # Until then what runs goes on as it is; what ran and was deleted is put back.
    old = Chosen(running if seen.workload is None else None, newest=False)
    if finishing is not None:
        _let_finish(plan, finishing)
        return old
    _advance(plan, build, last, running)
    return _late(plan, build) or old


def _let_finish(plan: ServicePlanBuilder, finishing: model.Attempt) -> None:
    plan.build = build_status(finishing)
    text = f"Builds commit {finishing.commit} first: builds before it were cancelled for newer commits."
    plan.set_condition(BUILT, "Unknown", Reason.BUILDING, text)
    plan.requeue_after(BUILD_LOOK_SECONDS)


def _late(plan: ServicePlanBuilder, build: model.BuildPlan) -> Chosen | None:
    service, seen = plan.service, plan.seen
    late = to_be_deployed(service, build, seen.attempts, seen.revisions)
    if late is None or late.verdict is None or build.of_commit is None:
        return None
    its = build.of_commit(late.commit)
    return Chosen(_running(plan, its, late.verdict), newest=False)


def _running(plan: ServicePlanBuilder, build: model.BuildPlan, built: model.Verdict) -> model.Running:
    image = f"{plan.settings.registry}/{build.repository}@{built.digest}"
    port, token = effective.default_port(built.ports), plan.service.spec.rebuild_token
    known = revisions.of_build(plan.revisions, build.key)
    # A build says the same for ever: its record tells it without Job and registry.
    inkfile = known.running.inkfile if known is not None and known.running is not None else built.inkfile
    return model.Running(image, port, build.commit, build.key, token, build.planner, inkfile)


def _supersede(plan: ServicePlanBuilder, build: model.BuildPlan, finishing: model.Attempt | None) -> None:
    """Builds of other commits or settings that still run or queue are of no use any more, but for `finishing`."""
    for attempt in plan.seen.attempts:
        unfinished = attempt.state in (model.BuildState.QUEUED, model.BuildState.RUNNING)
        if unfinished and attempt.build_key != build.key and attempt != finishing:
            supersede(plan, attempt)


def _is_users(plan: ServicePlanBuilder, attempt: model.Attempt) -> bool:
    """Only another commit or other settings help; a higher limit is one for what ran out of time."""
    verdict = attempt.verdict
    if verdict is None or verdict.infrastructure:
        return False
    limit = timeout_seconds(plan.service, plan.settings) + DEADLINE_SLACK_SECONDS
    return verdict.reason != Reason.BUILD_TIMEOUT or not 0 < attempt.limit_seconds < limit


def _advance(
    plan: ServicePlanBuilder, build: model.BuildPlan, last: model.Attempt | None, running: model.Running | None
) -> None:
    """Start, queue, wait for, or try again."""
    token = plan.service.spec.rebuild_token
    no_cache = token is not None and token != (running.rebuild_token if running else None)
    no_cache |= _other_secrets(plan, build)
    late = last is not None and last.verdict is not None and last.verdict.reason == Reason.BUILD_TIMEOUT
    if last is None or last.state == model.BuildState.SUPERSEDED or late:
        _start(plan, build, last.number + 1 if last else 1, no_cache)
        plan.set_condition(BUILT, "Unknown", Reason.BUILDING, f"Builds commit {build.commit}.")
        plan.requeue_after(QUEUE_LOOK_SECONDS)
    elif last.state == model.BuildState.RUNNING:
        plan.set_condition(BUILT, "Unknown", Reason.BUILDING, f"Builds commit {build.commit}.")
        plan.requeue_after(BUILD_LOOK_SECONDS)
    elif last.state == model.BuildState.QUEUED:
        _start(plan, build, last.number, no_cache)
        plan.set_condition(BUILT, "Unknown", Reason.QUEUED, "Waits for its turn to build.")
        plan.requeue_after(QUEUE_LOOK_SECONDS)
    else:
        _retry(plan, build, last, no_cache)


def _start(plan: ServicePlanBuilder, build: model.BuildPlan, number: int, no_cache: bool) -> None:
    plan.effects.append(model.StartBuild(build, number, no_cache, plan.seen.build_environment.values))


def _other_secrets(plan: ServicePlanBuilder, build: model.BuildPlan) -> bool:
    """The same commit was built with other settings. BuildKit takes a step from its cache whatever its secrets hold."""
    builds = [r.running or r.attempt for r in plan.revisions]
    return bool(build.secrets) and any(
        b is not None and b.commit == build.commit and b.build_key != build.key for b in (*builds, *plan.seen.attempts)
    )


def _retry(plan: ServicePlanBuilder, build: model.BuildPlan, last: model.Attempt, no_cache: bool) -> None:
    """The infrastructure spoiled the last attempt, or its image is gone from the registry."""
    wait = retry_wait(last, plan.now)
    message = (last.verdict.message if last.verdict else "") or "The image is not in the registry."
    if wait <= 0:
        _start(plan, build, last.number + 1, no_cache)
        plan.requeue_after(QUEUE_LOOK_SECONDS)
    else:
        plan.requeue_after(wait)
    if last.number >= len(RETRY_AFTER_SECONDS):
        plan.set_condition(BUILT, "False", Reason.BUILD_INFRASTRUCTURE, message)
    else:
        plan.set_condition(BUILT, "Unknown", Reason.BUILDING, f"Builds commit {build.commit} again: {message}")


def retry_wait(last: model.Attempt, now: datetime) -> float:
    """Seconds until the next attempt is due; not positive: now."""
    limit = RETRY_AFTER_SECONDS[min(last.number, len(RETRY_AFTER_SECONDS)) - 1]
    return limit - (times.seconds_since(last.finished or last.created, now) or 0.0)


def _report_failure(plan: ServicePlanBuilder, last: model.Attempt) -> None:
    verdict = last.verdict
    if verdict is None:
        return
    lines = "\n".join(verdict.log[-LOG_LINES:])
    message = verdict.message or "The build failed."
    plan.set_condition(BUILT, "False", verdict.reason, f"{message}\n{lines}\n" if lines else message)


def _status(plan: ServicePlanBuilder, build: model.BuildPlan, last: model.Attempt | None) -> BuildStatus | None:
    """What the status says of the build; from its record when the Job that knew more is gone."""
    done = revisions.of_build(plan.revisions, build.key)
    if done is not None and last not in plan.seen.attempts:
        return done.build
    return build_status(last) if last is not None else None
