"""Pure: which commit is wanted, whether its image exists, and what to do about it if not."""

from datetime import datetime
from typing import NamedTuple

from ink_api.conditions import ConditionType
from ink_api.inkservice import BuildStatus
from ink_api.reasons import PROGRESS, Reason

from ink_operator.core.times import seconds_since
from ink_operator.inkservice.builds import RETRY_AFTER_SECONDS
from ink_operator.inkservice.draft import Draft
from ink_operator.inkservice.effective import default_port
from ink_operator.inkservice.model import (
    DEFAULT_PORT,
    Attempt,
    BuildPlan,
    BuildState,
    Running,
    StartBuild,
)
from ink_operator.inkservice.rollout import running_of

BUILT, SOURCE = ConditionType.BUILT, ConditionType.SOURCE_RESOLVED
QUEUE_LOOK_SECONDS = 5.0
BUILD_LOOK_SECONDS = 30.0
LOG_LINES = 12


class Chosen(NamedTuple):
    """What the workload is to run. `newest`: it is what the spec and the branch ask for now."""

    running: Running | None
    newest: bool


def build_step(draft: Draft) -> Chosen:
    """Source and build; states both facts."""
    draft.say(ConditionType.RELEASED, "True", Reason.NOT_NEEDED, "The service has no release command.")
    image = draft.service.spec.source.image
    if image is not None:
        draft.say(SOURCE, "True", Reason.NOT_NEEDED, "The image is given.")
        draft.say(BUILT, "True", Reason.NOT_NEEDED, "The image is given.")
        live = running_of(draft.seen.deployment)
        port = live.port if live is not None and live.image == image.ref else DEFAULT_PORT
        return Chosen(Running(image.ref, port), newest=True)
    plan = draft.seen.build
    if not _source(draft, plan) or plan is None:
        # A repository that is gone must not undo what runs; it only cannot be renewed.
        return Chosen(running_of(draft.seen.workload), newest=False)
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


def _build(draft: Draft, plan: BuildPlan) -> Chosen:
    seen = draft.seen
    running = running_of(seen.workload)
    mine = [a for a in seen.attempts if a.build_key == plan.key]
    _supersede(draft, plan)
    last = mine[-1] if mine else None
    draft.build = _status(last, draft)
    if running is not None and running.build_key == plan.key:
        draft.say(BUILT, "True", Reason.BUILT, f"Commit {plan.commit} is built.")
        return Chosen(running, newest=True)
    if last is not None and last.verdict is not None and last.verdict.ok and last.verdict.digest:
        draft.say(BUILT, "True", Reason.BUILT, f"Commit {plan.commit} is built.")
        return Chosen(_running(draft, plan, last.verdict.digest, last.verdict.ports), newest=True)
    if seen.stored is not None:
        draft.say(BUILT, "True", Reason.IMAGE_EXISTS, f"Commit {plan.commit} was built before.")
        return Chosen(_running(draft, plan, seen.stored.digest, seen.stored.ports), newest=True)
    if last is not None and last.state == BuildState.FAILED and _is_users(last):
        _report_failure(draft, last)
        return Chosen(running, newest=False)
    _advance(draft, plan, last, running)
    return Chosen(None, newest=False)


def _running(draft: Draft, plan: BuildPlan, digest: str, exposed: tuple[int, ...]) -> Running:
    image = f"{draft.settings.registry}/{plan.repository}@{digest}"
    port, token = default_port(exposed), draft.service.spec.rebuild_token
    return Running(image, port, plan.commit, plan.key, token, plan.planner)


def _supersede(draft: Draft, plan: BuildPlan) -> None:
    """Builds of other commits or settings that still run or queue are of no use any more."""
    for attempt in draft.seen.attempts:
        if attempt.build_key != plan.key and attempt.state in (BuildState.QUEUED, BuildState.RUNNING):
            draft.drop_build(attempt)


def _is_users(attempt: Attempt) -> bool:
    return attempt.verdict is not None and not attempt.verdict.infrastructure


def _advance(draft: Draft, plan: BuildPlan, last: Attempt | None, running: Running | None) -> None:
    """Start, queue, wait for, or try again."""
    token = draft.service.spec.rebuild_token
    no_cache = token is not None and token != (running.rebuild_token if running else None)
    if last is None:
        draft.effects.append(StartBuild(plan, 1, no_cache))
        draft.say(BUILT, "Unknown", Reason.BUILDING, f"Builds commit {plan.commit}.")
        draft.look_again(QUEUE_LOOK_SECONDS)
    elif last.state == BuildState.RUNNING:
        draft.say(BUILT, "Unknown", Reason.BUILDING, f"Builds commit {plan.commit}.")
        draft.look_again(BUILD_LOOK_SECONDS)
    elif last.state == BuildState.QUEUED:
        draft.effects.append(StartBuild(plan, last.number, no_cache))
        draft.say(BUILT, "Unknown", Reason.QUEUED, "Waits for its turn to build.")
        draft.look_again(QUEUE_LOOK_SECONDS)
    else:
        _retry(draft, plan, last, no_cache)


def _retry(draft: Draft, plan: BuildPlan, last: Attempt, no_cache: bool) -> None:
    """The infrastructure spoiled the last attempt, or its image is gone from the registry."""
    wait = retry_wait(last, draft.now)
    message = (last.verdict.message if last.verdict else "") or "The image is not in the registry."
    if wait <= 0:
        draft.effects.append(StartBuild(plan, last.number + 1, no_cache))
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


def _status(last: Attempt | None, draft: Draft) -> BuildStatus | None:
    """What the status says of the build; the old words stay while the Job that knew them is gone."""
    if last is None:
        old = draft.service.status.build
        return old if old is not None and draft.seen.build and old.commit == draft.seen.build.commit else None
    reason = {
        BuildState.QUEUED: Reason.QUEUED,
        BuildState.RUNNING: Reason.BUILDING,
        BuildState.SUCCEEDED: Reason.BUILT,
    }.get(last.state) or (last.verdict.reason if last.verdict else Reason.BUILD_FAILED)
    return BuildStatus(
        id=last.name,
        commit=last.commit,
        pack=last.verdict.pack if last.verdict else None,
        reason=reason,
        started=last.started,
        finished=last.finished,
        pod=last.pod,
    )
