"""Which images and build logs the registry keeps of a service."""

from dataclasses import replace
from typing import Any

from ink_operator.inkservice.decide.images import retire_step
from ink_operator.inkservice.model import RetireImages
from unit.operator.inkservice.deciding import (
    BAD,
    GOOD,
    SETTINGS,
    Row,
    again,
    ago,
    attempt,
    deciding,
    digest,
    effects,
    revision,
    rows,
    running,
    workload,
)

KEEPS_TWO = replace(SETTINGS, registry_retention=2, retire_after_seconds=60.0)
READY = {"type": "Ready", "status": "True", "reason": "Ready", "message": ""}
QUIET = {"conditions": [{**READY, "lastTransitionTime": ago(600)}]}
BUSY = {"conditions": [{**READY, "status": "Unknown", "reason": "Deploying", "lastTransitionTime": ago(600)}]}
FRESH = {"conditions": [{**READY, "lastTransitionTime": ago(20)}]}


def history(number: int, **newest: Any) -> dict[str, Any]:
    """So many revisions, each of an image of its own; the last one runs."""
    made = [revision(n, f"t{n}", running(f"{n:x}" * 40, f"{n:x}"), outcome="Deployed") for n in range(1, number + 1)]
    made[-1] = replace(made[-1], **newest)
    return {"revisions": tuple(made), "deployment": workload(of=made[-1])}


def kept(*letters: str) -> list[str]:
    return [f"RetireImages keeps {sorted(digest(letter) for letter in letters)}"]


def without(number: int) -> dict[str, Any]:
    """The oldest image is gone already."""
    given = history(number)
    return given | {"revisions": (replace(given["revisions"][0], image_deleted=True), *given["revisions"][1:])}


FOREIGN = revision(1, "t1", replace(running(), image="docker.io/library/nginx:1"))


@rows(
    Row("nothing was built", {"status": QUIET}, ([], None)),
    Row("what runs and two others are kept", {"status": QUIET, **history(3)}, ([], None)),
    Row("older images go", {"status": QUIET, **history(5)}, (kept("5", "4", "3"), None)),
    Row("what is gone does not go again", {"status": QUIET, **without(4)}, ([], None)),
    Row("while something changes they wait", {"status": BUSY, **history(5)}, ([], 60.0)),
    Row("they wait until it has been calm for a while", {"status": FRESH, **history(5)}, ([], 40.0)),
    Row(
        "while a build runs nothing goes",
        {"status": QUIET, **history(5), "attempts": (attempt("Running"),)},
        ([], None),
    ),
    Row(
        "while one is queued nothing goes",
        {"status": QUIET, **history(5), "attempts": (attempt("Queued"),)},
        ([], None),
    ),
    Row("where nobody may look nothing goes", {"status": QUIET, **history(5), "granted": False}, ([], None)),
    Row("images of others are not ours to delete", {"status": QUIET, "revisions": (FOREIGN,)}, ([], None)),
)
def test_what_the_registry_keeps(row: Row) -> None:
    plan = deciding(settings=KEEPS_TWO, **row.given)
    retire_step(plan, [])
    assert (effects(plan), again(plan)) == row.expected, row.why


def test_what_is_wanted_is_kept_however_old() -> None:
    plan = deciding(settings=KEEPS_TWO, status=QUIET, **history(6))
    plan.revision = plan.revisions[0].name
    retire_step(plan, [])
    assert effects(plan) == kept("6", "5", "4", "1")


def test_what_is_deleted_is_noted_on_its_record() -> None:
    plan = deciding(settings=KEEPS_TWO, status=QUIET, **history(4))
    oldest = plan.revisions[0].name
    retire_step(plan, [])
    (effect,) = plan.effects
    assert isinstance(effect, RetireImages)
    assert [ref.name for ref in effect.records] == [oldest]
    assert [r.name for r in plan.revisions if r.image_deleted] == [oldest]


def test_an_image_that_is_wanted_again_is_not_noted_as_gone() -> None:
    plan = deciding(settings=KEEPS_TWO, status=QUIET, **history(1, image_deleted=True))
    retire_step(plan, [])
    (line,) = effects(plan)
    assert '"ml.ink/image-deleted": null' in line


def test_the_log_of_a_failed_build_goes_with_its_record_at_once() -> None:
    given = history(2)
    dropped = replace(given["revisions"][0], running=None, attempt=attempt("Failed", BAD))
    plan = deciding(settings=KEEPS_TWO, status=BUSY, **given)
    retire_step(plan, [dropped])
    assert effects(plan) == kept("1", "2")


def test_a_job_that_says_its_image_is_there_goes_with_the_image() -> None:
    given = history(5)
    first = given["revisions"][0].running
    job = attempt("Succeeded", GOOD, commit=first.commit)
    plan = deciding(settings=KEEPS_TWO, status=QUIET, attempts=(job,), **given)
    retire_step(plan, [])
    assert effects(plan)[:2] == [f"Delete Job {job.name}", f"Delete Secret {job.name}"]
