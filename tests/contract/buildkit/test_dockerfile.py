"""Pack Dockerfile against a real buildkitd and a registry that wants tokens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time

import pytest
from support.building import daemons as build_daemons

from .conftest import Stack

HELLO = {"Dockerfile": "FROM scratch\nCOPY . /\nEXPOSE 9000/tcp 53/udp 8443\n", "hello.txt": "hi\n"}
SHELL = 'FROM scratch\nCOPY busybox /bin/sh\nSHELL ["/bin/sh", "-c"]\n'


def test_an_image_is_pushed_and_described(stack: Stack) -> None:
    outcome = stack.build("pushed", HELLO)
    verdict = outcome.verdict
    assert outcome.code == 0, outcome.log
    assert verdict["ok"] is True
    assert verdict["pack"] == "Dockerfile"
    assert verdict["ports"] == [8443, 9000]
    assert verdict["image"] == f"{stack.registry.host}/tenant/pushed@{verdict['digest']}"
    manifest = stack.registry.manifest("tenant/pushed", verdict["digest"])
    assert manifest["mediaType"] == "application/vnd.oci.image.manifest.v1+json", (
        "one manifest, no index of attestations"
    )
    assert set(verdict["timings"]) == {"clone", "plan", "connect", "solve", "total"}


def test_an_unchanged_build_is_cached_and_gives_the_same_digest(stack: Stack) -> None:
    commit = stack.git.commit("again", HELLO)
    variables = stack.variables("again", "again", commit)
    first, second = (stack.finish(*stack.start(variables)) for _ in range(2))
    assert first.verdict["digest"] == second.verdict["digest"]
    assert "cached" in second.log


@pytest.mark.parametrize(("line", "warned"), [("", True), ('CMD ["/x"]\n', False), ('ENTRYPOINT ["/x"]\n', False)])
def test_an_image_without_a_command_is_told(stack: Stack, line: str, warned: bool) -> None:
    outcome = stack.build("command", {"Dockerfile": f"FROM scratch\nCOPY . /\n{line}"})
    assert ("names no command" in outcome.log) is warned


def test_no_cache_builds_again(stack: Stack) -> None:
    stack.build("fresh", HELLO)
    assert " cached" not in stack.build("fresh", HELLO, INK_NO_CACHE="1").log


def test_a_failing_step_is_named_with_its_last_lines(stack: Stack, shell: bytes) -> None:
    # One stream: BuildKit reads stdout and stderr side by side, and does not promise an order between the two.
    dockerfile = SHELL + "RUN { for i in 1 2 3; do echo line $i; done; echo broken pipe; } >&2; exit 3\n"
    outcome = stack.build("failing", {"Dockerfile": dockerfile, "busybox": shell})
    assert (outcome.code, outcome.reason) == (1, "BuildFailed")
    assert "ended with exit code 3" in outcome.message, outcome.log
    assert "RUN { for i in" in outcome.message
    assert outcome.verdict["log"] == ["line 1", "line 2", "line 3", "broken pipe"]
    assert outcome.verdict["infrastructure"] is False


def test_both_streams_of_a_failing_step_are_kept(stack: Stack, shell: bytes) -> None:
    dockerfile = SHELL + "RUN echo to stdout; echo to stderr >&2; exit 3\n"
    outcome = stack.build("streams", {"Dockerfile": dockerfile, "busybox": shell})
    assert sorted(outcome.verdict["log"]) == ["to stderr", "to stdout"]


def test_a_killed_step_is_out_of_memory(stack: Stack, shell: bytes) -> None:
    outcome = stack.build("killed", {"Dockerfile": SHELL + "RUN sleep 9 & kill -9 $!; wait $!\n", "busybox": shell})
    assert (outcome.code, outcome.reason) == (1, "BuildOutOfMemory")


@pytest.mark.parametrize(
    ("name", "files", "build", "reason", "words"),
    [
        ("no-dockerfile", {"a": "b"}, {"pack": "Dockerfile"}, "DockerfileNotFound", "no Dockerfile"),
        (
            "elsewhere",
            {"api/Dockerfile": "FROM scratch\n"},
            {"pack": "Dockerfile"},
            "DockerfileNotFound",
            "api/Dockerfile",
        ),
        ("other-path", HELLO, {"dockerfile": "deploy/Dockerfile"}, "DockerfileNotFound", "deploy/Dockerfile"),
        ("typo", {"Dockerfile": "FORM scratch\n"}, {}, "DockerfileInvalid", "unknown instruction: FORM"),
        ("missing-file", {"Dockerfile": "FROM scratch\nCOPY nothere /x\n"}, {}, "FileNotFound", "copies /nothere"),
        ("missing-stage", HELLO, {"target": "prod"}, "DockerfileInvalid", "no stage named prod"),
        (
            "missing-image",
            {"Dockerfile": "FROM REGISTRY/tenant/missing-image:none\n"},
            {},
            "BaseImageNotFound",
            "was not found",
        ),
        ("frontend", {"Dockerfile": "# syntax=evil/frontend:1\nFROM scratch\n"}, {}, "BuildRefused", "evil/frontend:1"),
        ("railpack", HELLO, {"pack": "Railpack"}, "PackUnavailable", "Railpack"),
        ("nothing", {"README.md": "hi"}, {}, "PackNotDetected", "README.md"),
    ],
)
def test_bad_input_ends_in_a_named_reason(  # noqa: PLR0917 - a row of the table
    stack: Stack, name: str, files: dict[str, str | bytes], build: dict[str, str], reason: str, words: str
) -> None:
    files = {p: c.replace("REGISTRY", stack.registry.host) if isinstance(c, str) else c for p, c in files.items()}
    outcome = stack.build(name, files, build)
    assert (outcome.code, outcome.reason) == (1, reason), outcome.log
    assert words in outcome.message
    assert outcome.verdict["infrastructure"] is False


@pytest.mark.parametrize(
    "head",
    [
        "# syntax=evil/frontend:1\n",
        "#syntax = evil/frontend:1\n",
        "// syntax=evil/frontend:1\n",
        "# escape=`\n# syntax=evil/frontend:1\n",
        "#!/usr/bin/env x\n# syntax=evil/frontend:1\n",
        "\ufeff# syntax=evil/frontend:1\n",
        "# SYNTAX=evil/frontend:1\n",
        "# syntax=docker/dockerfile-upstream:master\n",
        "# syntax=docker.io.evil.example/docker/dockerfile:1\n",
    ],
)
def test_a_foreign_frontend_is_refused_however_it_is_named(stack: Stack, head: str) -> None:
    outcome = stack.build("foreign", {"Dockerfile": f"{head}FROM scratch\nCOPY . /\n"})
    assert (outcome.code, outcome.reason) == (1, "BuildRefused"), outcome.log


def test_a_frontend_that_the_check_does_not_see_is_not_run(stack: Stack) -> None:
    """A JSON directive: the daemon's own frontend reads it as a Dockerfile, which it is not."""
    outcome = stack.build("json", {"Dockerfile": '{"syntax": "evil/frontend:1"}\nFROM scratch\nCOPY . /\n'})
    assert (outcome.code, outcome.reason) == (1, "DockerfileInvalid"), outcome.log


def test_the_usual_syntax_line_needs_no_frontend_image(stack: Stack) -> None:
    files = {**HELLO, "Dockerfile": "# syntax=docker/dockerfile:1.7\nFROM scratch\nCOPY --link hello.txt /\n"}
    assert stack.build("syntax", files).code == 0


def test_path_target_and_root_directory_are_honoured(stack: Stack) -> None:
    dockerfile = (
        "FROM scratch AS one\nCOPY a.txt /\nLABEL which=one\nFROM scratch AS two\nCOPY b.txt /\nLABEL which=two\n"
    )
    files: dict[str, str | bytes] = {
        "apps/x/deploy/My.Dockerfile": dockerfile,
        "apps/x/a.txt": "a",
        "apps/x/b.txt": "b",
    }
    build = {"dockerfile": "deploy/My.Dockerfile", "target": "one"}
    outcome = stack.build("paths", files, build, INK_ROOT_DIRECTORY="apps/x")
    assert outcome.code == 0, outcome.log
    config = stack.registry.config("tenant/paths", outcome.verdict["digest"])
    assert config["config"]["Labels"]["which"] == "one"  # type: ignore[index]


def test_a_token_for_another_repository_pushes_nothing(stack: Stack) -> None:
    outcome = stack.build("denied", HELLO, INK_REGISTRY_TOKEN=stack.registry.token("tenant/other"))
    assert (outcome.code, outcome.reason) == (75, "BuildInfrastructure")
    assert "could not be pushed" in outcome.message
    assert stack.registry.get("/v2/tenant/denied/tags/list", stack.registry.token("tenant/denied"))[0] == 404


def test_no_build_profits_from_the_token_of_another(stack: Stack) -> None:
    assert stack.build("owner", HELLO).code == 0
    image = f"{stack.registry.host}/tenant/owner:stolen"
    thief = stack.build("thief", HELLO, INK_IMAGE=image)
    assert thief.code == 75, thief.log
    missing = stack.registry.get("/v2/tenant/owner/manifests/stolen", stack.registry.token("tenant/owner"))
    assert missing[0] == 404


def test_without_a_token_nothing_is_pushed(stack: Stack) -> None:
    assert stack.build("anonymous", HELLO, INK_REGISTRY_TOKEN="").code == 75


@pytest.mark.parametrize("size", ["1m", "100k"])
def test_a_registry_without_room_is_named(stack: Stack, size: str) -> None:
    """The registry keeps its data on a disk that is full at once, or soon."""
    directory = stack.directory / f"small-{size}"
    directory.mkdir()
    with build_daemons.small_disk(directory, size), build_daemons.registry(directory / "registry") as registry:
        token = registry.token("tenant/large")
        changes = {
            "INK_IMAGE": f"{registry.host}/tenant/large:1",
            "INK_REGISTRY_HOST": registry.host,
            "INK_REGISTRY_TOKEN": token,
        }
        files: dict[str, str | bytes] = {"Dockerfile": "FROM scratch\nCOPY . /\n", "large": os.urandom(4_000_000)}
        outcome = stack.build("large", files, **changes)
    assert (outcome.code, outcome.reason) == (75, "RegistryFull"), outcome.log


def test_the_log_holds_no_secrets(stack: Stack) -> None:
    token = stack.registry.token("tenant/secretive")
    outcome = stack.build(
        "secretive", {"Dockerfile": f"FROM scratch\nCOPY . /\nLABEL x={token}\n"}, INK_REGISTRY_TOKEN=token
    )
    assert outcome.code == 0
    assert token not in outcome.log
    assert token not in json.dumps(outcome.verdict)


def test_a_build_that_takes_too_long_ends(stack: Stack, shell: bytes) -> None:
    files: dict[str, str | bytes] = {"Dockerfile": SHELL + "RUN echo waiting; sleep 300\n", "busybox": shell}
    begun = time.monotonic()
    outcome = stack.build("slow", files, INK_TIMEOUT_SECONDS="8")
    assert (outcome.code, outcome.reason) == (1, "BuildTimeout")
    assert "sleep 300 was still running" in outcome.message
    assert outcome.verdict["log"] == ["waiting"]
    assert time.monotonic() - begun < 200


def test_sigterm_cancels_the_build_in_the_daemon(stack: Stack, shell: bytes) -> None:
    mark = f"7{os.getpid()}"
    commit = stack.git.commit("stopped", {"Dockerfile": SHELL + f"RUN echo begun; sleep {mark}\n", "busybox": shell})
    process, verdict = stack.start(stack.variables("stopped", "stopped", commit))
    assert process.stdout
    while "| begun" not in process.stdout.readline():
        assert process.poll() is None
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    outcome = stack.finish(process, verdict)
    assert outcome.code == 75
    assert time.monotonic() - begun < 5
    deadline = time.monotonic() + 20
    while subprocess.run(["pgrep", "-f", f"sleep {mark}"], capture_output=True, check=False).returncode == 0:
        assert time.monotonic() < deadline, "the step goes on in the daemon"
