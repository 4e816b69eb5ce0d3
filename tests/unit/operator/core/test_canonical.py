"""A live object that says the same in other words is left alone."""

import copy

import pytest
from ink_operator.core.canonical import (
    ANNOTATION_APPLIED,
    covers,
    merge_patch_between,
    parse_quantity,
    settled,
    stamped,
)

WANTED = stamped(
    {
        "apiVersion": "v1",
        "kind": "X",
        "metadata": {"name": "x", "annotations": {}},
        "spec": {
            "resources": {"limits": {"cpu": "1000m", "memory": "1Gi"}},
            "env": [{"name": "A", "value": ""}],
            "command": [],
        },
    }
)


def test_what_was_applied_is_settled_although_defaults_were_added() -> None:
    live = copy.deepcopy(WANTED)
    live["spec"]["resources"]["limits"]["cpu"] = "1"
    live["spec"]["env"] = [{"name": "A"}]
    del live["spec"]["command"]
    live["spec"]["dnsPolicy"] = "ClusterFirst"
    assert settled(live, WANTED)


@pytest.mark.parametrize(
    "change",
    [
        lambda o: o["spec"]["resources"]["limits"].update(cpu="2"),
        lambda o: o["spec"]["env"].append({"name": "B"}),
        lambda o: o["spec"].pop("env"),
        lambda o: o["metadata"]["annotations"].update({ANNOTATION_APPLIED: "0"}),
    ],
)
def test_a_difference_is_seen(change) -> None:
    live = copy.deepcopy(WANTED)
    change(live)
    assert not settled(live, WANTED)


def test_a_removed_field_is_seen_by_the_hash() -> None:
    wanted = {"metadata": {"name": "x"}, "spec": {"a": 1}}
    live = stamped({**wanted, "spec": {"a": 1, "command": ["x"]}})
    assert covers(live, wanted)
    assert not settled(live, stamped(wanted))


@pytest.mark.parametrize(("one", "other"), [("1000m", "1"), ("1Gi", "1024Mi"), ("0.5", "500m"), ("1k", "1000")])
def test_quantities_are_compared_by_value(one: str, other: str) -> None:
    assert parse_quantity(one) == parse_quantity(other)


def test_a_merge_patch_takes_away_what_is_left_out_at_any_depth() -> None:
    old = {"a": 1, "b": {"c": 2, "d": {"e": 3}}, "list": [{"x": 1}]}
    new = {"b": {"d": {"f": 4}}, "list": [{"y": 2}]}
    patch = merge_patch_between(old, new)
    assert patch == {"a": None, "b": {"c": None, "d": {"e": None, "f": 4}}, "list": [{"y": 2}]}
    assert merge_patch_between({}, new) == new
