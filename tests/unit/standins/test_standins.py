"""What stands in for Docker Hub's images, and what the chart is told about it."""

from __future__ import annotations

import re

import pytest
from ink_artifacts.errors import SetupError
from ink_planner.registry import base_images
from ink_standins import golang
from ink_standins import images as standins


def test_a_platform_names_what_it_has() -> None:
    """The builder takes the list, and each image in it is made for the node."""
    images = base_images(standins.languages())
    made = {name for image in standins.all_images() for name in image.names}
    for ecosystem in ("python", "node", "go", "static"):
        for base in images.of(ecosystem):
            assert {f"docker.io/library/{name}" for name in (base.build, base.run)} <= made
    assert images.of("rust") == (), "a language without images here is said to have none"


def test_without_a_toolchain_there_is_no_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(golang, "toolchain", lambda: None)
    assert standins.languages()["go"] == {}
    assert not any("golang" in image.names[0] for image in standins.all_images())


def test_stand_ins_say_what_they_hold() -> None:
    for image in standins.all_images():
        assert re.search(r"\d", image.config.labels[standins.LABEL])
        assert all(name.startswith(("docker.io/library/", "docker.io/ink/")) for name in image.names)


def test_an_image_without_a_stand_in_is_refused_with_those_there_are() -> None:
    with pytest.raises(SetupError, match=r"choose one of .*docker.io/library/python:3.11-slim"):
        standins.ensure(only="docker.io/library/haskell:9")
