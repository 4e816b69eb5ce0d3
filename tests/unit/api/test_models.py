"""Models: what the API server stores is read as it was written, and nothing unknown gets in the way."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ink_api.crdgen import KINDS
from ink_api.inkresource import PROVIDERS, InkResourceSpec
from ink_api.inkservice import InkService, InkServiceSpec, InkServiceStatus
from ink_api.quantities import seconds
from pydantic import ValidationError
from support.resources.full_specs import TAKEN
from support.resources.specs import SMALLEST

GIT = {"source": {"git": {"url": "https://git.example.com/acme/shop.git"}}}


def spec(**fields: Any) -> InkServiceSpec:
    return InkServiceSpec.model_validate({**GIT, **fields})


def test_the_smallest_spec_gets_its_defaults() -> None:
    smallest = spec()
    assert smallest.source.git is not None
    assert smallest.source.git.branch == "main"
    assert (smallest.replicas, smallest.suspend, smallest.ports) == (1, False, None)


def test_types_and_providers_of_resources_are_those_of_one_table() -> None:
    fields = InkResourceSpec.model_fields
    assert set(get_args(fields["type"].annotation)) == {*PROVIDERS, "External"}
    provider, none = get_args(fields["provider"].annotation)
    assert none is type(None)
    assert set(get_args(provider)) == {name for names in PROVIDERS.values() for name in names}


def test_no_ports_and_an_empty_list_of_ports_differ() -> None:
    """None: the default port. []: a worker."""
    assert spec().ports is None
    assert spec(ports=[]).ports == []


def test_names_are_camel_case_on_the_wire() -> None:
    wire = spec(rebuildToken="a", restartedAt="b").to_wire()
    assert (wire["rebuildToken"], wire["restartedAt"]) == ("a", "b")
    assert InkServiceSpec.model_validate(wire) == spec(rebuildToken="a", restartedAt="b")


def test_fields_of_a_newer_version_are_ignored() -> None:
    assert spec(fromTheFuture=1) == spec()


def test_a_parsed_value_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        spec().replicas = 2  # type: ignore[misc]


def test_an_object_without_status_has_not_been_observed() -> None:
    service = InkService.model_validate({"metadata": {"name": "shop", "namespace": "acme"}, "spec": GIT})
    assert service.status == InkServiceStatus()
    assert service.status.observed_generation == -1


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"source": {"git": {"url": "git@example.com:acme/shop.git"}}}, id="ssh address"),
        pytest.param(
            {"source": {"git": {"url": "https://user:word@example.com/x.git"}}}, id="credentials in the address"
        ),
        pytest.param({"source": {"git": {"url": "file:///etc"}}}, id="file address"),
        pytest.param(
            {"source": {"git": {"url": "https://x/y", "branch": "--upload-pack=x"}}}, id="branch as an option"
        ),
        pytest.param({"source": {"git": {"url": "https://x/y", "commit": "main"}}}, id="commit that is no hash"),
        pytest.param({"source": {"git": {"url": "https://x/y", "rootDirectory": "/etc"}}}, id="absolute directory"),
        pytest.param({"replicas": -1}, id="negative replicas"),
        pytest.param({"ports": [{"port": 0}]}, id="port zero"),
        pytest.param({"env": [{"name": "A B", "value": ""}]}, id="variable with a space"),
        pytest.param({"build": {"pack": "Heroku"}}, id="unknown pack"),
        pytest.param({"health": {"path": "healthz"}}, id="path without a slash"),
        pytest.param({"health": {"startupGrace": "soon"}}, id="no duration"),
    ],
)
def test_what_the_schema_refuses_the_model_refuses(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        spec(**fields)


@given(st.integers(0, 99), st.integers(0, 99), st.integers(0, 99))
def test_a_duration_is_the_sum_of_its_parts(hours: int, minutes: int, rest: int) -> None:
    assert seconds(f"{hours}h{minutes}m{rest}s") == hours * 3600 + minutes * 60 + rest


@pytest.mark.parametrize(("kind", "fields"), [pytest.param(kind, spec, id=name) for name, kind, spec in TAKEN])
def test_what_the_api_server_takes_the_operator_reads(kind: str, fields: dict[str, Any]) -> None:
    """Nothing is lost on the way: what is written again says the same."""
    model = next(known.spec for known in KINDS if known.kind == kind)
    wanted = {**SMALLEST[kind], **fields}
    read = model.model_validate(wanted)
    again = model.model_validate(read.model_dump(mode="json", by_alias=True, exclude_none=True))
    assert again == read
    kept = read.model_dump(mode="json", by_alias=True, exclude_unset=True)
    assert says(kept) == says(wanted)


def says(value: object) -> object:
    """Whole numbers of quantities are read as text."""
    if isinstance(value, dict):
        return {key: says(child) for key, child in value.items()}
    if isinstance(value, list):
        return [says(child) for child in value]
    return str(value)
