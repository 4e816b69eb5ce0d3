"""docs/gitops.md shows manifests that are applied as they stand in examples/gitops (`tests/api/tools/test_flux.py`)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "gitops.md").read_text()
FILES = {path.name: path.read_text() for path in sorted((ROOT / "examples" / "gitops" / "flux").glob("*.yaml"))}
SHOWN = re.findall(r"```yaml\n(.*?)```", PAGE.partition("## Flux\n")[2].partition("## Argo CD\n")[0], re.DOTALL)


@pytest.mark.parametrize("block", SHOWN, ids=range(len(SHOWN)))
def test_what_is_shown_is_part_of_a_file(block: str) -> None:
    assert any(block in text for text in FILES.values()), block


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_linked_and_begins_with_a_sentence(name: str) -> None:
    assert f"(../examples/gitops/flux/{name})" in PAGE
    assert re.match(r"# [A-Z].{20,}\.\n", FILES[name])


def test_both_kustomizations_differ_in_what_they_wait_for_alone() -> None:
    def spec(name: str) -> dict[str, object]:
        found = [each for each in yaml.safe_load_all(FILES[name]) if each["kind"] == "Kustomization"]
        return {key: value for key, value in found[0]["spec"].items() if not key.startswith("healthCheck")}

    assert spec("healthchecks.yaml") | {"wait": True} == spec("sync.yaml")
