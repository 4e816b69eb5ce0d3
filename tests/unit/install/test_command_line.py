"""The installer's command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ink_install import __main__ as command_line
from ink_install import node_files


def test_helm_gets_its_arguments_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[list[str]] = []
    monkeypatch.setattr(command_line, "_install", given.append)
    arguments = ["--values=a.yaml", "--set-file", "ingress.tls.key=tls.key", "-f", "b.yaml", "--set", "x=1", "--debug"]
    assert command_line.main(["install", *arguments]) == 0
    assert given == [arguments]


def test_node_files_are_built_from_the_base_that_is_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made: list[Any] = []
    monkeypatch.setattr(node_files, "make", lambda directory, bases, progress: made.append((directory, bases)))
    archive = tmp_path / "python.tar"
    archive.touch()
    assert command_line.main(["node-files"]) == 0
    assert command_line.main(["node-files", str(tmp_path), "--base", f"python:3.11={archive}"]) == 0
    assert made == [(node_files.DIST, {}), (tmp_path, {"python:3.11": archive})]


def test_a_base_that_is_no_archive_is_refused_with_the_form_it_has(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["node-files", "--base", "python:3.11"]) == 1
    assert "NAME=ARCHIVE" in capsys.readouterr().err


def test_what_is_no_argument_of_node_files_is_refused() -> None:
    with pytest.raises(SystemExit):
        command_line.main(["node-files", "--vaules=x"])
