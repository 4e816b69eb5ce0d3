"""Pure: which of a service's images and build logs the registry keeps."""

from collections.abc import Sequence
from dataclasses import replace

from ink_api.condition_types import ConditionType
from ink_api.conditions import find

from ink_operator.inkservice import model
from ink_operator.inkservice.decide.plan import ServicePlanBuilder
from ink_operator.inkservice.decide.revision import record_ref, update_record
from ink_operator.inkservice.facts import revisions
from ink_operator.inkservice.facts.source import repository_of


def retire_step(plan: ServicePlanBuilder, dropped: Sequence[model.Revision]) -> None:
    """Delete images that no revision needs. `dropped`: records deleted in this pass; their logs are deleted too."""
    if plan.refused or not plan.is_granted or _is_building(plan):
        return
    built = [r for r in plan.revisions if _digest(plan, r)]
    kept = _kept_images(plan, built)
    for revision in built:
        if revision.image_deleted and _digest(plan, revision) in kept:
            update_record(plan, replace(revision, image_deleted=False))
    gone = [r for r in built if not r.image_deleted and _digest(plan, r) not in kept]
    failed = any(r.attempt is not None for r in dropped)
    if not failed and not (gone and _is_quiet(plan)):
        return
    for attempt in plan.seen.attempts:
        # An existing build Job means that the image exists.
        verdict = attempt.verdict
        if attempt.recorded and verdict is not None and verdict.digest and verdict.digest not in kept:
            plan.drop_build(attempt)
    records = tuple(record_ref(plan, r) for r in gone)
    for revision in gone:
        plan.revisions[plan.revisions.index(revision)] = replace(revision, image_deleted=True)
    plan.effects.append(model.RetireImages(repository_of(plan.seen.identity), kept, _kept_builds(plan), records))


def _is_building(plan: ServicePlanBuilder) -> bool:
    """A build is in progress: nothing is deleted while something may be pushed."""
    unfinished = (model.BuildState.QUEUED, model.BuildState.RUNNING)
    starts = any(isinstance(effect, model.StartBuild) for effect in plan.effects)
    return starts or any(a.state in unfinished for a in plan.seen.attempts)


def _is_quiet(plan: ServicePlanBuilder) -> bool:
    """Nothing is changing, so nobody waits for this pass. Otherwise requeues for when that may be the case."""
    ready = find(plan.service.status.conditions, ConditionType.READY)
    wait = plan.settings.retire_after_seconds
    if ready is not None and ready.status != "Unknown" and not plan.effects:
        wait -= (plan.now - ready.last_transition_time).total_seconds()
        if wait <= 0:
            return True
    plan.requeue_after(max(wait, 1.0))
    return False


def _kept_images(plan: ServicePlanBuilder, built: Sequence[model.Revision]) -> frozenset[str]:
    """Digests of what runs, what is wanted and what would be restored; then of the newest others."""
    last = revisions.last_deployed(plan.revisions)
    needed = {plan.live, plan.revision, last.name if last is not None else None}
    kept = {_digest(plan, r) for r in built if r.name in needed}
    kept |= {plan.image.partition("@")[2]} if plan.image else set()
    kept |= {plan.seen.stored.digest} if plan.seen.stored is not None else set()
    current = plan.seen.build.key if plan.seen.build is not None else ""
    kept |= {a.verdict.digest for a in plan.seen.attempts if a.build_key == current and a.verdict is not None}
    newest_first = sorted(built, key=lambda r: r.number, reverse=True)
    others = dict.fromkeys(_digest(plan, r) for r in newest_first if not r.image_deleted)
    return frozenset((kept | set([d for d in others if d not in kept][: plan.settings.registry_retention])) - {""})


def _kept_builds(plan: ServicePlanBuilder) -> frozenset[str]:
    """Builds of images that are kept, and of attempts that have a record or a Job."""
    made = {r.build.id for r in plan.revisions if r.build is not None and not r.image_deleted}
    return frozenset({name for name in made if name} | {a.name for a in plan.seen.attempts})


def _digest(plan: ServicePlanBuilder, revision: model.Revision) -> str:
    """Of an image that Ink built for this service; otherwise empty."""
    own = f"{plan.settings.registry}/{repository_of(plan.seen.identity)}@"
    image = revision.running.image if revision.running is not None else ""
    return image.removeprefix(own) if image.startswith(own) else ""
