"""What a ControllerRevision says is what was put into it."""

from dataclasses import replace

import pytest
from ink_api.inkservice import BuildStatus
from ink_api.reasons import Reason
from ink_operator.inkservice.desired.revision import make_revision
from ink_operator.inkservice.facts.revisions import attempts_for, revision_statuses, revisions_of, surplus_records
from ink_operator.inkservice.model import Attempt, BuildState, ReleaseResult, Revision, Running, Verdict
from ink_operator.inkservice.names import revision
from unit.operator.inkservice.making import IDENTITY, service

IMAGES = "registry.dp-system.svc.cluster.local:5000/acme/shop/web@"
RUNNING = Running(IMAGES + "sha256:" + "d" * 64, 3000, "a" * 40, "k" * 20, "token")
BUILD = BuildStatus(id="b-k-1", commit="a" * 40, pack="Dockerfile", reason="Built", started="S", finished="F", pod="p")
GOOD = Revision(
    "web-1", 3, "t" * 16, RUNNING, BUILD, outcome="Deployed", release=ReleaseResult("r", ok=False, message="No.")
)
FAILED = Attempt(
    name="b-k-2", uid="", build_key="k" * 20, commit="b" * 40, number=2, state=BuildState.FAILED, created="S",
    verdict=Verdict(False, reason=Reason.BUILD_FAILED, message="No.", log=("x",)), recorded=True, started="S",
    limit_seconds=960,
)  # fmt: skip
BAD = Revision("web-b-k-2", 4, build=BuildStatus(id="b-k-2", commit="b" * 40, reason="BuildFailed", started="S"))
BAD = replace(BAD, attempt=FAILED)
ENDED = Revision("web-b-k-3", 5, build=BuildStatus(id="b-k-3", commit="b" * 40, reason="Superseded", started="S"))
ENDED = replace(ENDED, attempt=replace(FAILED, name="b-k-3", number=3, state=BuildState.SUPERSEDED, verdict=None))


def read(*revisions: Revision) -> tuple[Revision, ...]:
    return revisions_of([make_revision(service(), IDENTITY, r) for r in revisions], IMAGES)


def test_a_record_is_read_as_it_was_written() -> None:
    assert read(ENDED, GOOD, BAD) == (GOOD, BAD, ENDED)


def test_a_record_holds_no_variable() -> None:
    one = service(env=[{"name": "A", "value": "secret-of-a"}])
    assert "secret-of-a" not in str(make_revision(one, IDENTITY, GOOD))


def test_the_image_of_another_service_is_not_believed() -> None:
    other = replace(RUNNING, image=RUNNING.image.replace("acme", "other"))
    assert read(replace(GOOD, running=other)) == ()


@pytest.mark.parametrize(
    ("image", "believed"),
    [
        ("registry.example.com/shop:1", True),
        ("registry.dp-system.svc.cluster.local:5000/acme/shop/next@sha256:1", True),
        ("registry.dp-system.svc.cluster.local:5000/other/shop/web@sha256:1", False),
        ("registry.dp-system.svc.cluster.local/other/shop/web@sha256:1", False),
    ],
)
def test_a_given_image_is_believed_unless_it_is_another_tenants(image: str, believed: bool) -> None:
    assert bool(read(replace(GOOD, running=Running(image, 80)))) is believed


def test_the_name_is_that_of_pods_and_build() -> None:
    names = {revision(IDENTITY, template, key) for template in ("t", "u") for key in ("k", "l", None)}
    assert len(names) == 6
    assert revision(IDENTITY, "t", "k") == revision(IDENTITY, "t", "k")


def test_what_a_job_says_counts_before_its_record() -> None:
    job = replace(FAILED, uid="u", state=BuildState.RUNNING)
    assert attempts_for([job], [GOOD, BAD, ENDED], "k" * 20) == [job, ENDED.attempt]


def test_the_status_tells_how_each_ended() -> None:
    told = revision_statuses([replace(GOOD, outcome=""), BAD, ENDED], "web-1")
    assert [(r.number, r.reason, r.active) for r in told] == [
        (5, "Superseded", False),
        (4, "BuildFailed", False),
        (3, "ReleaseFailed", True),
    ]


def test_of_what_ink_tries_again_by_itself_one_record_is_enough() -> None:
    spoiled = Verdict(False, reason=Reason.BUILD_INFRASTRUCTURE, infrastructure=True)
    tries = [
        replace(BAD, name=f"web-{n}", number=n, attempt=replace(FAILED, number=n, verdict=spoiled)) for n in (1, 2, 3)
    ]
    assert [r.name for r in surplus_records(tries, frozenset())] == ["web-2", "web-1"]
    assert surplus_records(tries, frozenset({"web-1", "web-2"})) == []
