"""One record an ecosystem: what follows from it, shown with one that is added."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pkgutil import iter_modules

import ink_planner.ecosystems
import pytest
from ink_planner import registry
from ink_planner.detection import planning, unsupported
from ink_planner.docgen import BEGIN, END, page
from ink_planner.model.base_images import BaseImages
from ink_planner.model.ecosystem import Documentation, Ecosystem, Signs
from ink_planner.model.errors import CannotPlan
from ink_planner.model.files import Files, from_mapping
from ink_planner.model.options import Overrides
from ink_planner.model.plan import ImagePlan
from ink_standins import images as standins


def detect_imaginary(files: Files, overrides: Overrides, images: BaseImages) -> ImagePlan | None:
    if "imaginary.toml" not in files:
        return None
    return ImagePlan(pack="Imaginary", image="imaginary", run_image="debian", start="./app", why="imaginary.toml")


IMAGINARY = Ecosystem(
    name="Imaginary",
    detect=detect_imaginary,
    base_images={"imaginary": {"0.14": "imaginary:0.14"}},
    signs=Signs(("imaginary.toml",), ("main.imaginary",), (".imaginary",)),
    examples=("imaginary.toml",),
    documentation=Documentation("`imaginary.toml`", "imaginary", "the program"),
)


@pytest.fixture
def imaginary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "ECOSYSTEMS", (*registry.ECOSYSTEMS, IMAGINARY))


def planned(files: dict[str, str]) -> ImagePlan:
    return planning.choose(from_mapping(files), "Auto", Overrides())


def refusal(files: dict[str, str]) -> str:
    with pytest.raises(CannotPlan) as caught:
        planned(files)
    return str(caught.value)


def test_without_its_record_a_language_is_only_named() -> None:
    manifest, language = next(iter(unsupported.LANGUAGES.items()))
    assert f"this is {language} ({manifest})" in refusal({manifest: ""})


@pytest.mark.usefixtures("imaginary")
def test_a_record_alone_adds_an_ecosystem() -> None:
    assert planned({"imaginary.toml": ""}).pack == "Imaginary"
    assert planned({"imaginary.toml": "", "index.html": ""}).pack == "Imaginary", "a page beside it is a part of it"
    assert planned({"imaginary.toml": "", "serve.go": "package main\nfunc main() {}"}).pack == "Imaginary"
    assert "imaginary.toml" in refusal({"LICENSE": ""}), "named to a user in whose repository nothing is recognised"
    assert "conflict markers" in refusal({"imaginary.toml": "<<<<<<< a\n=======\n>>>>>>> b\n"})
    assert "UTF-16" in refusal({"imaginary.toml": "\ufeffx"})
    assert registry.base_images().default("imaginary") is not None
    assert "| Imaginary | `imaginary.toml` | imaginary | the program |" in page(f"a\n{BEGIN}\nold\n{END}\nb\n")
    assert standins.languages()["imaginary"] == {}, "the local platform says that it has no images for it"


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


def test_every_folder_of_an_ecosystem_is_in_the_registry() -> None:
    folders = [found.name for found in iter_modules(ink_planner.ecosystems.__path__)]
    modules = [import_module(f"ink_planner.ecosystems.{name}.ecosystem") for name in folders]
    records = [one for module in modules for one in vars(module).values() if isinstance(one, Ecosystem)]
    assert sorted(e.name for e in records) == sorted(e.name for e in registry.ECOSYSTEMS)


def test_no_language_that_is_built_is_called_unsupported() -> None:
    built = {name for ecosystem in registry.ECOSYSTEMS for name in ecosystem.signs.manifests}
    assert built & set(unsupported.LANGUAGES) == set(), "remove its line in detection/unsupported.py"


def test_an_ecosystem_does_not_give_way_to_itself() -> None:
    twin = replace(IMAGINARY, name="other")
    assert "imaginary.toml" not in registry.others(IMAGINARY).manifests
    assert "go.mod" in registry.others(twin).manifests


def test_settings_replace_whole_sets() -> None:
    images = registry.base_images({"node": {"22": "mirror/node:22"}, "rust": {}})
    assert [base.version for base in images.of("node")] == ["22"]
    assert images.default("rust") is None
    assert images.default("python") is not None
    with pytest.raises(ValueError, match="expected an object"):
        registry.base_images(["node"])  # type: ignore[arg-type]
