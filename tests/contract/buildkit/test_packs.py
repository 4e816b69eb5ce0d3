"""Applications without a Dockerfile: built from the public base images, started as their image says, and asked."""

from __future__ import annotations

import json
from textwrap import dedent
from typing import Any

import pytest
from support.building import daemons as build_daemons

from .conftest import Outcome, Stack

pytestmark = pytest.mark.usefixtures("base_images")

PYTHON_PROBE = """
import json, os, subprocess, sys, time, urllib.error, urllib.request
server = subprocess.Popen(json.loads(sys.argv[1]))
for path in sys.argv[2:]:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen("http://127.0.0.1:" + os.environ["PORT"] + path) as answer:
                print("ANSWER", path, answer.status, os.getuid(), answer.read(200).decode().strip())
            break
        except urllib.error.HTTPError as error:
            print("ANSWER", path, error.code)
            break
        except OSError:
            if server.poll() is not None or time.monotonic() > deadline:
                sys.exit("the application does not answer")
            time.sleep(0.1)
server.terminate()
print("ENDED", server.wait(20))
"""
NODE_PROBE = """
const { spawn } = require("child_process");
const [command, ...paths] = process.argv.slice(2);
const [program, ...rest] = JSON.parse(command);
const server = spawn(program, rest, { stdio: "inherit" });
const pause = () => new Promise((done) => setTimeout(done, 100));
(async () => {
  for (const path of paths) {
    for (let tries = 0; ; tries++) {
      try {
        const answer = await fetch("http://127.0.0.1:" + process.env.PORT + path);
        console.log("ANSWER", path, answer.status, process.getuid(), (await answer.text()).slice(0, 200).trim());
        break;
      } catch (error) {
        if (tries > 300) { console.log("the application does not answer"); process.exit(1); }
        await pause();
      }
    }
  }
  server.on("exit", (code, signal) => { console.log("ENDED", code ?? signal); process.exit(0); });
  server.kill("SIGTERM");
})();
"""


def ask(stack: Stack, service: str, outcome: Outcome, *paths: str, node: bool = False) -> list[str]:
    """Start the image in a build step, as its own user, and ask it; returns `path status uid body` lines."""
    assert outcome.code == 0, outcome.log
    config: dict[str, Any] = stack.registry.config(f"tenant/{service}", outcome.verdict["digest"])["config"]  # type: ignore[assignment]
    probe, program = (NODE_PROBE, "node") if node else (PYTHON_PROBE, "python")
    arguments = json.dumps([program, "/tmp/probe", json.dumps(config["Cmd"]), *paths])
    environment = {"PORT": str(build_daemons.free_port())}
    dockerfile = (
        f"FROM {outcome.verdict['image']}\nENV PORT={environment['PORT']}\nCOPY probe /tmp/probe\n"
        f"RUN --network=none {arguments}\n"
    )
    token = stack.registry.token(f"tenant/{service}", f"tenant/{service}-asked")
    asked = stack.build(
        f"{service}-asked", {"Dockerfile": dockerfile, "probe": probe}, INK_REGISTRY_TOKEN=token, INK_NO_CACHE="1"
    )
    assert asked.code == 0, asked.log
    assert "| ENDED" in asked.log, f"it does not end when it is asked to:\n{asked.log}"
    return [line.partition("| ANSWER ")[2] for line in asked.log.splitlines() if "| ANSWER " in line]


def test_a_static_site(stack: Stack) -> None:
    files: dict[str, str | bytes] = {
        "index.html": "<h1>hello</h1>",
        "docs/index.html": "docs",
        "a.css": "a{}",
        ".secret": "x",
    }
    outcome = stack.build("site", files)
    assert (outcome.verdict["pack"], outcome.verdict["ports"]) == ("Static", [8080])
    answers = ask(stack, "site", outcome, "/", "/docs/", "/a.css", "/some/page", "/missing.png", "/.secret")
    assert answers == [
        "/ 200 65532 <h1>hello</h1>",
        "/docs/ 200 65532 docs",
        "/a.css 200 65532 a{}",
        "/some/page 200 65532 <h1>hello</h1>",
        "/missing.png 404",
        "/.secret 404",
    ]


def test_a_publish_directory(stack: Stack) -> None:
    outcome = stack.build("published", {"web/index.html": "here"}, {"pack": "Static", "publishDirectory": "web"})
    assert ask(stack, "published", outcome, "/") == ["/ 200 65532 here"]


def test_a_python_script_without_packages(stack: Stack) -> None:
    script = dedent("""
        import http.server, os
        class Hello(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"from a script")
        http.server.HTTPServer(("", int(os.environ["PORT"])), Hello).serve_forever()
    """)
    outcome = stack.build("script", {"main.py": script, ".python-version": "3.11"})
    assert (outcome.verdict["pack"], outcome.verdict["ports"]) == ("Python", [8080])
    assert ask(stack, "script", outcome, "/") == ["/ 200 65532 from a script"]


FLASK = 'from flask import Flask\napp = Flask(__name__)\n@app.get("/")\ndef home():\n    return "from flask"\n'
FASTAPI = 'from fastapi import FastAPI\napi = FastAPI()\n@api.get("/")\ndef home():\n    return {"from": "fastapi"}\n'


def test_flask_with_gunicorn_from_requirements(stack: Stack) -> None:
    outcome = stack.build("flask", {"app.py": FLASK, "requirements.txt": "flask\ngunicorn\n"})
    assert ask(stack, "flask", outcome, "/") == ["/ 200 65532 from flask"]
    again = stack.build(
        "flask", {"app.py": FLASK.replace('from flask"', 'again"'), "requirements.txt": "flask\ngunicorn\n"}
    )
    assert "RUN --mount" in again.log
    installed = again.log.partition("pip install -r requirements.txt")[2]
    assert "cached" in installed.splitlines()[1], "a change of the code does not install the packages again"


def test_fastapi_from_pyproject_gets_a_server(stack: Stack) -> None:
    project = '[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.10"\ndependencies = ["fastapi"]\n'
    outcome = stack.build("fastapi", {"src/main.py": FASTAPI, "pyproject.toml": project})
    assert ask(stack, "fastapi", outcome, "/") == ['/ 200 65532 {"from":"fastapi"}']


def test_commands_of_the_user_win(stack: Stack) -> None:
    files: dict[str, str | bytes] = {
        "main.py": "raise SystemExit('not this')",
        "requirements.txt": "no-such-package-anywhere\n",
    }
    build = {"installCommand": "echo installed > installed.txt", "buildCommand": "echo built > built.txt"}
    outcome = stack.build("commands", files, build, INK_COMMAND=json.dumps("python -m http.server $PORT"))
    assert ask(stack, "commands", outcome, "/installed.txt", "/built.txt") == [
        "/installed.txt 200 65532 installed",
        "/built.txt 200 65532 built",
    ]


def test_a_package_that_does_not_exist_is_named(stack: Stack) -> None:
    outcome = stack.build("no-package", {"app.py": FLASK, "requirements.txt": "no-such-package-anywhere-7\n"})
    assert (outcome.code, outcome.reason) == (1, "DependencyNotFound")
    assert "no-such-package-anywhere-7" in " ".join(outcome.verdict["log"])


def test_a_base_image_that_does_not_exist_is_named(stack: Stack) -> None:
    outcome = stack.build("no-base", {"Dockerfile": "FROM python:9.99-slim\n"})
    assert (outcome.code, outcome.reason) == (1, "BaseImageNotFound"), outcome.log
    assert "python:9.99-slim" in outcome.message


NODE = 'require("http").createServer((q, s) => s.end("from node")).listen(process.env.PORT);\n'


def test_node_without_packages(stack: Stack) -> None:
    package = json.dumps({"name": "x", "scripts": {"start": "node server.js"}})
    outcome = stack.build("node", {"package.json": package, "server.js": NODE})
    assert outcome.verdict["pack"] == "Node"
    assert ask(stack, "node", outcome, "/", node=True) == ["/ 200 65532 from node"]


def test_node_with_a_package(stack: Stack) -> None:
    package = json.dumps({"name": "x", "main": "main.js", "dependencies": {"ms": "2.1.3"}})
    server = NODE.replace('"from node"', 'String(require("ms")("1s"))')
    outcome = stack.build("node-ms", {"package.json": package, "main.js": server})
    assert ask(stack, "node-ms", outcome, "/", node=True) == ["/ 200 65532 1000"]


def test_variables_of_the_build_reach_its_commands_and_not_the_image(stack: Stack) -> None:
    package = json.dumps({"name": "x", "scripts": {"build": "node build.js", "start": "node server.js"}})
    script = 'require("fs").writeFileSync("built", process.env.PUBLIC_URL + " " + process.env.TOKEN.length)\n'
    server = NODE.replace('"from node"', '(require("fs").readFileSync("built") + " " + process.env.TOKEN)')
    build = {"env": [{"name": "PUBLIC_URL", "value": "https://x.example"}]}
    files: dict[str, str | bytes] = {"package.json": package, "build.js": script, "server.js": server}
    outcome = stack.build("node-env", files, build, INK_BUILD_SECRETS=json.dumps({"TOKEN": "s3cr3t-token-value"}))
    assert ask(stack, "node-env", outcome, "/", node=True) == ["/ 200 65532 https://x.example 18 undefined"]


def test_another_secret_is_not_answered_from_the_cache(stack: Stack) -> None:
    """BuildKit keeps the outcome of a step whatever its secrets held."""
    package = json.dumps({"name": "x", "scripts": {"build": "node build.js", "start": "node server.js"}})
    script = 'require("fs").writeFileSync("built", String(process.env.TOKEN.length))\n'
    server = NODE.replace('"from node"', 'require("fs").readFileSync("built")')
    files: dict[str, str | bytes] = {"package.json": package, "build.js": script, "server.js": server}
    for token in ("a-token", "a-longer-token"):
        secrets = {"INK_BUILD_SECRETS": json.dumps({"TOKEN": token}), "INK_BUILD_SECRETS_DIGEST": token[2:5] * 20}
        outcome = stack.build("node-rotated", files, **secrets)
        assert ask(stack, "node-rotated", outcome, "/", node=True) == [f"/ 200 65532 {len(token)}"]


def test_a_site_that_node_builds(stack: Stack) -> None:
    package = json.dumps(
        {
            "name": "x",
            "scripts": {"dev": "vite", "build": "mkdir dist && cp index.html dist/"},
            "devDependencies": {"vite": "file:./v"},
        }
    )
    files: dict[str, str | bytes] = {
        "package.json": package,
        "index.html": "built",
        "v/package.json": '{"name":"vite","version":"1.0.0"}',
    }
    outcome = stack.build("vite", files, {"installCommand": "true"})
    assert ask(stack, "vite", outcome, "/", "/deep/link") == ["/ 200 65532 built", "/deep/link 200 65532 built"]
