"""The cache of built things: keys, locks, whole or not at all; and the components' own files."""

from __future__ import annotations

import io
import multiprocessing
import re
from dataclasses import replace
from pathlib import Path

import pytest
from ink_artifacts import cache as artifact_cache
from ink_artifacts import go_programs, gobuild
from ink_artifacts.components import COMPONENTS, Component
from ink_artifacts.errors import SetupError
from ink_artifacts.progress import ProgressPrinter, duration


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INK_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def component(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Component:
    monkeypatch.setattr("ink_artifacts.components.GO_FOLDER", tmp_path / "go")
    folder = tmp_path / "go" / "sample"
    folder.mkdir(parents=True)
    (folder / "go.mod").write_text("module sample\n\ngo 1.21\n")
    (folder / "main.go").write_text("package main\n\nfunc main() {}\n")
    return Component("sample", "1", links=("other",))


def test_a_key_follows_every_part_and_no_two_lists_run_together() -> None:
    assert artifact_cache.key_of("ab", "c") != artifact_cache.key_of("a", "bc")
    assert artifact_cache.key_of("a") == artifact_cache.key_of(b"a")
    assert re.fullmatch("[0-9a-f]{16}", artifact_cache.key_of())


@pytest.mark.parametrize("change", ["go.mod", "main.go", "new.go"])
def test_any_file_of_the_component_changes_its_key(component: Component, change: str) -> None:
    before = gobuild.key(component, "go1")
    (component.folder / change).write_text("// other\n")
    assert gobuild.key(component, "go1") != before


def test_flags_and_the_go_version_change_the_key(component: Component) -> None:
    keys = {
        gobuild.key(component, "go1"),
        gobuild.key(component, "go2"),
        gobuild.key(replace(component, tags="x"), "go1"),
        gobuild.key(replace(component, variables=("a.b=c",)), "go1"),
    }
    assert len(keys) == 4


def test_a_half_made_thing_is_never_there(cache: Path) -> None:
    final = cache / "thing"
    with pytest.raises(FileNotFoundError):
        make_badly(final)
    assert list(cache.iterdir()) == []
    (cache / ".thing.draft").mkdir()  # what a killed run leaves
    with artifact_cache.published(final) as draft:
        draft.write_text("whole")
    assert [path.name for path in cache.iterdir()] == ["thing"]


def make_badly(final: Path) -> None:
    with artifact_cache.published(final) as draft:
        draft.mkdir()
        (draft / "part").write_text("half")
        (draft / "missing").read_text()


def test_what_nobody_used_for_long_goes_and_nothing_else(cache: Path) -> None:
    for name in ("bin/old", "bin/new", "images/old.tar", "log/old"):
        (cache / name).parent.mkdir(parents=True, exist_ok=True)
        (cache / name).mkdir()
        artifact_cache.used(cache / name, at=1_000_000 if "old" in name else 2_000_000)
    artifact_cache.forget(now=2_000_000 + artifact_cache.KEEP_SECONDS / 2)
    left = sorted(path.relative_to(cache).as_posix() for path in cache.glob("*/*") if path.parent.name != "lock")
    assert left == ["bin/new", "log/old"]


def _hold(cache: str, ready: object, release: object) -> None:
    import os

    os.environ["INK_CACHE"] = cache
    with artifact_cache.locked("one"):
        ready.set()  # type: ignore[attr-defined]
        release.wait(30)  # type: ignore[attr-defined]


def test_the_second_run_says_that_it_waits_and_gets_its_turn(cache: Path) -> None:
    context = multiprocessing.get_context("fork")
    ready, release = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(str(cache), ready, release))
    other.start()
    assert ready.wait(30)
    with artifact_cache.locked("one", waiting=release.set):
        assert release.is_set()
    other.join(30)
    assert other.exitcode == 0


@pytest.mark.parametrize("name", list(COMPONENTS))
def test_every_component_is_pinned(name: str) -> None:
    folder = COMPONENTS[name].folder
    assert (folder / "go.mod").is_file()
    assert (folder / "go.sum").is_file() or "require" not in (folder / "go.mod").read_text()
    assert (folder / "main.go").is_file() == (not COMPONENTS[name].packages)


def test_no_program_belongs_to_two_components() -> None:
    names = [name for component in COMPONENTS.values() for name in component.names]
    assert len(names) == len(set(names))


def test_an_unknown_component_is_refused_by_name() -> None:
    with pytest.raises(SetupError, match="'nonsense'"):
        go_programs.ensure(["nonsense"])


def test_the_smallest_component_is_built_once(component: Component, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(go_programs, "COMPONENTS", {"sample": component})
    out = io.StringIO()
    programs = go_programs.ensure(["sample"], ProgressPrinter(out))
    assert programs["sample"].stat().st_mode & 0o111
    assert programs["other"].readlink() == Path("sample")
    assert "✓ [1/1] sample 1: compiled in" in out.getvalue()
    silent = io.StringIO()
    assert go_programs.ensure(["sample"], ProgressPrinter(silent)) == programs
    assert silent.getvalue() == ""


def test_a_failed_build_names_its_log_and_leaves_nothing(component: Component, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(go_programs, "COMPONENTS", {"sample": component})
    (component.folder / "main.go").write_text("package main\n\nfunc main() { undefined() }\n")
    with pytest.raises(SetupError, match=r"undefined: undefined.*sample\.log"):
        go_programs.ensure(["sample"], ProgressPrinter(io.StringIO()))
    assert not gobuild.home(component).exists()


@pytest.mark.parametrize(("seconds", "text"), [(0.84, "0.8 s"), (42.4, "42 s"), (129.9, "2m10s"), (3600, "60m00s")])
def test_durations_read_well(seconds: float, text: str) -> None:
    assert duration(seconds) == text
