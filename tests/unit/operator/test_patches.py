"""A merge patch says what is gone, at any depth."""

from typing import Any

import pytest
from faults.world import merged
from ink_operator.core.patches import turning


@pytest.mark.parametrize(
    ("old", "new", "patch"),
    [
        ({}, {"a": 1}, {"a": 1}),
        ({"a": 1}, {"a": 1}, {}),
        ({"a": 1, "b": 2}, {"a": 1}, {"b": None}),
        ({"build": {"pack": "Python", "id": "x"}}, {"build": {"id": "y"}}, {"build": {"pack": None, "id": "y"}}),
        ({"list": [1, 2]}, {"list": [2]}, {"list": [2]}),
        ({"a": {"b": 1}}, {"a": [1]}, {"a": [1]}),
    ],
)
def test_the_patch_turns_the_one_into_the_other(old: Any, new: Any, patch: Any) -> None:
    assert turning(old, new) == patch
    assert merged(old, patch) == new
