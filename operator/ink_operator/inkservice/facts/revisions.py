"""Pure: the records (ControllerRevisions) of a service, and queries about them. They are its history.

Like any object in a tenant's namespace they may have been forged: anything malformed counts as absent.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from ink_api.inkservice import BuildStatus, RevisionStatus
from ink_api.names import ServiceIdentity
from ink_api.reasons import Reason
from pydantic import ValidationError

from ink_operator.core import objects
from ink_operator.inkservice import model, names
from ink_operator.inkservice.facts import builds, inkfile, rollout

KEPT_REVISIONS = 10
KEPT_ATTEMPTS = 5
"""Build attempts without an image: many broken pushes must not displace revisions that can be rolled back to."""
MAX_NUMBER = 2**31


def revisions_of(items: Iterable[objects.Manifest], images: str) -> tuple[model.Revision, ...]:
    """By number. `images`: prefix of the images that Ink built for this service; a record may name no others."""
    found = (_revision(item, images) for item in items if not objects.is_deleting(item))
    return tuple(sorted((r for r in found if r is not None), key=_order))


def _order(revision: model.Revision) -> tuple[int, str, str]:
    return revision.number, revision.created or "~", revision.name


def _revision(item: objects.Manifest, images: str) -> model.Revision | None:
    number, data, notes = item.get("revision"), item.get("data"), objects.annotations_of(item)
    if not isinstance(number, int) or not 0 < number < MAX_NUMBER or not isinstance(data, dict):
        return None
    running = _running(data)
    if running is not None and not _may_run(running, images):
        return None
    build = _build(data.get("build"))
    attempt = _attempt(data.get("attempt"), build, item) if running is None else None
    if running is None and attempt is None:
        return None
    return model.Revision(
        name=item["metadata"]["name"],
        number=number,
        template=str(data.get("template") or ""),
        running=running,
        build=build,
        attempt=attempt,
        outcome=notes.get(names.ANNOTATION_OUTCOME, "")[:100],
        release=_release(notes.get(names.ANNOTATION_RELEASE, "")),
        image_deleted=notes.get(names.ANNOTATION_IMAGE_DELETED) == "true",
        uid=item["metadata"].get("uid", ""),
        created=item["metadata"].get("creationTimestamp"),
    )


def _may_run(running: model.Running, images: str) -> bool:
    """An image that Ink built for this service, one of the same project in Ink's registry, or one from elsewhere."""
    if running.build_key is not None:
        return running.image.startswith(images)
    registry, project = images.partition(":")[0], images.rpartition("/")[0] + "/"
    return running.image.startswith(project) or not running.image.startswith(registry)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _running(data: dict[str, Any]) -> model.Running | None:
    image, port = _text(data.get("image")), data.get("port")
    if image is None:
        return None
    return model.Running(
        image=image,
        port=port if isinstance(port, int) and 0 < port < 65536 else model.DEFAULT_PORT,
        commit=_text(data.get("commit")),
        build_key=_text(data.get("buildKey")),
        rebuild_token=_text(data.get("rebuildToken")),
        planner=_text(data.get("planner")),
        inkfile=inkfile.canonical(data.get("inkfile")),
    )


def _build(data: Any) -> BuildStatus | None:
    try:
        return BuildStatus.model_validate(data) if data else None
    except ValidationError:
        return None


def _attempt(data: Any, build: BuildStatus | None, item: objects.Manifest) -> model.Attempt | None:
    if not isinstance(data, dict) or build is None or build.id is None:
        return None
    key, number, limit = _text(data.get("key")), data.get("number"), data.get("limit")
    if key is None or not isinstance(number, int) or number < 1:
        return None
    verdict = builds.parse_verdict(json.dumps(data["verdict"])) if data.get("verdict") else None
    return model.Attempt(
        name=build.id,
        uid="",
        build_key=key,
        commit=build.commit or "",
        number=number,
        state=model.BuildState.SUPERSEDED if verdict is None else model.BuildState.FAILED,
        created=build.started or item["metadata"].get("creationTimestamp") or "",
        verdict=verdict,
        recorded=True,
        started=build.started,
        finished=build.finished,
        pod=build.pod,
        limit_seconds=limit if isinstance(limit, int) else 0,
    )


def _release(text: str) -> model.ReleaseResult | None:
    try:
        data = json.loads(text) if text else None
    except ValueError:
        return None
    if not isinstance(data, dict) or not isinstance(data.get("ok"), bool):
        return None
    return model.ReleaseResult(str(data.get("run", "")), data["ok"], str(data.get("message", "")))


def find(revisions: Iterable[model.Revision], name: str) -> model.Revision | None:
    """The record with that name."""
    return next((r for r in revisions if r.name == name), None)


def of_build(revisions: Sequence[model.Revision], key: str) -> model.Revision | None:
    """The newest revision with that build's image."""
    return next((r for r in reversed(revisions) if r.running is not None and r.running.build_key == key), None)


def next_number(revisions: Iterable[model.Revision]) -> int:
    """One more than the highest number so far, renumbered records included."""
    return max((r.number for r in revisions), default=0) + 1


def running_now(deployment: objects.Manifest | None, revisions: Sequence[model.Revision]) -> model.Running | None:
    """What the workload runs; without one, what was deployed last, to be restored."""
    if deployment is not None:
        return rollout.running_of(deployment)
    last = last_deployed(revisions)
    return last.running if last is not None else None


def live_name(deployment: objects.Manifest | None, identity: ServiceIdentity) -> str | None:
    """Name of the revision that a Deployment runs."""
    running = rollout.running_of(deployment)
    template = objects.annotations_of(deployment or {}).get(names.ANNOTATION_REVISION)
    return names.revision(identity, template, running.build_key) if running is not None and template else None


def last_deployed(revisions: Sequence[model.Revision]) -> model.Revision | None:
    """The newest revision whose pods have all been ready."""
    return next((r for r in reversed(revisions) if r.running is not None and r.outcome == Reason.DEPLOYED), None)


def attempts_for(
    attempts: Iterable[model.Attempt], revisions: Iterable[model.Revision], key: str
) -> list[model.Attempt]:
    """Attempts at that build, newest last; from their records if the Job is gone."""
    known = {a.name: a for a in attempts if a.build_key == key}
    for revision in revisions:
        if revision.attempt is not None and revision.attempt.build_key == key:
            known.setdefault(revision.attempt.name, revision.attempt)
    return sorted(known.values(), key=lambda a: (a.number, a.created, a.name))


def renumbered(revisions: Iterable[model.Revision]) -> list[model.Revision]:
    """Those that share a number with an older one, with new numbers."""
    known = sorted(revisions, key=_order)
    out: list[model.Revision] = []
    for older, revision in pairwise(known):
        if older.number == revision.number:
            out.append(replace(revision, number=next_number([*known, *out])))
    return out


def surplus_records(revisions: Sequence[model.Revision], needed: frozenset[str]) -> list[model.Revision]:
    """Records beyond the limits. `needed`: names of records that must be kept, however old."""
    newest_first = sorted(revisions, key=_order, reverse=True)
    good = [r for r in newest_first if r.running is not None]
    bad = [r for r in newest_first if r.running is None]
    seen: set[str] = set()
    repeated = []
    for revision in bad:
        attempt = revision.attempt
        if attempt is not None and attempt.verdict is not None and attempt.verdict.infrastructure:
            # Ink retries indefinitely: of all attempts at one build, the last record is enough.
            if attempt.build_key in seen:
                repeated.append(revision)
            seen.add(attempt.build_key)
    kept = [r for r in bad if r not in repeated]
    return [r for r in (*good[KEPT_REVISIONS:], *kept[KEPT_ATTEMPTS:], *repeated) if r.name not in needed]


def revision_statuses(revisions: Iterable[model.Revision], active: str | None) -> tuple[RevisionStatus, ...]:
    """The revisions as the status shows them, newest first."""
    return tuple(
        RevisionStatus(
            number=r.number,
            name=r.name,
            commit=(r.running.commit if r.running else r.attempt.commit if r.attempt else None) or None,
            image=r.running.image if r.running else None,
            image_available=not r.image_deleted if r.running is not None and r.running.build_key is not None else None,
            created=r.created,
            active=r.name == active,
            reason=_reason(r, r.name == active),
        )
        for r in sorted(revisions, key=_order, reverse=True)
    )


def _reason(revision: model.Revision, active: bool) -> str | None:
    if revision.attempt is not None:
        verdict = revision.attempt.verdict
        return str(verdict.reason) if verdict is not None else str(Reason.SUPERSEDED)
    if revision.outcome == Reason.DEPLOYED:
        return revision.outcome
    if revision.release is not None and not revision.release.ok:
        return str(Reason.RELEASE_FAILED)
    return revision.outcome or (None if active else str(Reason.SUPERSEDED))
