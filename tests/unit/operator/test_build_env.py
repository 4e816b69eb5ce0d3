"""Which variables of a build are served."""

from __future__ import annotations

from ink_operator.inkservice.not_served import not_served
from unit.operator.making import service


def test_plain_values_are_served() -> None:
    spec = service(build={"env": [{"name": "A", "value": "1"}]}).spec
    assert not_served(spec) == []


def test_values_from_elsewhere_are_refused_in_words() -> None:
    entry = {"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}
    assert not_served(service(build={"env": [entry]}).spec) == ["spec.build.env with valueFrom"]
