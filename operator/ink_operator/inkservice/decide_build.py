"""Pure: which commit is wanted, whether its image exists, and what to do about it if not."""

from datetime import datetime
from typing import NamedTuple

from ink_api.condition_types import ConditionType
from ink_api.inkservice import BuildStatus
from ink_api.reasons import PROGRESS, Reason

from ink_operator.core.times import seconds_since
from ink_operator.inkservice.builds import RETRY_AFTER_SECONDS, build_status
from ink_operator.inkservice.decide_revision import supersede
from ink_operator.inkservice.desired.buildjob import DEADLINE_SLACK_SECONDS, timeout_seconds
from ink_operator.inkservice.draft import REFUSED_LOOK_SECONDS, Draft
from ink_operator.inkservice.effective import default_port
from ink_operator.inkservice.inkfile import parsed
from ink_operator.inkservice.model import (
    DEFAULT_PORT,
    Attempt,
    BuildPlan,
    BuildState,
    Running,
    StartBuild,
    Verdict,
)
from ink_operator.inkservice.revisions import attempts_for, of_build, running_now
from ink_operator.inkservice.rollout import running_of
from ink_operator.inkservice.source import build_plan
from ink_operator.inkservice.superseding import to_be_deployed, to_be_finished

BUILT, SOURCE = ConditionType.BUILT, ConditionType.SOURCE_RESOLVED
QUEUE_LOOK_SECONDS = 5.0
BUILD_LOOK_SECONDS = 30.0
LOG_LINES = 12
SET_UP_LOOK_SECONDS = 0.3


class Chosen(NamedTuple):
    """What the workload is to run. `newest`: it is what the spec and the branch ask for now."""

    running: Running | None
    newest: bool


def build_step(draft: Draft) -> Chosen:
    """Source and build; states both facts."""
    if draft.service.spec.release is None:
        draft.say(ConditionType.RELEASED, "True", Reason.NOT_NEEDED, "The service has no release command.")
    image = draft.service.spec.source.image
    if image is not None:
        draft.say(SOURCE, "True", Reason.NOT_NEEDED, "The image is given.")
        draft.say(BUILT, "True", Reason.NOT_NEEDED, "The image is given.")
        live = running_of(draft.seen.deployment)
        port = live.port if live is not None and live.image == image.ref else DEFAULT_PORT
        return Chosen(Running(image.ref, port), newest=True)
    plan = draft.seen.build
    if not _source(draft, plan) or not _variables(draft) or plan is None:
        # A repository that is gone must not undo what runs; it only cannot be renewed.
        return Chosen(running_now(draft.seen.workload, draft.revisions), newest=False)
    draft.commit = plan.commit
    return _build(draft, plan)


def _source(draft: Draft, plan: BuildPlan | None) -> bool:
    git, head = draft.service.spec.source.git, draft.seen.head
    if git is None:
        return False
    if head is not None:
        draft.look_again(head.fresh_for_seconds)
    if head is None and git.commit is not None:
        draft.say(SOURCE, "True", Reason.RESOLVED, f"Pinned to commit {git.commit}.")
        return True
    if head is not None and head.commit is not None:
        draft.say(SOURCE, "True", Reason.RESOLVED, f"Branch {git.branch} is at commit {head.commit}.")
        return True
    if head is not None and plan is not None:
        text = f"Branch {git.branch} was at commit {plan.commit}; the repository does not answer at the moment."
        draft.say(SOURCE, "True", Reason.RESOLVED, text)
        return True
    # the resolver asked by the address inside the cluster, which nobody outside knows
    told = (head.message if head else "").replace(draft.settings.git_internal_url, draft.settings.git_public_url)
    reason = (head.reason if head else None) or Reason.SOURCE_UNREACHABLE
    message = told or f"Branch {git.branch} of {git.url} cannot be read."
    draft.say(SOURCE, "Unknown" if reason in PROGRESS else "False", reason, message)
    return False


def _variables(draft: Draft) -> bool:
    """What the variables of the build hold is known."""
    failure, git, head = draft.seen.build_environment.failure, draft.service.spec.source.git, draft.seen.head
    if failure is None:
        return True
    draft.commit = (git.commit if git else None) or (head.commit if head else None)
    draft.say(BUILT, "Unknown" if failure.reason in PROGRESS else "False", failure.reason, failure.message)
    draft.look_again(SET_UP_LOOK_SECONDS if failure.reason in PROGRESS else REFUSED_LOOK_SECONDS)
    return False


def _build(draft: Draft, plan: BuildPlan) -> Chosen:
    seen = draft.seen
    live, running = running_of(seen.workload), running_now(seen.workload, draft.revisions)
    finishing = to_be_finished(draft.service, seen.identity, plan, seen.attempts, seen.revisions)
    _supersede(draft, plan, finishing)
    mine = attempts_for(seen.attempts, seen.revisions, plan.key)
    last = mine[-1] if mine else None
    draft.build = _status(draft, plan, last)
    if live is not None and live.build_key == plan.key:
        draft.say(BUILT, "True", Reason.BUILT, f"Commit {plan.commit} is built.")
        return Chosen(live, newest=True)
    if last is not None and last.verdict is not None and last.verdict.ok and last.verdict.digest:
        draft.say(BUILT, "True", Reason.BUILT, f"Commit {plan.commit} is built.")
        return Chosen(_running(draft, plan, last.verdict), newest=True)
    if seen.stored is not None:
        draft.say(BUILT, "True", Reason.IMAGE_EXISTS, f"Commit {plan.commit} was built before.")
        stored = Verdict(True, seen.stored.digest, ports=seen.stored.ports, inkfile=parsed(seen.stored.inkfile))
        return Chosen(_running(draft, plan, stored), newest=True)
    if last is not None and last.state == BuildState.FAILED and _is_users(draft, last):
        _report_failure(draft, last)
        return Chosen(running, newest=False)
    # Until then what runs goes on as it is; what ran and was deleted is put back.
    old = Chosen(running if seen.workload is None else None, newest=False)
    if finishing is not None:
        _let_finish(draft, finishing)
        return old
    _advance(draft, plan, last, running)
    return _late(draft, plan) or old


def _let_finish(draft: Draft, finishing: Attempt) -> None:
    draft.build = build_status(finishing)
    text = f"Builds commit {finishing.commit} first: builds before it were cancelled for newer commits."
    draft.say(BUILT, "Unknown", Reason.BUILDING, text)
    draft.look_again(BUILD_LOOK_SECONDS)


def _late(draft: Draft, plan: BuildPlan) -> Chosen | None:
    service, seen = draft.service, draft.seen
    late = to_be_deployed(service, seen.identity, plan, seen.attempts, seen.revisions)
    if late is None or late.verdict is None:
        return None
    its = build_plan(service, seen.identity, late.commit, secrets=plan.secrets)
    return Chosen(_running(draft, its, late.verdict), newest=False)


def _running(draft: Draft, plan: BuildPlan, built: Verdict) -> Running:
    image = f"{draft.settings.registry}/{plan.repository}@{built.digest}"
    port, token = default_port(built.ports), draft.service.spec.rebuild_token
    known = of_build(draft.revisions, plan.key)
    # A build says the same for ever: its record tells it without Job and registry.
    inkfile = known.running.inkfile if known is not None and known.running is not None else built.inkfile
    return Running(image, port, plan.commit, plan.key, token, plan.planner, inkfile)


def _supersede(draft: Draft, plan: BuildPlan, finishing: Attempt | None) -> None:
    """Builds of other commits or settings that still run or queue are of no use any more, but for `finishing`."""
    for attempt in draft.seen.attempts:
        unfinished = attempt.state in (BuildState.QUEUED, BuildState.RUNNING)
        if unfinished and attempt.build_key != plan.key and attempt != finishing:
            supersede(draft, attempt)


def _is_users(draft: Draft, attempt: Attempt) -> bool:
    """Only another commit or other settings help; a higher limit is one for what ran out of time."""
    verdict = attempt.verdict
    if verdict is None or verdict.infrastructure:
        return False
    limit = timeout_seconds(draft.service, draft.settings) + DEADLINE_SLACK_SECONDS
    return verdict.reason != Reason.BUILD_TIMEOUT or not 0 < attempt.limit_seconds < limit


def _advance(draft: Draft, plan: BuildPlan, last: Attempt | None, running: Running | None) -> None:
    """Start, queue, wait for, or try again."""
    token = draft.service.spec.rebuild_token
    no_cache = token is not None and token != (running.rebuild_token if running else None)
    no_cache |= _other_secrets(draft, plan)
    late = last is not None and last.verdict is not None and last.verdict.reason == Reason.BUILD_TIMEOUT
    if last is None or last.state == BuildState.SUPERSEDED or late:
        _start(draft, plan, last.number + 1 if last else 1, no_cache)
        draft.say(BUILT, "Unknown", Reason.BUILDING, f"Builds commit {plan.commit}.")
        draft.look_again(QUEUE_LOOK_SECONDS)
    elif last.state == BuildState.RUNNING:
        draft.say(BUILT, "Unknown", Reason.BUILDING, f"Builds commit {plan.commit}.")
        draft.look_again(BUILD_LOOK_SECONDS)
    elif last.state == BuildState.QUEUED:
        _start(draft, plan, last.number, no_cache)
        draft.say(BUILT, "Unknown", Reason.QUEUED, "Waits for its turn to build.")
        draft.look_again(QUEUE_LOOK_SECONDS)
    else:
        _retry(draft, plan, last, no_cache)


def _start(draft: Draft, plan: BuildPlan, number: int, no_cache: bool) -> None:
    draft.effects.append(StartBuild(plan, number, no_cache, draft.seen.build_environment.values))


def _other_secrets(draft: Draft, plan: BuildPlan) -> bool:
    """The same commit was built with other settings. BuildKit takes a step from its cache whatever its secrets hold."""
    builds = [r.running or r.attempt for r in draft.revisions]
    return bool(plan.secrets) and any(
        b is not None and b.commit == plan.commit and b.build_key != plan.key for b in (*builds, *draft.seen.attempts)
    )


def _retry(draft: Draft, plan: BuildPlan, last: Attempt, no_cache: bool) -> None:
    """The infrastructure spoiled the last attempt, or its image is gone from the registry."""
    wait = retry_wait(last, draft.now)
    message = (last.verdict.message if last.verdict else "") or "The image is not in the registry."
    if wait <= 0:
        _start(draft, plan, last.number + 1, no_cache)
        draft.look_again(QUEUE_LOOK_SECONDS)
    else:
        draft.look_again(wait)
    if last.number >= len(RETRY_AFTER_SECONDS):
        draft.say(BUILT, "False", Reason.BUILD_INFRASTRUCTURE, message)
    else:
        draft.say(BUILT, "Unknown", Reason.BUILDING, f"Builds commit {plan.commit} again: {message}")


def retry_wait(last: Attempt, now: datetime) -> float:
    """Seconds until the next attempt is due; not positive: now."""
    limit = RETRY_AFTER_SECONDS[min(last.number, len(RETRY_AFTER_SECONDS)) - 1]
    return limit - (seconds_since(last.finished or last.created, now) or 0.0)


def _report_failure(draft: Draft, last: Attempt) -> None:
    verdict = last.verdict
    if verdict is None:
        return
    lines = "\n".join(verdict.log[-LOG_LINES:])
    message = verdict.message or "The build failed."
    draft.say(BUILT, "False", verdict.reason, f"{message}\n{lines}\n" if lines else message)


def _status(draft: Draft, plan: BuildPlan, last: Attempt | None) -> BuildStatus | None:
    """What the status says of the build; from its record when the Job that knew more is gone."""
    done = of_build(draft.revisions, plan.key)
    if done is not None and last not in draft.seen.attempts:
        return done.build
    return build_status(last) if last is not None else None
