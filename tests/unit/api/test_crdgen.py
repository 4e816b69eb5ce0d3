"""The generated CRDs: fresh, structural, and documented in every field."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ink_api import crdgen

GENERATED = Path(__file__).resolve().parents[3] / "crds" / "generated"
KINDS = pytest.mark.parametrize("kind", crdgen.KINDS, ids=lambda kind: kind.kind)
Json = dict[str, Any]


def schema(kind: crdgen.CustomResource) -> Json:
    found: Json = crdgen.crd(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return found


def fields(node: Json, path: str) -> Iterator[tuple[str, Json]]:
    """Every node below, with its path."""
    for name, child in node.get("properties", {}).items():
        yield f"{path}.{name}", child
        yield from fields(child, f"{path}.{name}")
    if "items" in node:
        yield f"{path}[]", node["items"]
        yield from fields(node["items"], f"{path}[]")


def test_the_checked_in_files_are_what_the_models_say(tmp_path: Path) -> None:
    crdgen.main(str(tmp_path))
    fresh = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert fresh == {path.name: path.read_text() for path in GENERATED.iterdir()}, "run `make crds`"


@KINDS
def test_every_field_is_described(kind: crdgen.CustomResource) -> None:
    """`kubectl explain` is documentation."""
    undescribed = [
        path
        for part in ("spec", "status")
        for path, node in fields(schema(kind)["properties"][part], part)
        if not node.get("description") and not path.endswith("[]")
    ]
    assert undescribed == []


ORDERED = {
    ".spec.envFrom",
    ".status.build.scan.worst",
    ".status.build.scan.secrets",
    ".status.build.scan.image.worst",
}
"""Order counts and no key keeps it: later variables win, as in a Pod; findings begin with the worst."""


@KINDS
def test_every_list_of_objects_is_merged_by_key(kind: crdgen.CustomResource) -> None:
    """Two appliers of one list must not overwrite each other's items."""
    wrong = [
        path
        for path, node in fields(schema(kind), "")
        if node.get("items", {}).get("type") == "object"
        and node.get("x-kubernetes-list-type") != "map"
        and path not in ORDERED
    ]
    assert wrong == []


@KINDS
def test_every_rule_says_what_to_do(kind: crdgen.CustomResource) -> None:
    rules = [
        rule
        for _, node in [("", schema(kind)), *fields(schema(kind), "")]
        for rule in node.get("x-kubernetes-validations", [])
    ]
    assert all(len(rule.get("message", "")) > 10 for rule in rules), rules


@KINDS
def test_a_new_object_has_not_been_observed(kind: crdgen.CustomResource) -> None:
    """Tools that follow kstatus would take a missing observedGeneration for finished."""
    assert schema(kind)["properties"]["status"]["default"] == {"observedGeneration": -1}


@KINDS
def test_columns_point_at_fields_that_exist(kind: crdgen.CustomResource) -> None:
    known = {path for path, _ in fields(schema(kind), "")}
    for name, _, path, _ in kind.columns:
        plain = path.split("[")[0]
        assert plain in known or plain.startswith(".metadata."), name


@KINDS
def test_the_file_is_plain_yaml(kind: crdgen.CustomResource) -> None:
    text = (GENERATED / f"ml.ink_{kind.plural}.yaml").read_text()
    assert yaml.safe_load(text)["metadata"]["name"] == f"{kind.plural}.ml.ink"
