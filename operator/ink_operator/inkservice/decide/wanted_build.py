"""Pure: which build is wanted, and which build of an older commit may finish first.

A newer commit cancels the build of an older one, but at most twice in a row: the third build finishes and is
deployed while the newest commit waits. So frequent pushes never starve a service.
"""

from collections.abc import Iterable, Sequence

from ink_api.inkservice import InkService
from ink_api.reasons import Reason

from ink_operator.inkservice import model
from ink_operator.inkservice.facts.revisions import running_now
from ink_operator.inkservice.facts.source import BuildNaming


def wanted_build(context: model.ServiceContext, seen: model.Observed) -> model.WantedBuild | None:
    """The build of the wanted commit; None if there is none, or while it is not known.

    While the source does not answer, the running commit stays the wanted one.
    """
    git, head = context.service.spec.source.git, seen.head
    if git is None or seen.build_environment.failure is not None:
        return None
    running = running_now(seen.workload, seen.revisions)
    naming = BuildNaming(context.service, context.identity, seen.build_environment.digest)
    commit = git.commit or (head.commit if head else None)
    if commit is None:
        silent = head is not None and head.reason == Reason.SOURCE_UNREACHABLE
        if not silent or running is None or running.commit is None:
            return None
        build = naming.as_built(running.commit, running)
        return build if build.key == running.build_key else None
    # A commit that an older planner built is not built again because of that.
    recorded = (r.running for r in reversed(seen.revisions) if r.running is not None and r.running.commit == commit)
    for built in (running, *recorded):
        if built is not None:
            build = naming.as_built(commit, built)
            if build.key == built.build_key:
                return build
    return naming.plan(commit)


MAX_CANCELLED_IN_A_ROW = 2


def cancelled(revisions: Sequence[model.Revision]) -> list[model.Attempt]:
    """Builds that were cancelled since the last one that finished; newest first."""
    out: list[model.Attempt] = []
    for revision in reversed(revisions):
        attempt = revision.attempt
        if attempt is not None and attempt.verdict is not None and attempt.verdict.infrastructure:
            continue
        if attempt is None or attempt.state != model.BuildState.SUPERSEDED:
            break
        out.append(attempt)
    return out


def build_to_finish(
    service: InkService,
    build: model.WantedBuild,
    attempts: Iterable[model.Attempt],
    revisions: Sequence[model.Revision],
) -> model.Attempt | None:
    """The running build of an older commit that may finish."""
    if len(cancelled(revisions)) < MAX_CANCELLED_IN_A_ROW:
        return None
    running = (a for a in attempts if a.state == model.BuildState.RUNNING)
    return next((a for a in running if _is_older(service, build, a)), None)


def build_to_deploy(
    service: InkService,
    build: model.WantedBuild,
    attempts: Iterable[model.Attempt],
    revisions: Sequence[model.Revision],
) -> model.Attempt | None:
    """The build that was allowed to finish: its image is deployed, although its commit is not the newest."""
    for attempt in attempts:
        if attempt.state != model.BuildState.SUCCEEDED or not (attempt.verdict and attempt.verdict.digest):
            continue
        own = [r for r in revisions if r.running is not None and r.running.build_key == attempt.build_key]
        before = cancelled([r for r in revisions if r not in own])
        late = len(before) >= MAX_CANCELLED_IN_A_ROW and attempt.created >= max(a.created for a in before)
        if late and not any(r.outcome for r in own) and _is_older(service, build, attempt):
            return attempt
    return None


def _is_older(service: InkService, build: model.WantedBuild, attempt: model.Attempt) -> bool:
    """Of the same branch with today's settings; a pinned commit or changed settings are a user's decision."""
    git = service.spec.source.git
    if git is None or git.commit is not None or attempt.build_key == build.key or build.of_commit is None:
        return False
    return build.of_commit(attempt.commit).key == attempt.build_key
