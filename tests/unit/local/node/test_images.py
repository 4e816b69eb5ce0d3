"""Which images a local node has."""

from __future__ import annotations

from pathlib import Path

import pytest
from ink_artifacts import gobuild
from ink_artifacts import images as artifact_images
from ink_artifacts.components import COMPONENTS, ON_REQUEST, Component
from ink_local.node import images
from ink_standins import images as standins


@pytest.fixture(autouse=True)
def any_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests need none of the Debian packages whose programs go into images."""
    monkeypatch.setattr(artifact_images, "tool", lambda program, package: Path("/bin/sh").resolve())


def test_no_name_is_given_to_two_images() -> None:
    names = [name for image in [*images.platform(), *standins.all_images()] for name in image.names]
    assert len(names) == len(set(names))


def test_every_program_in_an_image_is_built_by_a_component() -> None:
    known = {name for component in COMPONENTS.values() for name in component.names}
    for image in images.platform():
        assert set(image.programs.values()) <= known


def test_platform_images_are_imported_and_stand_ins_are_served() -> None:
    everything = {name: Path(name) for image in [*images.platform(), *standins.all_images()] for name in image.names}
    imported, served = images.of_platform(everything), images.of_mirror(everything)
    assert imported | served == everything
    assert not imported.keys() & served.keys()
    assert set(images.first(imported)) <= imported.keys()


@pytest.mark.parametrize("missing", [*COMPONENTS, "none"])
def test_everything_is_made_without_what_is_built_on_request_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, missing: str
) -> None:
    def home(component: Component) -> Path:
        return tmp_path / "absent" if component.name == missing else tmp_path

    monkeypatch.setattr(gobuild, "home", home)
    monkeypatch.setattr(artifact_images, "all_made", lambda images: True)
    assert images.all_made() == (missing in {*ON_REQUEST, "none"})
