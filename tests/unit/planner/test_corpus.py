"""Repositories of many shapes and what is planned for each: tests/corpus/*.yaml, and the plans beside them.

INK_GOLDEN=write writes the plans anew; they are reviewed as a diff.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from ink_planner.detection import planning
from ink_planner.model.errors import CannotPlan
from ink_planner.model.files import from_mapping
from ink_planner.model.options import Overrides
from ink_planner.output import dockerfile, report

CORPUS = Path(__file__).parents[2] / "corpus"
GROUPS = sorted(path.stem for path in CORPUS.glob("*.yaml"))


def trees(group: str) -> dict[str, dict[str, Any]]:
    loaded: dict[str, dict[str, Any]] = yaml.safe_load((CORPUS / f"{group}.yaml").read_text())
    return loaded


def planned(tree: dict[str, Any]) -> str:
    build = tree.get("build", {})
    overrides = Overrides(
        build.get("installCommand"), build.get("buildCommand"), build.get("startCommand"), build.get("publishDirectory")
    )
    files = from_mapping(tree["files"])
    if tree.get("root"):
        files = files.below(tree["root"])
    try:
        plan = planning.choose(files, build.get("pack", "Auto"), overrides)
    except CannotPlan as error:
        # a language that is added must not change the plans of others
        return f"{error.reason}: {error}".replace(planning.examples(), "(examples)")
    if plan.pack == "Dockerfile":
        return f"pack      Dockerfile ({plan.why} in {plan.directory})"
    text = report.text(plan)
    if not tree.get("dockerfile"):
        return text
    shown = dockerfile.dockerfile(plan)
    for path, content in plan.texts:
        if path.endswith(".py"):
            shown = shown.replace(content.rstrip("\n"), f"(the text of {path})")
    return f"{text}\n\n" + "".join(f"  | {line}\n" for line in shown.splitlines()).rstrip("\n")


@pytest.mark.parametrize("group", GROUPS)
def test_the_plans_are_those_that_were_reviewed(group: str) -> None:
    found = "\n\n".join(f"## {name}\n{planned(tree)}" for name, tree in trees(group).items()) + "\n"
    golden = CORPUS / "plans" / f"{group}.txt"
    if os.environ.get("INK_GOLDEN") == "write":
        golden.write_text(found)
    assert found == golden.read_text()


def test_the_corpus_is_large() -> None:
    assert sum(len(trees(group)) for group in GROUPS) >= 60
