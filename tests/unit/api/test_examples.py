"""examples/: one commented resource for each feature. `tests/api/tools/test_kubectl.py` applies them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ink_api import crdgen, docgen
from ink_operator.inkservice.decide.checks import unsupported_fields

EXAMPLES = sorted((Path(__file__).resolve().parents[3] / "examples").glob("*.yaml"))
EACH = pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
SPECS = {kind.kind: kind.spec for kind in crdgen.KINDS}
WITHOUT = {
    "mode": "not supported yet",
    "idleAfter": "not supported yet",
    "domains": "not supported yet",
}
"""Fields of InkService without an example, and why."""


def parsed(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text())
    return found


@EACH
def test_it_is_called_like_its_kind_and_begins_with_a_sentence(path: Path) -> None:
    assert path.name.startswith(parsed(path)["kind"].lower())
    assert 10 < len(docgen.summary(path)) < 160


@EACH
def test_every_example_is_commented(path: Path) -> None:
    body = path.read_text().split("\nspec:")[1]
    assert "#" in body or len(path.read_text().split("\napiVersion")[0].splitlines()) > 1


@EACH
def test_the_models_read_it(path: Path) -> None:
    SPECS[parsed(path)["kind"]].model_validate(parsed(path)["spec"])


@EACH
def test_what_is_not_served_says_so(path: Path) -> None:
    """A reader must not find out by a stalled resource."""
    if parsed(path)["kind"] != "InkService":
        assert "NotImplemented" in path.read_text()


def test_every_field_of_a_service_has_an_example() -> None:
    fields = set(crdgen.schema_of(SPECS["InkService"])["properties"])
    used = {name for path in EXAMPLES if parsed(path)["kind"] == "InkService" for name in parsed(path)["spec"]}
    assert fields - used == set(WITHOUT)


def later() -> Iterator[str]:
    """Fields in the examples that the operator refuses."""
    for path in EXAMPLES:
        if parsed(path)["kind"] == "InkService":
            yield from unsupported_fields(SPECS["InkService"].model_validate(parsed(path)["spec"]))  # type: ignore[arg-type]


def test_no_example_asks_for_what_is_not_served() -> None:
    """What one of them asks for may be on its way; a field that is far off has no example."""
    on_its_way = {"spec.ttl", "spec.isolation GVisor"}
    assert set(later()) <= on_its_way
