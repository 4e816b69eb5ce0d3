"""tests/unit lies as the source does, and no test is left out of CI's streams and the parts of test-full."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
ROOT = TESTS.parent
SOURCES = {"chart": ROOT / "charts" / "ink"}
"""Folder of tests/unit -> what it tests, where that is no Python package."""
FOLDERS = sorted({path.parent.relative_to(TESTS / "unit") for path in (TESTS / "unit").rglob("test_*.py")} - {Path()})
MAKEFILE = (ROOT / "Makefile").read_text()
LONG, SHORT = "-m full", '-m "not full"'


def source_of(package: str) -> Path | None:
    """`operator` -> operator/ink_operator."""
    found = [SOURCES[package]] if package in SOURCES else sorted(ROOT.glob(f"*/ink_{package}"))
    return found[0] if found else None


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_each_folder_of_unit_tests_has_its_folder_in_the_source(folder: Path) -> None:
    package, *below = folder.parts
    source = source_of(package)
    assert source is not None, f"tests/unit/{folder}: there is no package ink_{package}"
    assert source.joinpath(*below).is_dir(), f"tests/unit/{folder}: {source.relative_to(ROOT)} has no such folder"


def chosen(target: str, variable: str) -> dict[str, str]:
    """Name -> the arguments for pytest, as the Makefile gives them."""
    return dict(re.findall(rf"^{target}-([a-z]+): {variable} = (.+)$", MAKEFILE, re.M))


def folders_of(arguments: str) -> list[str]:
    return re.findall(r"tests/\S+", arguments)


def runs(arguments: str, test: Path) -> bool:
    return any(test.is_relative_to(ROOT / folder) for folder in folders_of(arguments))


ALL = sorted(TESTS.rglob("test_*.py"))


def test_each_test_is_in_one_stream() -> None:
    streams = chosen("stream", "STREAM")
    assert set(re.search(r"^STREAMS := (.+)$", MAKEFILE, re.M)[1].split()) == set(streams)  # type: ignore[index]
    found = {test: [name for name, arguments in streams.items() if runs(arguments, test)] for test in ALL}
    assert {str(test): names for test, names in found.items() if len(names) != 1} == {}


def test_each_test_is_in_one_part_of_the_long_run() -> None:
    parts = chosen("test-full", "PART_TESTS")
    assert set(re.search(r"^PARTS := (.+)$", MAKEFILE, re.M)[1].split()) == set(parts)  # type: ignore[index]
    for test in ALL:
        names = [name for name, arguments in parts.items() if runs(arguments, test)]
        halves = sorted(mark for name in names for mark in (LONG, SHORT) if parts[name].endswith(mark))
        assert len(names) == 1 or (len(names) == 2 and halves == sorted((LONG, SHORT))), f"{test}: {names}"


def test_what_is_named_is_there() -> None:
    named = [*chosen("stream", "STREAM").values(), *chosen("test-full", "PART_TESTS").values()]
    assert [folder for arguments in named for folder in folders_of(arguments) if not (ROOT / folder).is_dir()] == []
