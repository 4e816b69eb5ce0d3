"""Which version of a language is taken, and what is said when it is another one than was asked for."""

from __future__ import annotations

import pytest
from ink_planner.detection import detect
from ink_planner.model.base_images import BaseImage
from ink_planner.model.errors import NoBaseImage, Unsatisfiable
from ink_planner.model.files import from_mapping
from ink_planner.model.options import Overrides
from ink_planner.model.plan import Version
from ink_planner.registry import base_images
from ink_planner.toolkit.versions import Dialect, VersionConstraint, VersionRules, allows, choose, number_of

IMAGES = base_images(
    {
        "python": {"default": "3.12", "3.11": "p:11", "3.12": "p:12", "3.13": "p:13"},
        "node": {"default": "22", "20": "n:20", "22": "n:22", "24": "n:24"},
        "ruby": {"3.3": "r:{version}"},
        "go": {},
    }
)


def chosen(tool: str, files: dict[str, str]) -> Version:
    program = {"main.py": ""} if tool == "python" else {"server.js": ""}
    plan = detect.detect(from_mapping({**program, **files}), Overrides(), IMAGES)
    assert plan is not None
    return plan.versions[0]


@pytest.mark.parametrize(
    ("files", "version", "noted"),
    [
        ({}, "3.12", False),
        ({".python-version": "3.11.9\n"}, "3.11", False),
        ({".python-version": "3"}, "3.12", False),
        ({"runtime.txt": "python-3.13.1"}, "3.13", False),
        ({".tool-versions": "nodejs 20\npython 3.13.2\n"}, "3.13", False),
        ({"mise.toml": '[tools]\npython = "3.11"'}, "3.11", False),
        ({".python-version": "3.9"}, "3.11", True),
        ({".python-version": "3.15"}, "3.13", True),
        ({".python-version": "pypy3.10"}, "3.12", False),
        ({".python-version": "\x00\x1b[31m"}, "3.12", False),
        ({".python-version": "9" * 5000}, "3.12", False),
        ({"Pipfile": '[requires]\npython_version = "3.11"'}, "3.11", False),
        ({"pyproject.toml": '[project]\nrequires-python = ">=3.9"'}, "3.12", False),
        ({"pyproject.toml": '[project]\nrequires-python = ">=3.13"'}, "3.13", False),
        ({"pyproject.toml": '[project]\nrequires-python = ">=3.8,<3.12"'}, "3.11", False),
        ({"pyproject.toml": '[project]\nrequires-python = "==3.11.*"'}, "3.11", False),
        ({"pyproject.toml": '[project]\nrequires-python = "~=3.11.2"'}, "3.11", False),
        ({"pyproject.toml": '[project]\nrequires-python = "~=3.10"'}, "3.12", False),
        ({"pyproject.toml": '[project]\nrequires-python = "!=3.12.*"'}, "3.13", False),
        ({"pyproject.toml": '[project]\nrequires-python = "<=3.12"'}, "3.11", False),
        ({"pyproject.toml": '[tool.poetry.dependencies]\npython = "^3.13"'}, "3.13", False),
        ({"pyproject.toml": '[tool.poetry.dependencies]\npython = "~3.11 || 3.13.*"'}, "3.13", False),
        ({".python-version": "3.10", "pyproject.toml": '[project]\nrequires-python = ">=3.10"'}, "3.11", True),
        ({"pyproject.toml": "not toml [", "requirements.txt": ""}, "3.12", False),
        ({"main.py": '# /// script\n# requires-python = ">=3.13"\n# ///\n'}, "3.13", False),
        ({"requirements.txt": "numpy==1.24.2\n"}, "3.11", False),
        ({"requirements.txt": "numpy==1.26.4\n"}, "3.12", False),
        ({"requirements.txt": "numpy==2.3.2\nDjango>=1\n"}, "3.12", False),
        ({"requirements.txt": "numpy==1.19.5\n"}, "3.11", True),
        ({"requirements.txt": "numpy==1.24.2\n", ".python-version": "3.13"}, "3.13", False),
        ({"requirements.txt": "numpy==1.24.2\n", "runtime.txt": "python-3.15"}, "3.11", True),
        ({"requirements.txt": "numpy==1.19.5\n", "runtime.txt": "python-3.7"}, "3.11", True),
        (
            {
                "requirements.txt": "numpy==1.24.2\n",
                "pyproject.toml": '[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.12"',
            },
            "3.12",
            True,
        ),
    ],
)
def test_which_python_is_taken(files: dict[str, str], version: str, noted: bool) -> None:
    found = chosen("python", files)
    assert (found.used, bool(found.note)) == (version, noted), found


@pytest.mark.parametrize(
    ("files", "version", "noted"),
    [
        ({}, "22", False),
        ({".nvmrc": "v20.11.1"}, "20", False),
        ({".nvmrc": "lts/krypton"}, "24", False),
        ({".nvmrc": "lts/*"}, "22", False),
        ({".node-version": "18"}, "20", True),
        ({".tool-versions": "nodejs 24.1.0"}, "24", False),
        ({"package.json": '{"engines": {"node": ">=18"}}'}, "22", False),
        ({"package.json": '{"engines": {"node": "20.x"}}'}, "20", False),
        ({"package.json": '{"engines": {"node": "^20.9.0 || >=23"}}'}, "24", False),
        ({"package.json": '{"engines": {"node": "16 - 20"}}'}, "20", False),
        ({"package.json": '{"engines": {"node": "~20.3"}}'}, "20", False),
        ({"package.json": '{"engines": {"node": "<21"}}'}, "20", False),
        ({"package.json": '{"engines": {"node": "14.x"}}'}, "20", True),
        ({"package.json": '{"engines": {"node": "whatever"}}'}, "22", False),
        ({"package.json": '{"engines": {"node": 20}}'}, "22", False),
        ({"package.json": '{"engines": ["node"]}'}, "22", False),
        ({"package.json": '{"volta": {"node": "20.1.0"}}'}, "20", False),
    ],
)
def test_which_node_is_taken(files: dict[str, str], version: str, noted: bool) -> None:
    found = chosen("node", files)
    assert (found.used, bool(found.note)) == (version, noted), found


@pytest.mark.parametrize(
    ("tool", "files", "words"),
    [
        ("python", {"pyproject.toml": '[project]\nrequires-python = ">=3.15"'}, ("requires-python", ">=3.15", "3.13")),
        ("python", {"pyproject.toml": '[project]\nrequires-python = "<3.10"'}, ("<3.10", "3.11, 3.12, 3.13")),
        ("python", {".python-version": "2.7.18"}, (".python-version", "2.7.18")),
        (
            "python",
            {".python-version": "3.14", "pyproject.toml": '[project]\nrequires-python = ">=3.14"'},
            ("requires-python",),
        ),
        ("node", {".nvmrc": "99"}, (".nvmrc asks for Node 99", "20, 22, 24", "change .nvmrc")),
        ("node", {"package.json": '{"engines": {"node": ">=99"}}'}, ("package.json (engines)", ">=99")),
    ],
)
def test_what_cannot_be_satisfied_is_a_sentence(tool: str, files: dict[str, str], words: tuple[str, ...]) -> None:
    with pytest.raises(Unsatisfiable) as caught:
        chosen(tool, files)
    assert all(word in str(caught.value) for word in words), caught.value


def test_an_ecosystem_that_the_platform_lacks() -> None:
    with pytest.raises(NoBaseImage, match="no base image for Go"):
        detect.detect(from_mapping({"main.go": "package main\nfunc main() {}"}), Overrides(), IMAGES)


@pytest.mark.parametrize(
    ("wish", "image"),
    [
        (VersionConstraint("3.3.1", "Gemfile", pin=True, strict=True), "r:3.3.1"),
        (VersionConstraint("~> 3.2", "Gemfile", strict=True), "r:3.3"),
        (VersionConstraint("3.3", ".ruby-version", pin=True), "r:3.3"),
    ],
)
def test_an_exact_version_names_the_image(wish: VersionConstraint, image: str) -> None:
    assert choose(IMAGES, "ruby", VersionRules("Ruby", "ruby", majors=False), [wish])[0].build == image


@pytest.mark.parametrize(
    ("text", "number", "dialect", "allowed"),
    [
        ("~> 3.3", (3, 4), "ruby", True),
        ("~> 3.3", (4, 0), "ruby", False),
        ("~> 3.3.1", (3, 4), "ruby", False),
        ("~8.1", (8, 3), "ruby", True),
        ("^8.1|^7.4", (7, 4), "ruby", True),
        ("~> 1.15 or ~> 2.0", (2, 1), "ruby", True),
        (">=8.1 <8.3", (8, 3), "ruby", False),
        ("~1.2", (1, 3), "npm", False),
        ("~1", (1, 3), "npm", True),
        ("<=22", (22,), "npm", True),
        (">22", (22,), "npm", False),
        ("<22.5", (22,), "npm", False),
        (">3.11", (3, 11), "python", True),
        ("*", (1,), "npm", True),
        ("", (1,), "npm", True),
    ],
)
def test_ranges(text: str, number: tuple[int, ...], dialect: Dialect, allowed: bool) -> None:
    assert allows(text, number, dialect) is allowed


def test_numbers_in_texts() -> None:
    assert number_of("v20.11.1") == (20, 11, 1)
    assert number_of("temurin-21.0.2+13") == (21, 0, 2)
    assert number_of("lts") is None


def test_settings_name_the_images() -> None:
    images = base_images({"python": {"3.13": {"build": "mirror/py:b", "run": "mirror/py:r"}}})
    assert images.of("python") == (BaseImage("3.13", "mirror/py:b", "mirror/py:r"),)
    assert images.default("node") is not None, "what the settings do not name stays as it is"
    for wrong in ({"python": []}, {"python": {"3": ["x"]}}, {"python": {"3": "a\nRUN b"}}, {"python": {"3": ""}}):
        with pytest.raises(ValueError, match="base image"):
            base_images(wrong)
