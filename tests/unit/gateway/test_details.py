"""What get_service alone tells: revisions, and the way back."""

from typing import Any

from ink_gateway import details, views
from unit.gateway.test_views import service
from unit.gateway.world import LIVE, condition


def revision(number: int, commit: str, reason: str | None, *, active: bool = False) -> dict[str, Any]:
    image = f"registry.dp-system.svc.cluster.local:5000/acme/default/web@sha256:{commit * 64}"
    named = {"number": number, "name": f"web-{number}", "commit": commit * 40, "image": image, "active": active}
    return {**named, "reason": reason, "created": "2026-11-21T12:00:00Z"}


def told(*revisions: dict[str, Any], **status: Any) -> details.ServiceDetail:
    seen = service({**LIVE, **status, "revisions": list(revisions)})
    return details.with_revisions(views.view(seen, "default", "web"), seen)


def test_revisions_say_what_was_deployed_what_answers_and_how_to_go_back() -> None:
    """As after a push whose release failed: the one before answers."""
    answer = told(
        revision(3, "c", "ReleaseFailed", active=True), revision(2, "b", "Deployed"), revision(1, "a", "Deployed"),
        commit="c" * 40,
    )  # fmt: skip
    assert answer.model_dump(mode="json")["revisions"] == [
        {"number": 3, "commit": "c" * 12, "image": "c" * 12, "outcome": "ReleaseFailed", "wanted": True,
         "created": "2026-11-21T12:00:00Z"},
        {"number": 2, "commit": "b" * 12, "image": "b" * 12, "outcome": "Deployed", "live": True,
         "created": "2026-11-21T12:00:00Z"},
        {"number": 1, "commit": "a" * 12, "image": "a" * 12, "outcome": "Deployed", "created": "2026-11-21T12:00:00Z"},
    ]  # fmt: skip
    assert answer.rollback is not None
    assert f"git push --force origin {'b' * 40}:main" in answer.rollback
    assert "without a build" in answer.rollback


def test_the_way_back_to_a_deleted_image_is_a_build() -> None:
    answer = told(
        revision(2, "b", "Deployed", active=True),
        {**revision(1, "a", "Deployed"), "imageAvailable": False},
        commit="b" * 40,
    )
    assert answer.rollback is not None
    assert "after a rebuild" in answer.rollback


def test_a_first_revision_has_nothing_to_go_back_to() -> None:
    answer = told(revision(1, "a", "Deployed", active=True), commit="a" * 40)
    assert [(r.live, r.wanted) for r in answer.revisions or []] == [(True, True)]
    assert answer.rollback is None


def test_nothing_is_live_while_nothing_answers() -> None:
    answer = told(revision(1, "a", "Deployed", active=True), conditions=[condition("Available", "False", "Suspended")])
    assert [r.live for r in answer.revisions or []] == [None]


def test_a_long_history_is_cut() -> None:
    answer = told(*(revision(n, "a", "BuildFailed") for n in range(15, 0, -1)))
    assert [r.number for r in answer.revisions or []] == [15, 14, 13, 12, 11]
