"""Builds that fail, each for one reason, by the real tools: what to run, and what the verdict must say.

`commands` run on this machine with its own npm, pip, uv, go, cargo, javac and mvn; a step of a build prints the same.
`dockerfiles` run in the real buildkitd.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

FIXTURES = Path(__file__).parents[2] / "unit" / "builder" / "failures"
KEPT_LINES = 400
_SECONDS = 300


@dataclass(frozen=True)
class Failing:
    """One broken repository; `words` are parts of the message, `line` of the lines that are shown."""

    name: str
    reason: str
    words: tuple[str, ...]
    line: str = ""
    files: dict[str, str] = field(default_factory=dict)
    command: str = ""
    dockerfile: str = ""
    infrastructure: bool = False
    environment: dict[str, str] = field(default_factory=dict)
    build: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Recorded:
    """What a failure looked like: the error of the solve, the step's name, the step's lines."""

    details: str
    step: str
    lines: tuple[str, ...]

    def text(self) -> str:
        """The form in which it is kept."""
        return "\n".join([f"error: {json.dumps(self.details)}", f"step: {json.dumps(self.step)}", "", *self.lines, ""])

    @classmethod
    def parse(cls, text: str) -> Recorded:
        """The reverse of text()."""
        head, _, rest = text.partition("\n\n")
        error, step = head.split("\n")
        lines = rest.split("\n")[:-1]
        return cls(json.loads(error.removeprefix("error: ")), json.loads(step.removeprefix("step: ")), tuple(lines))


UV = f"{Path(sys.executable).parent / 'uv'}"


def run(failing: Failing, directory: Path, ports: dict[str, int]) -> Recorded:
    """Run the command in `directory` as a build's step would; the record tells nothing of this machine."""
    work, home = directory / "app", directory / "home"
    for place in (work, home):
        place.mkdir(parents=True)
    for path, content in failing.files.items():
        place = work / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(with_ports(content, ports), encoding="latin-1" if "\x7f" in content else "utf-8", newline="")
    command = with_ports(failing.command, ports)
    given = {name: with_ports(value, ports) for name, value in failing.environment.items()}
    done = subprocess.run(
        ["/bin/sh", "-c", command], cwd=work, env=_environment(home) | given, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=_SECONDS,
    )  # fmt: skip
    assert done.returncode != 0, done.stdout
    code = done.returncode if done.returncode > 0 else 128 - done.returncode
    shown = neutral(command, directory, ports)
    details = f'failed to solve: process "/bin/sh -c {shown}" did not complete successfully: exit code: {code}'
    lines = neutral(done.stdout.decode(errors="replace"), directory, ports).split("\n")
    return Recorded(details, f"[build 5/6] RUN {shown}", tuple(line for line in lines if line.strip())[-KEPT_LINES:])


def with_ports(text: str, ports: dict[str, int]) -> str:
    """`text` with the ports of the servers that refuse."""
    for name, port in ports.items():
        text = text.replace(name, str(port))
    return text


def neutral(text: str, directory: Path, ports: dict[str, int]) -> str:
    """Without this machine's paths, ports, versions of the kernel and times."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    for mine, there in (
        (str(directory / "app"), "/app"), (str(directory / "home"), "/root"), (str(directory), "/tmp"),
        (UV, "uv"), (sys.executable, "python3"), (str(Path(sys.executable).parent.parent), "/opt/python"),
        (str(Path(sys.base_prefix)), "/usr/local"), (os.environ.get("HOME", "/root"), "/root"),
    ):  # fmt: skip
        text = text.replace(mine, there)
    text = re.sub(r"/tmp/(pip-[a-z-]+)-\w{8}\b", r"/var/\1", text)
    for name, port in ports.items():
        text = text.replace(f":{port}", {"PORT401": ":8401", "PORT404": ":8404"}.get(name, ":5000"))
    return re.sub(r"127\.0\.0\.1:(?:[1-9]\d{4})", "127.0.0.1:5000", text)


def _environment(home: Path) -> dict[str, str]:
    kept = (
        "SSL_CERT_FILE",
        "PIP_CERT",
        "NODE_EXTRA_CA_CERTS",
        "CARGO_HTTP_CAINFO",
        "REQUESTS_CA_BUNDLE",
        "GOPROXY",
        "JAVA_HOME",
    )
    mine = Path.home()
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "GOPATH": str(mine / "go"),
        "GOCACHE": str(mine / ".cache" / "go-build"),
        "GOFLAGS": "",
        "CARGO_HOME": os.environ.get("CARGO_HOME", str(mine / ".cargo")),
        "RUSTUP_HOME": os.environ.get("RUSTUP_HOME", str(mine / ".rustup")),
        "MAVEN_ARGS": f"-Dmaven.repo.local={mine / '.m2' / 'repository'}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "npm_config_update_notifier": "false",
        "UV_CACHE_DIR": str(mine / ".cache" / "uv"),
    }


def judged(failing: Failing, recorded: Recorded) -> None:
    """Assert that the verdict of what was recorded says what it must."""
    from ink_builder import verdict
    from ink_builder.buildkit.failure import FailureContext, explain
    from ink_builder.buildkit.progress import Step

    step = Step(1, name=recorded.step)
    step.lines.extend(recorded.lines)
    error = explain(recorded.details, step if recorded.step else None, FailureContext("Dockerfile", generated=False))
    fits(failing, verdict.failure(error))


def fits(failing: Failing, verdict: dict[str, object]) -> None:
    """Assert that a verdict has the reason, the words, the decisive line, and fits a screen."""
    message, lines = str(verdict["message"]), verdict["log"]
    assert isinstance(lines, list)
    assert verdict["reason"] == failing.reason, (message, lines)
    for word in failing.words:
        assert word in message, (message, lines)
    assert len(lines) <= 20
    assert not failing.line or any(failing.line in str(line) for line in lines), (message, lines)
    assert verdict["infrastructure"] is failing.infrastructure
