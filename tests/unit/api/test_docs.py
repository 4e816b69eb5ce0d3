"""docs/api.md and docs/reasons.md: fresh, complete, and every word of a status explained."""

from __future__ import annotations

from pathlib import Path

import pytest
from ink_api import docgen
from ink_api.condition_types import ConditionType
from ink_api.crdgen import KINDS, schema_of
from ink_api.reasons import Reason

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "docs"


def test_the_checked_in_pages_are_what_the_models_say(tmp_path: Path) -> None:
    docgen.main(str(tmp_path), str(ROOT / "examples"))
    for page in tmp_path.iterdir():
        assert page.read_text() == (DOCS / page.name).read_text(), f"{page.name}: run `make docs`"


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_a_meaning_and_conditions(reason: Reason) -> None:
    assert reason.meaning[0].isupper()
    assert reason.meaning.endswith(".")
    assert reason.stated_by
    page = (DOCS / "reasons.md").read_text()
    assert page.count(f"\n### {reason}\n") == 1
    assert reason.remedy in page


@pytest.mark.parametrize("condition", list(ConditionType))
def test_every_condition_has_a_meaning(condition: ConditionType) -> None:
    assert condition.meaning.endswith(".")
    assert condition.kind in {"", *(kind.kind for kind in KINDS)}
    assert f"| `{condition}` |" in (DOCS / "reasons.md").read_text()


@pytest.mark.parametrize("reason", list(Reason))
def test_a_reason_is_stated_by_conditions_or_parts_of_the_status(reason: Reason) -> None:
    assert all(place in set(ConditionType) or place.startswith("status.") for place in reason.stated_by)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_the_reference_has_every_field(kind: docgen.CustomResource) -> None:
    page = (DOCS / "api.md").read_text()
    for part, model in (("spec", kind.spec), ("status", kind.status)):
        for path, node in docgen.objects(schema_of(model), part):
            section = page.split(f"### {kind.kind} `{path}`\n")[1].split("\n### ")[0]
            assert [name for name in node["properties"] if f"| `{name}` |" not in section] == []


def test_every_rule_stands_in_the_reference() -> None:
    page = (DOCS / "api.md").read_text().replace("\\|", "|")
    for kind in KINDS:
        for path, node in docgen.objects(schema_of(kind.spec), "spec"):
            for child in [node, *node["properties"].values()]:
                assert all(message in page for message in docgen.rule_texts(child)), path


def test_every_example_is_linked() -> None:
    page = (DOCS / "api.md").read_text()
    assert [path.name for path in (ROOT / "examples").glob("*.yaml") if f"/{path.name})" not in page] == []
