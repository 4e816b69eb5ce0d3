"""The operator's page of rights and the chart's roles say the same, verb by verb."""

from __future__ import annotations

import re

import pytest
from support.cluster.helm import CHART, Manifest
from unit.chart.looking import namespace, one

PAGE = CHART.parents[1] / "operator" / "ink_operator" / "README.md"
Rule = tuple[str, frozenset[str], frozenset[str], frozenset[str]]
"""API group, resources, names of objects, verbs."""

SECTIONS = [
    ("### ClusterRole `ink-operator`,", "ClusterRole", "ink-operator", ""),
    ("### Role `ink-operator` in `dp-system`", "Role", "ink-operator", "dp-system"),
    ("### Role `ink-operator` in `ink-tenants`", "Role", "ink-operator", "ink-tenants"),
    ("### Role `ink-operator` in `dp-builds`", "Role", "ink-operator", "dp-builds"),
    ("### Role `ink-operator` in `dp-buildkit`", "Role", "ink-operator", "dp-buildkit"),
    ("### ClusterRole `ink-operator-namespace`", "ClusterRole", "ink-operator-namespace", ""),
]


def written(heading: str) -> set[Rule]:
    """The rules in the table below a heading of the page."""
    section = PAGE.read_text().split(heading, 1)[1].split("\n###", 1)[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    rules: set[Rule] = set()
    for group, resources, verbs, *_ in rows[2:]:
        plain, _, names = resources.partition(", resourceNames ")
        rules.add((group.strip("`").replace("core", ""), words(plain), words(names.replace("`", "")), words(verbs)))
    return rules


def words(text: str) -> frozenset[str]:
    return frozenset(re.split(r",\s*", text)) - {""}


@pytest.mark.parametrize(("heading", "kind", "name", "namespace"), SECTIONS, ids=[s[0].strip("# ") for s in SECTIONS])
def test_the_role_is_what_the_page_says(
    tenants: list[Manifest], heading: str, kind: str, name: str, namespace: str
) -> None:
    role = one(tenants, kind, name, namespace or None)
    rendered = {
        (group, frozenset(rule["resources"]), frozenset(rule.get("resourceNames", [])), frozenset(rule["verbs"]))
        for rule in role["rules"]
        for group in rule["apiGroups"]
    }
    assert rendered == written(heading)


def test_where_all_share_one_buildkitd_the_operator_has_no_right_beside_it(local: list[Manifest]) -> None:
    assert [m["kind"] for m in local if m["kind"] in ("Role", "RoleBinding") and namespace(m) == "dp-buildkit"] == []
