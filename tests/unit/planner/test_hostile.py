"""Whatever the names and texts of a repository are, the Dockerfile has the instructions of the plan and no others."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import ink_planner
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ink_planner.detection import planning
from ink_planner.model.errors import CannotPlan
from ink_planner.model.files import MAX_READ_BYTES, from_directory, from_mapping
from ink_planner.model.options import Overrides
from ink_planner.model.plan import ImagePlan, Run
from ink_planner.output import dockerfile, report
from ink_planner.toolkit import sources

EVIL = (
    "\n", "\r", "\\", "\\\n", "'", '"', "`", "$(x)", "${PORT}", ";", " ", "<<EOF", "--from=x", "RUN", "\nUSER root\n",
    "\x1b[2J", "\u2028", "[", "*", "#", "a", "b/c", "..", "é", "%", "=",
)  # fmt: skip
MANIFESTS = (
    "package.json", "package-lock.json", "pnpm-lock.yaml", "pnpm-workspace.yaml", "Procfile", "requirements.txt",
    "pyproject.toml", "uv.lock", "main.py", "go.mod", "cmd/x/main.go", "Cargo.toml", "src/main.rs", "pom.xml",
    "build.gradle", "Gemfile", "config.ru", "composer.json", "index.php", "mix.exs", "deno.json", "main.ts", "A.csproj",
    "index.html", ".nvmrc", ".python-version", ".tool-versions", "rust-toolchain", "global.json", "runtime.txt",
)  # fmt: skip
TEXTS = (
    "{}", '{"scripts": {"start": "node x"}}', "package main\nfunc main() {}", "fn main() {}", "<java.version>17",
    '[package]\nname = "x"', "spring-boot-maven-plugin", "app: :x", "web: x", "Microsoft.NET.Sdk.Web", "flask\n",
    "from flask import Flask\napp = Flask(1)", '{"workspaces": ["*"]}', '{"require": {"php": "^8"}}',
)  # fmt: skip

evil = st.lists(st.sampled_from(EVIL), max_size=4).map("".join)
text = st.tuples(st.sampled_from(TEXTS), evil).map("".join) | evil | st.text(max_size=20)
name = st.sampled_from(MANIFESTS) | st.tuples(evil, st.sampled_from(MANIFESTS)).map("".join) | evil.filter(bool)
command = st.none() | evil


def instructions(dockerfile: str) -> list[str]:
    """The instructions, read as the frontend reads them; a continued line or a heredoc would swallow others."""
    found, lines = [], iter(dockerfile.split("\n"))
    for line in lines:
        if not line:
            continue
        assert re.match(r"(FROM|ENV|WORKDIR|RUN|COPY|USER|EXPOSE|ENTRYPOINT|CMD) ", line), line
        assert not line.endswith("\\"), line
        assert all(c.isprintable() or c == "\t" for c in line), line
        found.append(line)
        if ended := re.search(r"<<'?(\w+)", line):
            assert line.startswith("COPY --chmod=0644 <<'INK_END_OF_FILE' /"), line
            while next(lines) != ended[1]:
                pass
    return found


def check(plan: ImagePlan) -> None:
    found = instructions(dockerfile.dockerfile(plan))
    kinds = [line.partition(" ")[0] for line in found]
    assert [line for line in found if line.startswith("FROM")] == [
        f"FROM {plan.image} AS build",
        f"FROM {plan.run_image}",
    ]
    steps = len(plan.setup) + len(plan.install) + len(plan.build) + len(plan.run_setup)
    assert kinds.count("RUN") == steps + bool(plan.build_packages) + bool(plan.run_packages)
    assert [line for line in found if line.startswith("USER")] == ["USER 65532:65532"]
    assert kinds[-1] == "CMD"
    shell = json.loads(found[-1].removeprefix("CMD "))
    assert shell[:2] == ["/bin/sh", "-c"]
    assert shell[2] in {plan.start, f"exec {plan.start}", f"exec env {plan.start}"}
    for line in [*report.notes(plan), *report.text(plan).splitlines()]:
        assert all(c.isprintable() for c in line), line


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(name, text, max_size=6), st.builds(Overrides, command, command, command, command))
def test_no_repository_adds_an_instruction(files: dict[str, str], overrides: Overrides) -> None:
    files = {path: content for path, content in files.items() if "\0" not in path}
    try:
        plan = planning.choose(from_mapping(files), "Auto", overrides)
    except CannotPlan:
        return
    check(plan)


@settings(max_examples=200, deadline=None)
@given(evil, evil, evil)
def test_no_command_adds_an_instruction(build: str, start: str, manifest: str) -> None:
    plan = planning.choose(from_mapping({"main.py": "", "requirements.txt": ""}), "Auto", Overrides())
    check(replace(plan, build=(Run(build),), start=start, manifests=(manifest,)))


def test_links_and_special_files_of_a_directory(tmp_path: Path) -> None:
    (tmp_path / "package.json").symlink_to("/etc/passwd")
    (tmp_path / "Procfile").symlink_to("/dev/zero")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "main.py").symlink_to("real.py")
    (tmp_path / "real.py").write_text("\ufeffprint(1)")
    (tmp_path / "huge.json").write_bytes(b"x" * (MAX_READ_BYTES + 10))
    files = from_directory(tmp_path)
    assert files.read("package.json") == ""
    assert files.read("Procfile") == ""
    assert files.read("main.py") == "print(1)", "the byte order mark is no part of the text"
    assert len(files.read("huge.json")) == MAX_READ_BYTES
    assert not any(path.startswith("loop/") for path in files.paths)


def test_a_huge_manifest_is_refused() -> None:
    text = json.dumps({"scripts": {"start": "x" * MAX_READ_BYTES}})[:MAX_READ_BYTES]
    with pytest.raises(CannotPlan, match="larger than 512 KiB"):
        planning.choose(from_mapping({"package.json": text}), "Auto", Overrides())


def test_names_that_are_not_unicode(tmp_path: Path) -> None:
    (tmp_path / b"caf\xe9.py".decode("utf-8", "surrogateescape")).write_text("print(1)")
    plan = planning.choose(from_directory(tmp_path), "Auto", Overrides())
    check(plan)
    dockerfile.dockerfile(plan).encode()
    "\n".join(report.notes(plan)).encode()


def test_no_pattern_runs_over_blank_lines() -> None:
    """`^` at every line and `\\s*` over all the lines that follow: a file of blank lines would take hours."""
    patient = {"dockerfile.py"}  # its patterns see one command
    sources = [p for p in Path(ink_planner.__file__).parent.rglob("*.py") if p.name not in patient]
    assert [p.name for p in sources if re.search(r"\^\\s[*+]", p.read_text())] == []


@pytest.mark.parametrize(
    "part",
    [
        "/* ",
        '"\\"',
        "'\\'",
        "`\\`",
        "include(",
        "include 'a',\n",
        "a[\n",
        "<pluginManagement>",
        ".listen({ ",
        "port = ",
        "host: ",
        "import ",
        "import\n",
        "const ",
    ],
)
def test_no_beginning_of_a_pattern_keeps_the_planner_busy(part: str) -> None:
    """Half a megabyte of beginnings that never end: what is quadratic in it would take hours."""
    text = part * (MAX_READ_BYTES // len(part))
    kinds = (
        {"package.json": "{}", "server.js": text},
        {"go.mod": "module x\n", "main.go": f"package main\n\nfunc main() {{}}\n{text}"},
        {"settings.gradle": text, "build.gradle": "plugins {\n  id 'application'\n}\n"},
        {"pom.xml": f"<project><modules><module>a</module></modules>{text}", "a/pom.xml": "<mainClass>A</mainClass>"},
        {"requirements.txt": text, "poetry.lock": text, "main.py": ""},
    )
    for files in kinds:
        assert planning.choose(from_mapping(files), "Auto", Overrides()).pack


def test_comments_are_no_code() -> None:
    text = "a // x\nb '//' /* c\n d */ e \"http://x\" `//\n` https://y"
    assert sources.without_comments(text) == "a \nb '//'  e \"http://x\" `//\n` https://y"
    assert sources.without_comments("a /* never closed") == "a "
    assert sources.without_comments("it's // here\nb // there") == "it's // here\nb "
