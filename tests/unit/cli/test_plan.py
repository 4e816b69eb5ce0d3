"""`ink plan` on directories of this machine: no cluster, no gateway, no settings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ink_cli.__main__ import main


def test_the_plan_and_its_dockerfile(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "package.json").write_text('{"scripts": {"start": "node server.js"}}')
    (tmp_path / "server.js").write_text("")
    assert main(["plan", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "pack      Node (package.json)" in shown
    assert shown.rstrip().endswith('CMD ["/bin/sh", "-c", "exec node server.js"]')


def test_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "ink.yaml").write_text("services:\n  api: {rootDirectory: api, health: {path: /up}}\n")
    (tmp_path / "api").mkdir()
    (tmp_path / "api" / "main.go").write_text("package main\nfunc main() {}\n")
    assert main(["plan", str(tmp_path), "--service", "api", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["pack"], told["directory"], told["plan"]["port"]) == ("Go", "api", 8080)
    assert told["config"] == {"health": {"type": "HTTP", "path": "/up"}}
    assert told["dockerfile"].startswith("FROM golang:")


def test_a_dockerfile_is_built_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    assert main(["plan", str(tmp_path)]) == 0
    assert "Dockerfile (Dockerfile; built as it is)" in capsys.readouterr().out


def test_the_platforms_own_images(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "main.py").write_text("")
    images = tmp_path / "images.json"
    images.write_text('{"python": {"3.13": "mirror/python:3.13"}}')
    assert main(["plan", str(tmp_path), "--base-images", str(images)]) == 0
    assert "FROM mirror/python:3.13 AS build" in capsys.readouterr().out
    images.write_text("[]")
    assert main(["plan", str(tmp_path), "--base-images", str(images)]) == 2


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 1, "PackNotDetected: nothing here can be built"),
        (["--root-directory", "none"], 2, "none is not a directory"),
        (["--build-pack", "dockerfile"], 1, "DockerfileNotFound"),
    ],
)
def test_what_cannot_be_planned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, words: str
) -> None:
    assert main(["plan", str(tmp_path), *arguments]) == code
    assert words in capsys.readouterr().err
