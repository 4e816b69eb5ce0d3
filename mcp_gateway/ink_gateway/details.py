"""What get_service alone tells: what was deployed before, and the way back to it. Pure."""

from ink_api.inkservice import InkService, RevisionStatus
from ink_api.reasons import Reason

from ink_gateway.views import ServiceView, View, short

REVISIONS_MOST = 5
DIGEST_SHOWN = 12


class RevisionView(View):
    """One revision, or a build that gave none."""

    number: int
    commit: str | None = None
    image: str | None = None
    """The start of its digest."""
    outcome: str | None = None
    """Deployed, or the reason it did not get there; None while it is under way."""
    live: bool | None = None
    """It answers now."""
    wanted: bool | None = None
    """The newest, which is to be live."""
    created: str | None = None


class ServiceDetail(ServiceView):
    """The same with what was deployed before."""

    revisions: list[RevisionView] | None = None
    rollback: str | None = None
    """How to go back to the newest earlier one that was live."""


def with_revisions(answer: ServiceView, service: InkService) -> ServiceDetail:
    """The answer and what was deployed before, with the way back to it."""
    known = service.status.revisions or []
    deployed = [r for r in known if r.reason == Reason.DEPLOYED]
    live = deployed[0] if deployed and answer.serving else None
    shown = [_revision(r, r is live) for r in known[:REVISIONS_MOST]]
    return ServiceDetail(**dict(answer), revisions=shown or None, rollback=_way_back(service, deployed))


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


def _way_back(service: InkService, deployed: list[RevisionStatus]) -> str | None:
    """By git, as everything is deployed. The branch alone decides; nobody has to remember a pin."""
    git, now = service.spec.source.git, service.status.commit
    earlier = next((r for r in deployed if r.commit and r.commit != now), None)
    if git is None or earlier is None or git.commit is not None:
        return None
    how = "after a build: its image is deleted" if earlier.image_available is False else "with no build"
    return (
        f"git push --force origin {earlier.commit}:{git.branch} makes revision {earlier.number} live again, {how}. "
        "That rewrites the branch; git revert and a push keep it, and build."
    )
