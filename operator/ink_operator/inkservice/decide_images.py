"""Pure: which of a service's images and build logs the registry keeps."""

from collections.abc import Sequence
from dataclasses import replace

from ink_api.condition_types import ConditionType
from ink_api.conditions import find

from ink_operator.inkservice.decide_revision import amend, is_granted, record_ref
from ink_operator.inkservice.draft import Draft
from ink_operator.inkservice.model import BuildState, RetireImages, Revision, StartBuild
from ink_operator.inkservice.revisions import last_deployed
from ink_operator.inkservice.source import repository_of


def retire_step(draft: Draft, dropped: Sequence[Revision]) -> None:
    """Delete images that revisions keep no more. `dropped`: records that go in this pass, with their logs."""
    if draft.refused or not is_granted(draft) or _builds(draft):
        return
    built = [r for r in draft.revisions if _digest(draft, r)]
    kept = _kept(draft, built)
    for revision in built:
        if revision.image_deleted and _digest(draft, revision) in kept:
            amend(draft, replace(revision, image_deleted=False))
    gone = [r for r in built if not r.image_deleted and _digest(draft, r) not in kept]
    failed = any(r.attempt is not None for r in dropped)
    if not failed and not (gone and _is_quiet(draft)):
        return
    for attempt in draft.seen.attempts:
        # A build that is there says that its image is.
        verdict = attempt.verdict
        if attempt.recorded and verdict is not None and verdict.digest and verdict.digest not in kept:
            draft.drop_build(attempt)
    records = tuple(record_ref(draft, r) for r in gone)
    for revision in gone:
        draft.revisions[draft.revisions.index(revision)] = replace(revision, image_deleted=True)
    draft.effects.append(RetireImages(repository_of(draft.seen.identity), kept, _builds_kept(draft), records))


def _builds(draft: Draft) -> bool:
    """A build is under way: nothing is deleted while something may be pushed."""
    unfinished = (BuildState.QUEUED, BuildState.RUNNING)
    starts = any(isinstance(effect, StartBuild) for effect in draft.effects)
    return starts or any(a.state in unfinished for a in draft.seen.attempts)


def _is_quiet(draft: Draft) -> bool:
    """Nothing is changing, so nobody waits for this pass; else another one comes when that may be so."""
    ready = find(draft.service.status.conditions, ConditionType.READY)
    wait = draft.settings.retire_after_seconds
    if ready is not None and ready.status != "Unknown" and not draft.effects:
        wait -= (draft.now - ready.last_transition_time).total_seconds()
        if wait <= 0:
            return True
    draft.look_again(max(wait, 1.0))
    return False


def _kept(draft: Draft, built: Sequence[Revision]) -> frozenset[str]:
    """Digests of what runs, of what is wanted and of what to restore; then of the newest others."""
    last = last_deployed(draft.revisions)
    needed = {draft.live, draft.revision, last.name if last is not None else None}
    kept = {_digest(draft, r) for r in built if r.name in needed}
    kept |= {draft.image.partition("@")[2]} if draft.image else set()
    kept |= {draft.seen.stored.digest} if draft.seen.stored is not None else set()
    current = draft.seen.build.key if draft.seen.build is not None else ""
    kept |= {a.verdict.digest for a in draft.seen.attempts if a.build_key == current and a.verdict is not None}
    newest_first = sorted(built, key=lambda r: r.number, reverse=True)
    others = dict.fromkeys(_digest(draft, r) for r in newest_first if not r.image_deleted)
    return frozenset((kept | set([d for d in others if d not in kept][: draft.settings.registry_retention])) - {""})


def _builds_kept(draft: Draft) -> frozenset[str]:
    """Builds of images that are kept, and of attempts that are on record or still have a Job."""
    made = {r.build.id for r in draft.revisions if r.build is not None and not r.image_deleted}
    return frozenset({name for name in made if name} | {a.name for a in draft.seen.attempts})


def _digest(draft: Draft, revision: Revision) -> str:
    """Of an image that Ink built for this service; else nothing."""
    own = f"{draft.settings.registry}/{repository_of(draft.seen.identity)}@"
    image = revision.running.image if revision.running is not None else ""
    return image.removeprefix(own) if image.startswith(own) else ""
