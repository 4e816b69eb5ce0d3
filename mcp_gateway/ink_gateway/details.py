"""What only get_service answers: earlier revisions, and how to roll back to one. Pure."""

from ink_api.inkservice import InkService, RevisionStatus
from ink_api.reasons import Reason

from ink_gateway.views import ServiceView, View, short

REVISIONS_MAX = 5
DIGEST_SHOWN = 12


class RevisionView(View):
    """One revision, or a build that produced none."""

    number: int
    commit: str | None = None
    image: str | None = None
    """The start of its digest."""
    outcome: str | None = None
    """Deployed, or the reason why it was not; None while it is in progress."""
    live: bool | None = None
    """It serves traffic now."""
    wanted: bool | None = None
    """The newest one, which should become live."""
    created: str | None = None


class ServiceDetail(ServiceView):
    """A service with its revisions."""

    revisions: list[RevisionView] | None = None
    rollback: str | None = None
    """How to roll back to the newest earlier revision that was live."""


def with_revisions(answer: ServiceView, service: InkService) -> ServiceDetail:
    """The answer with the revisions and how to roll back."""
    known = service.status.revisions or []
    deployed = [r for r in known if r.reason == Reason.DEPLOYED]
    live = deployed[0] if deployed and answer.serving else None
    shown = [_revision(r, r is live) for r in known[:REVISIONS_MAX]]
    return ServiceDetail(**dict(answer), revisions=shown or None, rollback=_rollback_hint(service, deployed))


def _revision(revision: RevisionStatus, live: bool) -> RevisionView:
    digest = (revision.image or "").partition("@sha256:")[2]
    return RevisionView(
        number=revision.number,
        commit=short(revision.commit),
        image=digest[:DIGEST_SHOWN] or None,
        outcome=revision.reason,
        live=live or None,
        wanted=revision.active or None,
        created=revision.created,
    )


def _rollback_hint(service: InkService, deployed: list[RevisionStatus]) -> str | None:
    """Rolls back through git, so that the branch stays the only source of truth and no pin can be forgotten."""
    git, now = service.spec.source.git, service.status.commit
    earlier = next((r for r in deployed if r.commit and r.commit != now), None)
    if git is None or earlier is None or git.commit is not None:
        return None
    deleted = earlier.image_available is False
    how = "after a rebuild, because its image has been deleted" if deleted else "without a build"
    return (
        f"git push --force origin {earlier.commit}:{git.branch} makes revision {earlier.number} live again, {how}. "
        "This rewrites the branch; to keep its history, use git revert and push, which builds again."
    )
