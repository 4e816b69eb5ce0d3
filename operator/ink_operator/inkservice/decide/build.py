"""Pure: which commit is wanted, whether its image exists, and what to do if it does not."""

from datetime import datetime
from typing import NamedTuple

from ink_api.condition_types import ConditionType
from ink_api.inkservice import BuildStatus
from ink_api.reasons import PROGRESS, Reason

from ink_operator.core import times
from ink_operator.core.plan import REFUSED_RETRY_SECONDS
from ink_operator.inkservice import model
from ink_operator.inkservice.decide.plan import SET_UP_REQUEUE_SECONDS, ServicePlanBuilder
from ink_operator.inkservice.decide.revision import supersede
from ink_operator.inkservice.decide.wanted_build import build_to_deploy, build_to_finish
from ink_operator.inkservice.desired.buildjob import DEADLINE_SLACK_SECONDS, timeout_seconds
from ink_operator.inkservice.facts import effective, revisions, rollout
from ink_operator.inkservice.facts.builds import RETRY_AFTER_SECONDS, build_status
from ink_operator.inkservice.facts.inkfile import parsed

BUILT, SOURCE = ConditionType.BUILT, ConditionType.SOURCE_RESOLVED
QUEUE_REQUEUE_SECONDS = 5.0
BUILD_REQUEUE_SECONDS = 30.0
LOG_LINES = 12


class Chosen(NamedTuple):
    """What the workload should run. `newest`: it is what the spec and the branch ask for now."""

    running: model.Running | None
    newest: bool


def build_step(plan: ServicePlanBuilder) -> Chosen:
    """Source and build: sets both conditions."""
    if plan.service.spec.release is None:
        plan.set_condition(ConditionType.RELEASED, "True", Reason.NOT_NEEDED, "The service has no release command.")
    image = plan.service.spec.source.image
    if image is not None:
        plan.set_condition(SOURCE, "True", Reason.NOT_NEEDED, "The spec names an image.")
        plan.set_condition(BUILT, "True", Reason.NOT_NEEDED, "The spec names an image.")
        live = rollout.running_of(plan.seen.deployment)
        port = live.port if live is not None and live.image == image.ref else model.DEFAULT_PORT
        return Chosen(model.Running(image.ref, port), newest=True)
    build = plan.seen.build
    if not _source_is_resolved(plan, build) or not _variables_are_known(plan) or build is None:
        # A missing repository must not stop what runs: it only prevents updates.
        return Chosen(revisions.running_now(plan.seen.workload, plan.revisions), newest=False)
    plan.commit = build.commit
    return _build(plan, build)


def _source_is_resolved(plan: ServicePlanBuilder, build: model.WantedBuild | None) -> bool:
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
        text = f"Branch {git.branch} was last seen at commit {build.commit}; the repository does not answer now."
        plan.set_condition(SOURCE, "True", Reason.RESOLVED, text)
        return True
    # The resolver uses the address inside the cluster, which means nothing to users.
    message = (head.message if head else "").replace(plan.settings.git_internal_url, plan.settings.git_public_url)
    reason = (head.reason if head else None) or Reason.SOURCE_UNREACHABLE
    message = message or f"Branch {git.branch} of {git.url} cannot be read."
    plan.set_condition(SOURCE, "Unknown" if reason in PROGRESS else "False", reason, message)
    return False


def _variables_are_known(plan: ServicePlanBuilder) -> bool:
    """Whether the values of the build's variables are known."""
    failure, git, head = plan.seen.build_environment.failure, plan.service.spec.source.git, plan.seen.head
    if failure is None:
        return True
    plan.commit = (git.commit if git else None) or (head.commit if head else None)
    plan.set_condition(BUILT, "Unknown" if failure.reason in PROGRESS else "False", failure.reason, failure.message)
    plan.requeue_after(SET_UP_REQUEUE_SECONDS if failure.reason in PROGRESS else REFUSED_RETRY_SECONDS)
    return False


def _build(plan: ServicePlanBuilder, build: model.WantedBuild) -> Chosen:
    seen = plan.seen
    live, running = rollout.running_of(seen.workload), revisions.running_now(seen.workload, plan.revisions)
    older = build_to_finish(plan.service, build, seen.attempts, seen.revisions)
    _supersede(plan, build, older)
    attempts = revisions.attempts_for(seen.attempts, seen.revisions, build.key)
    last = attempts[-1] if attempts else None
    plan.build = _status(plan, build, last)
    if live is not None and live.build_key == build.key:
        plan.set_condition(BUILT, "True", Reason.BUILT, f"Commit {build.commit} is built.")
        return Chosen(live, newest=True)
    if last is not None and last.verdict is not None and last.verdict.ok and last.verdict.digest:
        plan.set_condition(BUILT, "True", Reason.BUILT, f"Commit {build.commit} is built.")
        return Chosen(_running(plan, build, last.verdict), newest=True)
    if seen.stored is not None:
        plan.set_condition(
            BUILT, "True", Reason.IMAGE_EXISTS, f"The image of commit {build.commit} is in the registry."
        )
        stored = model.Verdict(True, seen.stored.digest, ports=seen.stored.ports, inkfile=parsed(seen.stored.inkfile))
        return Chosen(_running(plan, build, stored), newest=True)
    if last is not None and last.state == model.BuildState.FAILED and _needs_user(plan, last):
        _report_failure(plan, last)
        return Chosen(running, newest=False)
    # Until then nothing changes; a workload that was deleted is restored.
    unchanged = Chosen(running if seen.workload is None else None, newest=False)
    if older is not None:
        _wait_for_older_build(plan, older)
        return unchanged
    _advance(plan, build, last, running)
    return _older_build(plan, build) or unchanged


def _wait_for_older_build(plan: ServicePlanBuilder, older: model.Attempt) -> None:
    plan.build = build_status(older)
    text = f"Building commit {older.commit} first: earlier builds were cancelled for newer commits."
    plan.set_condition(BUILT, "Unknown", Reason.BUILDING, text)
    plan.requeue_after(BUILD_REQUEUE_SECONDS)


def _older_build(plan: ServicePlanBuilder, build: model.WantedBuild) -> Chosen | None:
    service, seen = plan.service, plan.seen
    older = build_to_deploy(service, build, seen.attempts, seen.revisions)
    if older is None or older.verdict is None or build.of_commit is None:
        return None
    return Chosen(_running(plan, build.of_commit(older.commit), older.verdict), newest=False)


def _running(plan: ServicePlanBuilder, build: model.WantedBuild, built: model.Verdict) -> model.Running:
    image = f"{plan.settings.registry}/{build.repository}@{built.digest}"
    port, token = effective.default_port(built.ports), plan.service.spec.rebuild_token
    known = revisions.of_build(plan.revisions, build.key)
    # A build's result never changes: its record has it even without the Job and the registry.
    inkfile = known.running.inkfile if known is not None and known.running is not None else built.inkfile
    return model.Running(image, port, build.commit, build.key, token, build.planner, inkfile)


def _supersede(plan: ServicePlanBuilder, build: model.WantedBuild, older: model.Attempt | None) -> None:
    """Cancel builds of other commits or settings that still run or queue, except `older`."""
    for attempt in plan.seen.attempts:
        unfinished = attempt.state in (model.BuildState.QUEUED, model.BuildState.RUNNING)
        if unfinished and attempt.build_key != build.key and attempt != older:
            supersede(plan, attempt)


def _needs_user(plan: ServicePlanBuilder, attempt: model.Attempt) -> bool:
    """Only another commit or other settings can fix it. After a timeout, a higher limit counts as another setting."""
    verdict = attempt.verdict
    if verdict is None or verdict.infrastructure:
        return False
    limit = timeout_seconds(plan.service, plan.settings) + DEADLINE_SLACK_SECONDS
    return verdict.reason != Reason.BUILD_TIMEOUT or not 0 < attempt.limit_seconds < limit


def _advance(
    plan: ServicePlanBuilder, build: model.WantedBuild, last: model.Attempt | None, running: model.Running | None
) -> None:
    """Start the build, queue it, wait for it, or retry it."""
    token = plan.service.spec.rebuild_token
    no_cache = token is not None and token != (running.rebuild_token if running else None)
    no_cache |= _has_other_secrets(plan, build)
    timed_out = last is not None and last.verdict is not None and last.verdict.reason == Reason.BUILD_TIMEOUT
    if last is None or last.state == model.BuildState.SUPERSEDED or timed_out:
        _start(plan, build, last.number + 1 if last else 1, no_cache)
        plan.set_condition(BUILT, "Unknown", Reason.BUILDING, f"Building commit {build.commit}.")
        plan.requeue_after(QUEUE_REQUEUE_SECONDS)
    elif last.state == model.BuildState.RUNNING:
        plan.set_condition(BUILT, "Unknown", Reason.BUILDING, f"Building commit {build.commit}.")
        plan.requeue_after(BUILD_REQUEUE_SECONDS)
    elif last.state == model.BuildState.QUEUED:
        _start(plan, build, last.number, no_cache)
        plan.set_condition(BUILT, "Unknown", Reason.QUEUED, "Queued: other builds run first.")
        plan.requeue_after(QUEUE_REQUEUE_SECONDS)
    else:
        _retry(plan, build, last, no_cache)


def _start(plan: ServicePlanBuilder, build: model.WantedBuild, number: int, no_cache: bool) -> None:
    plan.effects.append(model.StartBuild(build, number, no_cache, plan.seen.build_environment.values))


def _has_other_secrets(plan: ServicePlanBuilder, build: model.WantedBuild) -> bool:
    """The same commit was built with other settings. BuildKit's cache ignores the values of secrets."""
    builds = [r.running or r.attempt for r in plan.revisions]
    return bool(build.secrets) and any(
        b is not None and b.commit == build.commit and b.build_key != build.key for b in (*builds, *plan.seen.attempts)
    )


def _retry(plan: ServicePlanBuilder, build: model.WantedBuild, last: model.Attempt, no_cache: bool) -> None:
    """The last attempt failed because of the infrastructure, or its image is no longer in the registry."""
    wait = retry_wait(last, plan.now)
    message = (last.verdict.message if last.verdict else "") or "The image is no longer in the registry."
    if wait <= 0:
        _start(plan, build, last.number + 1, no_cache)
        plan.requeue_after(QUEUE_REQUEUE_SECONDS)
    else:
        plan.requeue_after(wait)
    if last.number >= len(RETRY_AFTER_SECONDS):
        plan.set_condition(BUILT, "False", Reason.BUILD_INFRASTRUCTURE, message)
    else:
        plan.set_condition(BUILT, "Unknown", Reason.BUILDING, f"Building commit {build.commit} again: {message}")


def retry_wait(last: model.Attempt, now: datetime) -> float:
    """Seconds until the next attempt is due; zero or less: now."""
    limit = RETRY_AFTER_SECONDS[min(last.number, len(RETRY_AFTER_SECONDS)) - 1]
    return limit - (times.seconds_since(last.finished or last.created, now) or 0.0)


def _report_failure(plan: ServicePlanBuilder, last: model.Attempt) -> None:
    verdict = last.verdict
    if verdict is None:
        return
    lines = "\n".join(verdict.log[-LOG_LINES:])
    message = verdict.message or "The build failed."
    plan.set_condition(BUILT, "False", verdict.reason, f"{message}\n{lines}\n" if lines else message)


def _status(plan: ServicePlanBuilder, build: model.WantedBuild, last: model.Attempt | None) -> BuildStatus | None:
    """The build as the status shows it; from its record once the Job is gone."""
    done = revisions.of_build(plan.revisions, build.key)
    if done is not None and last not in plan.seen.attempts:
        return done.build
    return build_status(last) if last is not None else None
