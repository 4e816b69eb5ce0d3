"""ink.yaml: what counts for a service, and what is said about a mistake."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ink_api.inkfile import InkFile, json_schema
from ink_planner.choice import choose as choice
from ink_planner.inkfile import yaml_tree
from ink_planner.model.errors import CannotPlan
from ink_planner.model.files import from_mapping
from ink_planner.model.options import BuildOptions
from ink_planner.registry import base_images

FLASK = "from flask import Flask\napp = Flask(__name__)\n"
MONOREPO = """\
# two services of one repository
build:
  installCommand: make deps
resources:
  limits: {memory: 256Mi}
services:
  web:
    rootDirectory: apps/web
    build:
      buildCommand: make site
      publishDirectory: out
  api:
    rootDirectory: apps/api/
    command: [gunicorn, "app:app", --bind, "0.0.0.0:9000"]
    ports:
      - port: 9000
    health: {path: /healthz, interval: 10s}
    resources:
      limits: {memory: 1Gi}
"""
TREE = {"ink.yaml": MONOREPO, "apps/web/index.html": "", "apps/api/requirements.txt": "flask", "apps/api/app.py": FLASK}


def choose(files: dict[str, str], service: str = "web", place: str = "", **options: str) -> choice.Choice:
    return choice.choose(from_mapping(files), place, service, BuildOptions(**options), base_images())  # type: ignore[arg-type]


def mistake(text: str) -> str:
    with pytest.raises(CannotPlan) as caught:
        choose({"ink.yaml": text, "main.py": ""})
    assert caught.value.reason == "BuildFailed"
    return str(caught.value)


def test_several_services_of_one_repository() -> None:
    web, api = choose(TREE), choose(TREE, "api")
    assert web.plan
    assert api.plan
    assert (web.directory, web.plan.artifacts) == ("apps/web", (("/app/out", "/app"),))
    assert [step.command for step in web.plan.build] == ["make deps", "make site"]
    assert web.config == {"resources": {"limits": {"memory": "256Mi"}}}
    assert (api.directory, api.plan.start, api.plan.port) == ("apps/api", "gunicorn app:app --bind 0.0.0.0:9000", 9000)
    assert api.config == {
        "ports": [{"name": "http", "port": 9000, "protocol": "HTTP", "visibility": "Public"}],
        "health": {"type": "HTTP", "path": "/healthz", "interval": "10s"},
        "resources": {"limits": {"memory": "1Gi"}},
    }


def test_what_is_said_for_the_service_wins() -> None:
    chosen = choose(TREE, "api", install_command="true", start_command="python app.py", place="apps/web")
    assert chosen.directory == "apps/web", "the root directory of the spec is not replaced by the file's"
    found = choose(TREE, "api", start_command="python app.py")
    assert found.plan
    assert found.plan.start == "python app.py"
    assert [step.command for step in found.plan.install] == ["make deps"]


def test_a_file_in_the_directory_of_the_application() -> None:
    files = {"ink.yaml": "command: a", "api/ink.yaml": "command: b", "api/main.py": ""}
    found = choose(files, place="api")
    assert found.plan
    assert found.plan.start == "b"


def test_a_service_that_the_file_does_not_name_is_said() -> None:
    files = {"ink.yaml": "command: python x.py\nservices:\n  api: {}\n", "main.py": ""}
    chosen = choose(files, "web")
    assert chosen.plan
    assert chosen.plan.start == "python x.py"
    assert "ink.yaml has no service web, only api" in chosen.notes


def test_with_a_dockerfile_the_command_goes_to_the_verdict() -> None:
    chosen = choose({"ink.yaml": "command: ./run\nbuild: {target: prod}\n", "Dockerfile": "FROM scratch"})
    assert (chosen.dockerfile, chosen.target, chosen.config) == ("Dockerfile", "prod", {"command": "./run"})


def test_arguments_go_to_the_entrypoint_of_a_dockerfile_and_into_the_command_of_a_plan() -> None:
    args = 'args: [--port, "80 80"]\n'
    built = choose({"ink.yaml": args, "Dockerfile": "FROM scratch"})
    assert built.config == {"args": ["--port", "80 80"]}
    planned = choose({"ink.yaml": args, "main.py": ""})
    assert planned.plan
    assert planned.plan.start == "python main.py --port '80 80'"
    assert planned.config is None
    given = choose({"ink.yaml": args, "main.py": ""}, start_command="python other.py")
    assert given.plan
    assert given.plan.start == "python other.py"
    listed = choose({"ink.yaml": f"command: [run, it]\n{args}", "main.py": ""})
    assert listed.plan
    assert listed.plan.start == "run it --port '80 80'"
    both = choose({"ink.yaml": f"command: [run, it]\n{args}", "Dockerfile": "FROM scratch"})
    assert both.config == {"command": ["run", "it"], "args": ["--port", "80 80"]}


def test_arguments_for_several_commands_are_refused() -> None:
    with pytest.raises(CannotPlan, match="more than one command") as caught:
        choose({"ink.yaml": "args: [x]\n", "Procfile": "web: python a.py && python b.py\n", "main.py": ""})
    assert caught.value.reason == "BuildFailed"


def test_what_does_not_fit_into_a_verdict_is_refused_and_not_lost() -> None:
    words = "x" * 900
    text = f"command: [{words}]\nargs: [{words}]\nhealth: {{path: /{words}}}\n"
    with pytest.raises(CannotPlan, match="more than the 2400 allowed"):
        choose({"ink.yaml": text, "Dockerfile": "FROM scratch"})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ports:\n  - port: 70000\n", ("line 2", "ports.0.port", "65535")),
        ("prots: []\n", ("line 1", "prots", "did you mean ports?")),
        ("build:\n  pack: Auto\n  buildComand: x\n", ("line 3", "build.buildComand")),
        ("a: 1\nenv: []\n", ("a: no such field",)),
        ("env:\n  - name: SECRET\n", ("line 1", "env", "set variables on the service")),
        ("services:\n  web:\n    domains: []\n", ("line 3", "services.web.domains", "set domains on the service")),
        ("isolation: GVisor\n", ("set isolation on the service",)),
        ("build: {timeout: 1h}\n", ("set build.timeout on the service",)),
        ("build: {env: []}\n", ("set variables on the service",)),
        ("rootDirectory: nowhere\n", ("line 1", "nowhere is not in this commit")),
        ("rootDirectory: a/../..\n", ("must stay inside the repository",)),
        ("build:\n  publishDirectory: ../x\n", ("line 2", "build.publishDirectory")),
        ("services:\n  Web: {}\n", ("is not a valid service name",)),
        ("services: [web]\n", ("line 1", "services")),
        ("- a\n", ("the file",)),
        ("command: {a: b}\n", ("line 1", "command")),
        ("command: " + "x" * 2000, ("longer than 1000",)),
        ("ports:\n  - port: 1\n  - port: 2\n", ("two ports have the same name",)),
        ("health: {type: TCP, path: /x}\n", ("type TCP does not use health.path",)),
        ("resources: {limits: {memory: lots}}\n", ("resources.limits.memory",)),
        ("resources: {limit: {memory: 1Gi}}\n", ("resources.limit",)),
        (
            "resources: {limits: {cpu: 1}, requests: {cpu: 1500m}}\n",
            ("requests.cpu must not be higher than limits.cpu",),
        ),
        ("resources: {limits: {memory: 1Ki}}\n", ("limits.memory must be at least 4Mi",)),
        ("health:\n  interval: 2h\n", ("line 1", "interval must be from 1s to 1h")),
        ("ports:\n  - {name: a, port: 1}\n  - {name: b, port: 1}\n", ("two ports have the same number",)),
        ("ports:\n  - {name: a, port: 1}\n  - {name: b, port: 2}\n", ("only one port can be public HTTP",)),
        ("command: run\nargs: [x]\n", ("line 2", "a shell command takes none")),
        ("command: a\ncommand: b\n", ("line 2", "is there twice")),
        ("command: 'a\n", ("not valid YAML",)),
        ("a: [\n", ("not valid YAML",)),
        ("command: a\n---\ncommand: b\n", ("line 2", "second document")),
        ("command: !!python/object/apply:os.system [x]\n", ("tags such as",)),
        ("a: &a [x, x]\nb: [*a, *a]\n", ("line 1", "anchors")),
        ("b: *a\n", ("not supported",)),
        ("x" * 70000, ("larger than 64 KiB",)),
        ("a: " + "[" * 1000, ("nested too deeply",)),
        ("command: \x00\n", ("not valid YAML",)),
        ("? [a]\n: b\n", ("a key must be a name",)),
    ],
)
def test_a_mistake_names_file_line_and_remedy(text: str, words: tuple[str, ...]) -> None:
    message = mistake(text)
    assert message.startswith("ink.yaml, line ")
    assert all(word in message for word in words), message


def test_a_bomb_of_aliases_is_refused_before_it_grows() -> None:
    lines = ['a0: &a0 ["x"]'] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    assert "anchors" in mistake("\n".join(lines))


def test_an_empty_file_changes_nothing() -> None:
    assert choose({"ink.yaml": "# nothing yet\n", "main.py": ""}).pack == "Python"


def test_plain_values_are_what_they_look_like() -> None:
    tree = yaml_tree.parse("a: no\nb: 0x10\nc: 12:30\nd: 1.5\ne: ~\nf: 'true'\ng: true\nh: -3\n")
    assert tree.value == {"a": "no", "b": "0x10", "c": "12:30", "d": 1.5, "e": None, "f": "true", "g": True, "h": -3}
    assert tree.line(("d", "more")) == 4


@given(st.text(alphabet=":-[]{}&*!|>'\"#%@`?, \nab01\t", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        yaml_tree.parse(text)
    except yaml_tree.NotReadable as error:
        assert error.line >= 1  # noqa: PT017


def test_the_published_schema_is_that_of_the_model() -> None:
    published = json.loads((Path(__file__).parents[3] / "docs" / "ink.schema.json").read_text())
    assert published == json_schema()
    assert "x-kubernetes" not in json.dumps(published)
    assert set(published["properties"]) == {field.alias for field in InkFile.model_fields.values()}
    assert published["additionalProperties"] is False
