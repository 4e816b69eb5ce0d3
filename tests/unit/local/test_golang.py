"""What the local platform says of its base images."""

from __future__ import annotations

import pytest
from ink_local import baseimages, golang
from ink_planner.registry import base_images


def test_a_platform_names_what_it_has() -> None:
    """The builder takes the list, and each image in it is made for the node."""
    images = base_images(baseimages.languages())
    made = {name for image in baseimages.public_images() for name in image.names}
    for ecosystem in ("python", "node", "go", "static"):
        for base in images.of(ecosystem):
            assert {f"docker.io/library/{name}" for name in (base.build, base.run)} <= made
    assert images.of("rust") == (), "a language without images here is said to have none"


def test_without_a_toolchain_there_is_no_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(golang, "toolchain", lambda: None)
    assert baseimages.languages()["go"] == {}
    assert not any("golang" in image.names[0] for image in baseimages.public_images())
