"""What images are made of, what decides their keys, and how build steps come to trust the machine's CA bundle."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import os
import re
from pathlib import Path
from types import ModuleType

import pytest
from ink_artifacts import dockerfile, images, oci, own_images, platform_images
from ink_artifacts.components import COMPONENTS


@pytest.fixture(autouse=True)
def any_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests need none of the Debian packages whose programs go into images."""
    monkeypatch.setattr(images, "tool", lambda program, package: Path("/bin/sh").resolve())


def load_wrapper() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("runc_ca", str(platform_images.RUNC_CA))
    spec = importlib.util.spec_from_loader("runc_ca", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def image(tmp_path: Path) -> images.Image:
    source, file = tmp_path / "source.py", tmp_path / "file"
    source.write_text("1")
    file.write_text("1")
    files = {"bin/source": source, "bin/file": file}
    return images.Image(("registry.ink.local/x:1",), oci.Config(), files=files, sources=(source,))


def test_a_source_decides_by_its_content_and_a_file_of_the_machine_by_its_state(tmp_path: Path) -> None:
    made = image(tmp_path)
    before = images.archive_of(made)
    os.utime(tmp_path / "source.py", (1, 1))
    assert images.archive_of(made) == before
    (tmp_path / "source.py").write_text("2")
    after = images.archive_of(made)
    assert after != before
    os.utime(tmp_path / "file", (1, 1))
    assert images.archive_of(made) not in {before, after}


def test_own_images_follow_their_base(tmp_path: Path) -> None:
    keys = {
        own_images._archive({}),
        own_images._archive({own_images.BASE: tmp_path / "python-1.tar"}),
        own_images._archive({own_images.BASE: tmp_path / "python-2.tar"}),
    }
    assert len(keys) == 3


def test_the_base_is_what_the_dockerfile_starts_from() -> None:
    assert f"ARG PYTHON={own_images.BASE}\n" in own_images.DOCKERFILE.read_text()
    makefile = (own_images.REPOSITORY / "Makefile").read_text()
    assert f"OWN_IMAGES_BASE := {own_images.BASE}\n" in makefile


def test_every_program_in_an_image_is_built_by_a_component() -> None:
    known = {name for component in COMPONENTS.values() for name in component.names}
    for image in platform_images.shipped():
        assert set(image.programs.values()) <= known


def test_ink_is_built_from_what_dockerignore_lets_through() -> None:
    sources = {path.relative_to(own_images.REPOSITORY).as_posix() for path in own_images._sources()}
    assert {"pyproject.toml", "uv.lock", ".dockerignore"} <= sources
    assert any(path.startswith("operator/ink_builder/") for path in sources)
    assert not any("__pycache__" in path for path in sources)
    copied = re.findall(r"^COPY (?!--|<<)(.+) \S+$", own_images.DOCKERFILE.read_text(), re.MULTILINE)
    for source in " ".join(copied).split():
        assert any(path == source or path.startswith(f"{source}/") for path in sources), source


@pytest.mark.parametrize(
    ("arguments", "folder"),
    [
        (["--log", "x", "run", "--bundle", "/b", "id"], "/b"),
        (["create", "--bundle=/b", "id"], "/b"),
        (["run", "-b", "/b", "id"], "/b"),
        (["delete", "--bundle", "/b", "id"], None),
        (["run", "--bundle"], None),
    ],
)
def test_the_wrapper_finds_the_container(arguments: list[str], folder: str | None) -> None:
    assert load_wrapper().bundle_folder(arguments) == folder


def test_the_wrapper_adds_the_bundle_and_respects_what_the_image_sets() -> None:
    wrapper = load_wrapper()
    spec = wrapper.trusting({"process": {"env": ["PIP_CERT=/own", "PATH=/bin"]}, "mounts": [{"destination": "/dev"}]})
    assert [mount["destination"] for mount in spec["mounts"]] == ["/dev", wrapper.TARGET]
    assert spec["mounts"][1]["options"] == ["rbind", "ro"]
    assert "PIP_CERT=/own" in spec["process"]["env"]
    assert f"SSL_CERT_FILE={wrapper.TARGET}" in spec["process"]["env"]
    assert len([entry for entry in spec["process"]["env"] if entry.startswith("PIP_CERT=")]) == 1
    json.dumps(spec)


def test_the_bundle_is_the_one_that_the_environment_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in dockerfile.CA_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert dockerfile.ca_bundle() == dockerfile.CA_BUNDLE
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))
    assert dockerfile.ca_bundle() == str(tmp_path)
