"""Which images there are, what decides their keys, and how build steps come to trust the machine's CA bundle."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest
from ink_local import baseimages, imagebuild, ownimages
from ink_local.components import COMPONENTS


@pytest.fixture(autouse=True)
def any_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests need none of the Debian packages whose programs go into images."""
    monkeypatch.setattr(baseimages, "_tool", lambda program, package: Path("/bin/sh").resolve())


def load_wrapper() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("runc_ca", str(baseimages.RUNC_CA))
    spec = importlib.util.spec_from_loader("runc_ca", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def test_no_name_is_given_to_two_images() -> None:
    names = [name for image in [*baseimages.platform_images(), *baseimages.public_images()] for name in image.names]
    assert len(names) == len(set(names))


def test_stand_ins_say_what_they_hold() -> None:
    for image in baseimages.public_images():
        assert re.search(r"\d", image.config.labels[baseimages.STAND_IN])
        assert all(name.startswith(("docker.io/library/", "docker.io/ink/")) for name in image.names)


def test_every_program_in_an_image_is_built_by_a_component() -> None:
    known = {name for component in COMPONENTS.values() for name in component.names}
    for image in baseimages.platform_images():
        assert set(image.programs.values()) <= known


def test_ink_is_built_from_what_dockerignore_lets_through() -> None:
    sources = {path.relative_to(ownimages.REPOSITORY).as_posix() for path in ownimages._sources()}
    assert {"pyproject.toml", "uv.lock", ".dockerignore"} <= sources
    assert any(path.startswith("operator/ink_builder/") for path in sources)
    assert not any("__pycache__" in path for path in sources)
    copied = re.findall(r"^COPY (?!--|<<)(.+) \S+$", ownimages.DOCKERFILE.read_text(), re.MULTILINE)
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
    for name in imagebuild.CA_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert imagebuild.ca_bundle() == imagebuild.CA_BUNDLE
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))
    assert imagebuild.ca_bundle() == str(tmp_path)
