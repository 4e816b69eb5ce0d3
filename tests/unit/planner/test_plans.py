"""What is recognised in a repository, and what becomes of it."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest
from ink_planner.choice import choose as choice
from ink_planner.choice import own_dockerfile
from ink_planner.detection import planning
from ink_planner.model.errors import CannotPlan
from ink_planner.model.files import Files, from_directory, from_mapping
from ink_planner.model.options import BuildOptions, Overrides
from ink_planner.model.plan import ImagePlan
from ink_planner.output import dockerfile
from ink_planner.registry import base_images

FLASK = "from flask import Flask\napp = Flask(__name__)\n"
FASTAPI = "from fastapi import FastAPI\napp = FastAPI()\n"
PORT = "${PORT:-8080}"


def plan(files: dict[str, str], overrides: Overrides | None = None, pack: str = "Auto") -> ImagePlan:
    return planning.choose(from_mapping(files), pack, overrides or Overrides())


@pytest.mark.parametrize(
    ("files", "pack", "start"),
    [
        ({"index.html": ""}, "Static", "python -I /srv/ink_static.py /app"),
        ({"index.html": "", "main.py": "print(1)"}, "Python", "python main.py"),
        ({"main.py": "print(1)"}, "Python", "python main.py"),
        ({"tool.py": "print(1)", "README.md": ""}, "Python", "python tool.py"),
        ({"__main__.py": ""}, "Python", "python ."),
        ({"pkg/__main__.py": "", "pkg/__init__.py": "", "requirements.txt": ""}, "Python", "python -m pkg"),
        (
            {"app.py": FLASK, "requirements.txt": "Flask==3.1\ngunicorn"},
            "Python",
            f"gunicorn --bind 0.0.0.0:{PORT} app:app",
        ),
        (
            {"app.py": FLASK, "requirements.txt": "flask"},
            "Python",
            f"flask --app app:app run --host 0.0.0.0 --port {PORT}",
        ),
        (
            {"app.py": FLASK, "requirements.txt": "waitress\nflask"},
            "Python",
            f"waitress-serve --listen=0.0.0.0:{PORT} app:app",
        ),
        (
            {
                "web/__init__.py": "from flask import Flask\ndef create_app(config=None):\n    return Flask('x')\n",
                "requirements.txt": "gunicorn",
            },
            "Python",
            f"gunicorn --bind 0.0.0.0:{PORT} 'web:create_app()'",
        ),
        (
            {"main.py": FASTAPI, "requirements.txt": "fastapi[standard]"},
            "Python",
            f"uvicorn main:app --host 0.0.0.0 --port {PORT}",
        ),
        (
            {"app/main.py": FASTAPI, "requirements.txt": "fastapi\nuvicorn"},
            "Python",
            f"uvicorn app.main:app --host 0.0.0.0 --port {PORT}",
        ),
        (
            {"main.py": FASTAPI, "requirements.txt": "fastapi\nhypercorn"},
            "Python",
            f"hypercorn --bind 0.0.0.0:{PORT} main:app",
        ),
        ({"Procfile": "release: x\nweb: gunicorn x:y\n", "requirements.txt": "gunicorn"}, "Python", "gunicorn x:y"),
        (
            {"manage.py": "", "site/wsgi.py": "", "requirements.txt": "django\ngunicorn"},
            "Python",
            f"gunicorn --bind 0.0.0.0:{PORT} site.wsgi:application",
        ),
        (
            {"manage.py": "", "package.json": "{}", "s/wsgi.py": "", "requirements.txt": ""},
            "Python",
            f"gunicorn --bind 0.0.0.0:{PORT} s.wsgi:application",
        ),
        (
            {"ui.py": "import streamlit as st", "b.py": "", "requirements.txt": "streamlit"},
            "Python",
            f"streamlit run ui.py --server.port {PORT} --server.address 0.0.0.0 --server.headless true",
        ),
        ({"package.json": '{"scripts": {"start": "node x.js"}}', "x.js": ""}, "Node", "node x.js"),
        ({"package.json": '{"main": "lib/x.js"}', "lib/x.js": ""}, "Node", "node lib/x.js"),
        ({"server.js": ""}, "Node", "node server.js"),
        ({"package.json": '{"scripts": {"start": "node x"}}', "x.js": "", "requirements.txt": ""}, "Node", "node x"),
        (
            {
                "index.html": "",
                "package.json": '{"scripts": {"build": "x", "start": "vite"}, "devDependencies": {"vite": "7"}}',
            },
            "Node",
            "python -I /srv/ink_static.py /app",
        ),
        (
            {"src/main.py": FLASK + "import helper\n", "src/helper.py": "", "requirements.txt": "flask\ngunicorn"},
            "Python",
            f"gunicorn --bind 0.0.0.0:{PORT} main:app",
        ),
        (
            {"src/shop/__init__.py": "", "src/shop/main.py": FASTAPI, "requirements.txt": "fastapi\nuvicorn"},
            "Python",
            f"uvicorn shop.main:app --host 0.0.0.0 --port {PORT}",
        ),
        (
            {"src/main.py": FASTAPI + "from .x import y\n", "src/x.py": "", "requirements.txt": "uvicorn"},
            "Python",
            f"uvicorn src.main:app --host 0.0.0.0 --port {PORT}",
        ),
        ({"a.py": "", "tool.py": "if __name__ == '__main__':\n    pass"}, "Python", "python tool.py"),
        (
            {"app.py": "import gradio as gr", "requirements.txt": "gradio"},
            "Python",
            f"env GRADIO_SERVER_NAME=0.0.0.0 GRADIO_SERVER_PORT={PORT} python app.py",
        ),
        (
            {"app.py": "from dash import Dash", "requirements.txt": "dash"},
            "Python",
            "env HOST=0.0.0.0 python app.py",
        ),
        (
            {"package.json": '{"main": "./dist/index.js", "scripts": {"build": "tsc"}}', "src/index.ts": ""},
            "Node",
            "node dist/index.js",
        ),
        (
            {"package.json": '{"scripts": {"build": "x"}, "devDependencies": {"@sveltejs/adapter-node": "5"}}'},
            "Node",
            "node build",
        ),
        ({"public/index.html": "", "README.md": "", ".gitignore": ""}, "Static", "python -I /srv/ink_static.py /app"),
    ],
)
def test_what_is_recognised_and_how_it_is_started(files: dict[str, str], pack: str, start: str) -> None:
    found = plan(files)
    assert (found.pack, found.start) == (pack, start)


@pytest.mark.parametrize(
    ("files", "pack", "words"),
    [
        ({}, "Auto", "the directory is empty"),
        ({"README.md": "", "src/main.zig": ""}, "Auto", "README.md, src/"),
        ({"src/x.txt": "", "go.mod": ""}, "Auto", "package main"),
        ({"main.py": "", "pyproject.toml": "a = "}, "Auto", "not valid TOML"),
        ({"requirements.txt": "", "a.py": "", "b.py": ""}, "Auto", "set a start command"),
        ({"package.json": "{"}, "Auto", "not valid JSON"),
        ({"package.json": "[]"}, "Auto", "not an object"),
        ({"package.json": "{}"}, "Auto", "`start` script"),
        ({"main.py": ""}, "Static", "index.html"),
    ],
)
def test_what_is_missing_is_said(files: dict[str, str], pack: str, words: str) -> None:
    with pytest.raises(CannotPlan) as caught:
        plan(files, pack=pack)
    assert caught.value.reason == "PackNotDetected"
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("files", "install"),
    [
        ({"requirements.txt": "flask"}, ["pip install -r requirements.txt"]),
        (
            {"pyproject.toml": '[project]\ndependencies = ["a>1", "b[x]; python_version > \'3\'"]'},
            ["pip install 'a>1' 'b[x]; python_version > '\"'\"'3'\"'\"''"],
        ),
        (
            {"pyproject.toml": "[project]\n", "uv.lock": ""},
            [
                "python -m venv /opt/uv && /opt/uv/bin/pip install uv",
                "/opt/uv/bin/uv sync --frozen --no-dev --no-install-project",
            ],
        ),
        (
            {"pyproject.toml": "[tool.poetry]\n", "poetry.lock": ""},
            [
                "python -m venv /opt/poetry && /opt/poetry/bin/pip install poetry",
                "/opt/poetry/bin/poetry install --only main --no-root",
            ],
        ),
        (
            {"Pipfile": ""},
            [
                "python -m venv /opt/pipenv && /opt/pipenv/bin/pip install pipenv",
                "/opt/pipenv/bin/pipenv install --skip-lock",
            ],
        ),
        ({}, []),
    ],
)
def test_how_python_packages_are_installed(files: dict[str, str], install: list[str]) -> None:
    assert [step.command for step in plan({"main.py": "", **files}).install] == install


@pytest.mark.parametrize(
    ("files", "manifests", "install"),
    [
        ({"package-lock.json": ""}, ("package.json", "package-lock.json"), "npm ci --no-audit --no-fund"),
        ({}, ("package.json",), "npm install --no-audit --no-fund"),
        (
            {"yarn.lock": "", ".npmrc": ""},
            ("package.json", "yarn.lock", ".npmrc"),
            "yarn install --frozen-lockfile --non-interactive",
        ),
        (
            {"yarn.lock": "__metadata:\n  version: 8\n"},
            ("package.json", "yarn.lock"),
            "yarn install --immutable",
        ),
        ({"pnpm-lock.yaml": ""}, ("package.json", "pnpm-lock.yaml"), "CI=true pnpm install --frozen-lockfile"),
    ],
)
def test_how_node_packages_are_installed(files: dict[str, str], manifests: tuple[str, ...], install: str) -> None:
    found = plan({"package.json": '{"scripts": {"start": "x"}}', **files})
    assert (found.manifests, found.install[-1].command) == (manifests, install)


@pytest.mark.parametrize(
    ("scripts", "pruned"),
    [
        ('"build": "tsc", "start": "node dist/index.js"', True),
        ('"build": "tsc", "start": "NODE_ENV=production tsx src/index.ts"', False),
        ('"start": "tsx src/index.ts"', False),
    ],
)
def test_tools_of_the_build_go_unless_the_application_is_started_by_one(scripts: str, pruned: bool) -> None:
    package = f'{{"scripts": {{{scripts}}}, "devDependencies": {{"tsx": "4", "@types/node": "22"}}}}'
    commands = [step.command for step in plan({"package.json": package}).build]
    assert ("npm prune --omit=dev --ignore-scripts" in commands) is pruned


def test_modules_below_src_are_on_the_import_path() -> None:
    found = plan({"src/main.py": FLASK, "requirements.txt": "flask"})
    assert ("PYTHONPATH", "/app/src") in found.run_environment
    assert "PYTHONPATH" not in dict(plan({"main.py": FLASK, "requirements.txt": "flask"}).run_environment)


POETRY = "/opt/poetry/bin/poetry install --only main --no-root"


@pytest.mark.parametrize(
    ("files", "steps"),
    [
        ({}, [POETRY]),
        ({"poetry.lock": ""}, [POETRY]),
        ({"poetry.lock": "", "demo_app/__init__.py": ""}, [POETRY, "pip install --no-deps ."]),
        ({"demo_app/__init__.py": ""}, ["pip install ."]),
    ],
)
def test_a_poetry_project_needs_neither_a_lock_file_nor_a_package(files: dict[str, str], steps: list[str]) -> None:
    project = '[tool.poetry]\nname = "demo-app"\n[tool.poetry.dependencies]\nflask = "3"\n[build-system]\n'
    found = plan({"main.py": FLASK, "pyproject.toml": project, **files})
    commands = [step.command for step in (*found.install, *found.build)]
    assert [command for command in commands if "pip install poetry" not in command] == steps


def test_included_requirements_are_copied_too() -> None:
    files = {"main.py": "", "requirements.txt": "-r req/base.txt\n-c limits.txt", "req/base.txt": "x", "limits.txt": ""}
    assert plan(files).manifests == ("requirements.txt", "req/base.txt", "limits.txt")
    assert plan({"main.py": "", "requirements.txt": "-e ."}).manifests == (), "an editable install needs the sources"


def test_the_rendered_dockerfile() -> None:
    files = {"app.py": FLASK, "requirements.txt": "flask\ngunicorn"}
    text = dockerfile.dockerfile(plan(files, Overrides(build="make all")))
    assert text.splitlines() == [
        "FROM python:3.13-slim AS build",
        'ENV PATH="/opt/venv/bin:$PATH"',
        "ENV VIRTUAL_ENV=/opt/venv",
        "ENV PYTHONUNBUFFERED=1",
        "ENV PIP_DISABLE_PIP_VERSION_CHECK=1",
        "ENV PIP_ROOT_USER_ACTION=ignore",
        "ENV UV_PROJECT_ENVIRONMENT=/opt/venv",
        "ENV UV_PYTHON=/opt/venv/bin/python",
        "ENV UV_LINK_MODE=copy",
        "ENV UV_PYTHON_DOWNLOADS=never",
        "ENV POETRY_VIRTUALENVS_CREATE=false",
        "ENV POETRY_NO_INTERACTION=1",
        "WORKDIR /app",
        "RUN python -m venv /opt/venv",
        "COPY requirements.txt ./",
        "RUN --mount=type=cache,sharing=locked,target=/root/.cache/pip pip install -r requirements.txt",
        "COPY . .",
        "RUN --mount=type=cache,sharing=locked,target=/root/.cache/pip make all",
        "",
        "FROM python:3.13-slim",
        'ENV PATH="/opt/venv/bin:$PATH"',
        "ENV VIRTUAL_ENV=/opt/venv",
        "ENV PYTHONUNBUFFERED=1",
        "ENV PYTHONDONTWRITEBYTECODE=1",
        "ENV HOME=/tmp",
        "ENV PORT=8080",
        "COPY --from=build --chown=65532:65532 /opt/venv /opt/venv",
        "COPY --from=build --chown=65532:65532 /app /app",
        "WORKDIR /app",
        "USER 65532:65532",
        "EXPOSE 8080",
        "ENTRYPOINT []",
        'CMD ["/bin/sh", "-c", "exec gunicorn --bind 0.0.0.0:${PORT:-8080} app:app"]',
    ]


@pytest.mark.parametrize(
    ("start", "command"),
    [
        ("python main.py", "exec python main.py"),
        ("cd src && python main.py", "cd src && python main.py"),
        ("A=1 python main.py", "exec env A=1 python main.py"),
        ("exec python x", "exec python x"),
        ("python a.py; python b.py", "python a.py; python b.py"),
    ],
)
def test_only_a_simple_command_is_made_the_first_process(start: str, command: str) -> None:
    text = dockerfile.dockerfile(plan({"main.py": ""}, Overrides(start=start)))
    assert text.splitlines()[-1] == f'CMD ["/bin/sh", "-c", "{command}"]'


def test_a_command_with_several_lines_stays_one_instruction() -> None:
    text = dockerfile.dockerfile(plan({"main.py": ""}, Overrides(build="echo a\necho b")))
    assert 'RUN --mount=type=cache,sharing=locked,target=/root/.cache/pip ["/bin/sh", "-c", "echo a\\necho b"]' in text


def test_links_out_of_the_repository_are_not_read(tmp_path_factory: pytest.TempPathFactory) -> None:
    root, outside = tmp_path_factory.mktemp("repository"), tmp_path_factory.mktemp("outside")
    (outside / "requirements.txt").write_text("secret")
    (root / "requirements.txt").symlink_to(outside / "requirements.txt")
    (root / "Procfile").write_text("web: x")
    (root / "node_modules").mkdir()
    (root / "node_modules" / "x").write_text("")
    files: Files = from_directory(root)
    assert files.read("requirements.txt") == ""
    assert files.read("Procfile") == "web: x"
    assert files.paths == {"requirements.txt", "Procfile"}


def chosen(files: dict[str, str]) -> choice.Choice:
    return choice.choose(from_mapping(files), "", "", BuildOptions(), base_images())


def test_the_only_directory_with_a_dockerfile_is_built_by_it() -> None:
    found = chosen({"README.md": "", "app/Dockerfile": "FROM scratch", "app/package.json": "{}"})
    assert (found.pack, found.directory, found.dockerfile) == ("Dockerfile", "app", "Dockerfile")
    assert found.notes == ("the application is in app",)


def test_a_dockerfile_below_may_not_name_a_foreign_frontend_either() -> None:
    with pytest.raises(CannotPlan, match="app/Dockerfile asks for the frontend evil/x"):
        chosen({"app/Dockerfile": "# syntax=evil/x\nFROM scratch"})


def test_files_that_cannot_be_read_are_empty_and_utf16_can_be_told(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "a").write_bytes(codecs.BOM_UTF16_LE + "flask".encode("utf-16-le"))
    (tmp_path / "b").write_bytes(codecs.BOM_UTF8 + b"flask")
    found = from_directory(tmp_path)
    assert found.read("loop") == ""
    assert [found.is_utf16(path) for path in ("a", "b", "loop")] == [True, False, False]
    assert found.read("b") == "flask"


def test_a_dockerfile_in_utf16_is_refused() -> None:
    with pytest.raises(CannotPlan, match="Dockerfile is saved as UTF-16"):
        chosen({"Dockerfile": "\ufeffFROM scratch"})


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("/etc/hostname", "out of the repository"),
        ("nowhere", "to a file that does not exist"),
        ("uv.lock", "to itself"),
    ],
)
def test_a_lock_file_that_is_a_broken_link_is_named(tmp_path: Path, target: str, words: str) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app/main.py").write_text("print(1)")
    (tmp_path / "app/uv.lock").symlink_to(target)
    with pytest.raises(CannotPlan, match=f"uv.lock is a link {words}"):
        planning.choose(from_directory(tmp_path).below("app"), "Auto", Overrides())


def test_a_lock_file_that_is_a_link_inside_the_repository_is_none_of_our_business(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("print(1)")
    (tmp_path / "real.txt").write_text("")
    (tmp_path / "requirements.txt").symlink_to("real.txt")
    assert planning.choose(from_directory(tmp_path), "Auto", Overrides()).pack == "Python"


def test_the_repositorys_dockerignore_counts_unless_it_leaves_everything_out() -> None:
    assert "node_modules\ndata/*.csv\n" in dockerfile.dockerignore("node_modules\ndata/*.csv\n")
    assert "target" not in dockerfile.dockerignore("*\n!target/*-runner\n!target/lib/*\n")


@pytest.mark.parametrize(
    ("text", "frontend"),
    [
        ("FROM x", None),
        ("# syntax=docker/dockerfile:1\nFROM x", "docker/dockerfile:1"),
        ("# escape=`\n#SYNTAX = a/b:c\nFROM x", "a/b:c"),
        ("# a comment\n# syntax=a/b\nFROM x", None),
        ("\n# syntax=a/b\nFROM x", None),
    ],
)
def test_the_frontend_that_a_dockerfile_names(text: str, frontend: str | None) -> None:
    assert own_dockerfile.frontend(text) == frontend
