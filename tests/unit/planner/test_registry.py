"""One record an ecosystem: what follows from it, shown with one that is added."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ink_planner import registry
from ink_planner.detection import planning
from ink_planner.docgen import BEGIN, END, page
from ink_planner.model.base_images import BaseImages
from ink_planner.model.ecosystem import Documentation, Ecosystem, Signs
from ink_planner.model.errors import CannotPlan
from ink_planner.model.files import Files, from_mapping
from ink_planner.model.options import Overrides
from ink_planner.model.plan import ImagePlan
from ink_standins import images as standins


def detect_zig(files: Files, overrides: Overrides, images: BaseImages) -> ImagePlan | None:
    if "build.zig" not in files:
        return None
    return ImagePlan(pack="Zig", image="zig", run_image="debian", start="./app", why="build.zig")


ZIG = Ecosystem(
    name="Zig",
    detect=detect_zig,
    base_images={"zig": {"0.14": "zig:0.14"}},
    signs=Signs(("build.zig",), ("main.zig",), (".zig",)),
    examples=("build.zig",),
    documentation=Documentation("`build.zig`", "zig", "the program"),
)


@pytest.fixture
def zig(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "ECOSYSTEMS", (*registry.ECOSYSTEMS, ZIG))


def planned(files: dict[str, str]) -> ImagePlan:
    return planning.choose(from_mapping(files), "Auto", Overrides())


def refusal(files: dict[str, str]) -> str:
    with pytest.raises(CannotPlan) as caught:
        planned(files)
    return str(caught.value)


def test_without_its_record_a_language_is_only_named() -> None:
    assert "this is Zig (build.zig)" in refusal({"build.zig": ""})


@pytest.mark.usefixtures("zig")
def test_a_record_alone_adds_an_ecosystem() -> None:
    assert planned({"build.zig": ""}).pack == "Zig"
    assert planned({"build.zig": "", "index.html": ""}).pack == "Zig", "a page beside it is a part of it"
    assert planned({"build.zig": "", "serve.go": "package main\nfunc main() {}"}).pack == "Zig"
    assert "build.zig" in refusal({"LICENSE": ""}), "named to a user in whose repository nothing is recognised"
    assert "conflict markers" in refusal({"build.zig": "<<<<<<< a\n=======\n>>>>>>> b\n"})
    assert "UTF-16" in refusal({"build.zig": "\ufeffx"})
    assert registry.base_images().default("zig") is not None
    assert "| Zig | `build.zig` | zig | the program |" in page(f"a\n{BEGIN}\nold\n{END}\nb\n")
    assert standins.languages()["zig"] == {}, "the local platform says that it has no images for it"


def test_a_page_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="no markers"):
        page("# Builds\n")


def test_no_two_ecosystems_claim_one_manifest_or_set_of_images() -> None:
    for names in (
        [name for e in registry.ECOSYSTEMS for name in e.signs.manifests],
        [name for e in registry.ECOSYSTEMS for name in e.base_images],
        [e.name for e in registry.ECOSYSTEMS],
    ):
        assert len(names) == len(set(names))


def test_an_ecosystem_does_not_give_way_to_itself() -> None:
    twin = replace(ZIG, name="other")
    assert "build.zig" not in registry.others(ZIG).manifests
    assert "go.mod" in registry.others(twin).manifests


def test_settings_replace_whole_sets() -> None:
    images = registry.base_images({"node": {"22": "mirror/node:22"}, "rust": {}})
    assert [base.version for base in images.of("node")] == ["22"]
    assert images.default("rust") is None
    assert images.default("python") is not None
    with pytest.raises(ValueError, match="expected an object"):
        registry.base_images(["node"])  # type: ignore[arg-type]
