"""The rules of the CRDs: each says what to do and is met by a test; every field stands in a spec that is taken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ink_api import crdgen
from support.resources.full_specs import TAKEN
from support.resources.specs import REFUSED, SMALLEST, UPDATES

Json = dict[str, Any]
KINDS = pytest.mark.parametrize("kind", crdgen.KINDS, ids=lambda kind: kind.kind)
VERBS = (
    "set", "write", "remove", "choose", "keep", "make", "change", "use", "create", "raise", "must", "belongs", "need",
    "needs", "has", "have", "is", "are", "begins", "shorten",
)  # fmt: skip
"""A message tells what to do, or how the value has to be."""


def schema(kind: crdgen.CustomResource) -> Json:
    found: Json = crdgen.crd(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return found


def nodes(node: Json) -> Iterator[Json]:
    """The node and everything below it."""
    yield node
    for child in [*node.get("properties", {}).values(), *([node["items"]] if "items" in node else [])]:
        yield from nodes(child)


def messages(kind: crdgen.CustomResource) -> set[str]:
    return {rule["message"] for node in nodes(schema(kind)) for rule in node.get("x-kubernetes-validations", [])}


@KINDS
def test_every_rule_is_met_by_a_spec_that_breaks_it(kind: crdgen.CustomResource) -> None:
    """`tests/api/schema/test_schema.py` applies them to a real API server."""
    asked = [says for _, of, _, says in REFUSED if of == kind.kind]
    asked += [says for _, of, _, _, says in UPDATES if of == kind.kind]
    named = {crdgen.NAME_MESSAGE}
    unmet = sorted(m for m in messages(kind) - named if not any(says in m for says in asked))
    assert unmet == []


@KINDS
def test_every_message_says_what_to_do(kind: crdgen.CustomResource) -> None:
    silent = [m for m in messages(kind) if not set(m.replace(":", " ").replace(",", " ").split()) & set(VERBS)]
    assert silent == []
    assert [m for m in messages(kind) if m.endswith(".")] == [], "the API server puts them into a sentence of its own"


@KINDS
def test_the_specs_that_are_taken_use_every_field(kind: crdgen.CustomResource) -> None:
    unused = set(paths(schema(kind)["properties"]["spec"], ""))
    for _, of, spec in TAKEN:
        if of == kind.kind:
            unused -= set(used({**SMALLEST[of], **spec}, ""))
    assert unused == set()


def paths(node: Json, path: str) -> Iterator[str]:
    for name, child in node.get("properties", {}).items():
        yield f"{path}.{name}"
        yield from paths(child, f"{path}.{name}")
    if "items" in node:
        yield from paths(node["items"], path)


def used(value: object, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for name, child in value.items():
            yield f"{path}.{name}"
            yield from used(child, f"{path}.{name}")
    if isinstance(value, list):
        for child in value:
            yield from used(child, path)
