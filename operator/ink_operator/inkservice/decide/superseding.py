"""Pure: which running build a newer commit may end.

A newer commit ends the build of an older one, but no more than twice in a row: then that build finishes and is
deployed, while the newest commit waits. So steady pushing never keeps a service from moving on.
"""

from collections.abc import Iterable, Sequence

from ink_api.inkservice import InkService

from ink_operator.inkservice.model import Attempt, BuildPlan, BuildState, Revision

MOST_IN_A_ROW = 2


def cancelled(revisions: Sequence[Revision]) -> list[Attempt]:
    """Builds that were ended while they ran, since one last came to its own end; newest first."""
    out: list[Attempt] = []
    for revision in reversed(revisions):
        attempt = revision.attempt
        if attempt is not None and attempt.verdict is not None and attempt.verdict.infrastructure:
            continue
        if attempt is None or attempt.state != BuildState.SUPERSEDED:
            break
        out.append(attempt)
    return out


def to_be_finished(
    service: InkService,
    build: BuildPlan,
    attempts: Iterable[Attempt],
    revisions: Sequence[Revision],
) -> Attempt | None:
    """The running build of an older commit that is let be."""
    if len(cancelled(revisions)) < MOST_IN_A_ROW:
        return None
    running = (a for a in attempts if a.state == BuildState.RUNNING)
    return next((a for a in running if _is_older(service, build, a)), None)


def to_be_deployed(
    service: InkService,
    build: BuildPlan,
    attempts: Iterable[Attempt],
    revisions: Sequence[Revision],
) -> Attempt | None:
    """The build that was let be and made an image: it is deployed, although its commit is not the newest."""
    for attempt in attempts:
        if attempt.state != BuildState.SUCCEEDED or not (attempt.verdict and attempt.verdict.digest):
            continue
        own = [r for r in revisions if r.running is not None and r.running.build_key == attempt.build_key]
        before = cancelled([r for r in revisions if r not in own])
        late = len(before) >= MOST_IN_A_ROW and attempt.created >= max(a.created for a in before)
        if late and not any(r.outcome for r in own) and _is_older(service, build, attempt):
            return attempt
    return None


def _is_older(service: InkService, build: BuildPlan, attempt: Attempt) -> bool:
    """Of the branch that is followed, with the settings of now; a pin or another setting is a person's wish."""
    git = service.spec.source.git
    if git is None or git.commit is not None or attempt.build_key == build.key or build.of_commit is None:
        return False
    return build.of_commit(attempt.commit).key == attempt.build_key
