"""ink.yaml's settings: out of what a build tells, into a service."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ink_operator.inkservice.builds import parse_verdict, verdict_json
from ink_operator.inkservice.desired.pod import make_template
from ink_operator.inkservice.inkfile import applied, canonical, parsed
from ink_operator.inkservice.model import Running
from unit.operator.inkservice.making import IDENTITY, SETTINGS, service

ARGS = canonical({"args": ["--fast"]})


@pytest.mark.parametrize("told", [None, "", 3, [], {}, {"env": []}, {"args": "x"}, {"args": [None]}, {"ports": [{}]}])
def test_what_is_none_is_none(told: Any) -> None:
    assert canonical(told) == ""
    assert parsed(json.dumps(told)) == ""


@pytest.mark.parametrize("text", ["", "{", "null", "[" * 100_000, '{"args": ["' + "x" * 5000 + '"]}'])
def test_a_label_may_be_anything(text: str) -> None:
    assert parsed(text) == ""


def test_equal_settings_are_equal_text() -> None:
    one = {"resources": {"limits": {"memory": "1Gi", "cpu": 2}}, "args": ["a"]}
    other = {"args": ["a"], "resources": {"limits": {"cpu": "2", "memory": "1Gi"}}}
    assert canonical(one) == canonical(other) == parsed(canonical(one))


def test_a_verdict_keeps_them() -> None:
    verdict = parse_verdict(json.dumps({"ok": True, "config": {"args": ["--fast"]}}))
    assert verdict is not None
    assert verdict.inkfile == ARGS
    assert parse_verdict(verdict_json(verdict)) == verdict


@pytest.mark.parametrize(
    ("spec", "told", "field", "counts"),
    [
        ({}, {"args": ["a"]}, "args", ["a"]),
        ({"args": ["b"]}, {"args": ["a"]}, "args", ["b"]),
        ({"command": ["c"]}, {"args": ["a"]}, "args", None),
        ({"args": ["b"]}, {"command": ["c"], "args": ["a"]}, "command", ["c"]),
        ({}, {"command": "a b"}, "command", ["/bin/sh", "-c", "a b"]),
        ({"command": ["c"]}, {"command": "a b"}, "command", ["c"]),
        ({"ports": []}, {"ports": [{"port": 1}]}, "ports", []),
        ({"ports": []}, {"health": {"path": "/"}}, "health", None),
        ({"cron": {"schedule": "@daily"}}, {"health": {"path": "/", "port": 1}}, "health", None),
        ({"cron": {"schedule": "@daily"}}, {"ports": [{"port": 1}]}, "ports", None),
    ],
)
def test_the_spec_comes_first(spec: dict[str, Any], told: dict[str, Any], field: str, counts: Any) -> None:
    found = applied(service(**spec), canonical(told)).spec
    assert getattr(found, field) == counts


def test_without_any_the_service_is_the_same_object() -> None:
    found = service()
    assert applied(found, "") is found


def test_pods_are_asked_for_anew_when_they_change() -> None:
    """What an earlier version rendered is kept only while the same is asked for."""
    running = Running("i@sha256:1", 8080)
    plain = make_template(service(), IDENTITY, running, SETTINGS)
    told = make_template(applied(service(), ARGS), IDENTITY, running, SETTINGS)
    assert plain["metadata"]["labels"]["ml.ink/revision"] != told["metadata"]["labels"]["ml.ink/revision"]
