"""What the daemon's words are turned into."""

from __future__ import annotations

import pytest
from ink_builder.buildkit.failure import FailureContext, explain
from ink_builder.buildkit.progress import Step
from ink_builder.diagnosis.judge import judge

OWN = FailureContext("Dockerfile", generated=False)
RUN = 'failed to solve: process "/bin/sh -c make" did not complete successfully: exit code: '
NAME = "docker.io/library/python:9-slim"
IMAGE = f"failed to solve: {NAME}: failed to resolve source metadata for {NAME}: "


@pytest.mark.parametrize(
    ("details", "reason", "words", "infrastructure"),
    [
        (f"{RUN}2", "BuildFailed", "step [2/2] RUN make failed with exit code 2", False),
        (f"{RUN}137", "BuildOutOfMemory", "ran out of memory", False),
        (f"{RUN}137: cannot allocate memory", "BuildOutOfMemory", "ran out of memory", False),
        (
            "failed to solve: failed to read dockerfile: open Dockerfile: no such file or directory",
            "DockerfileNotFound",
            "no Dockerfile",
            False,
        ),
        (
            f"{IMAGE}docker.io/library/python:9-slim: not found",
            "BaseImageNotFound",
            "docker.io/library/python:9-slim was not found",
            False,
        ),
        (f"{IMAGE}pull access denied, repository does not exist", "BaseImageNotFound", "was not found", False),
        (
            f'{IMAGE}failed to do request: Head "https://x/v2/": dial tcp 10.0.0.1:443: connect: connection refused',
            "BuildInfrastructure",
            "could not finish",
            True,
        ),
        (
            f'{IMAGE}failed to do request: Head "https://x/v2/": dial tcp: lookup x: no such host',
            "BuildInfrastructure",
            "could not finish",
            True,
        ),
        (
            'failed to compute cache key: failed to calculate checksum of ref abc::def: "/src": not found',
            "FileNotFound",
            "copies /src",
            False,
        ),
        ('failed to solve: target stage "prod" could not be found', "DockerfileInvalid", "no stage named prod", False),
        (
            "failed to solve: dockerfile parse error on line 1: unknown instruction: FORM",
            "DockerfileInvalid",
            "unknown instruction: FORM",
            False,
        ),
        (
            "failed to solve: failed to push r/t/s:1: unexpected status from PUT request: 500",
            "BuildInfrastructure",
            "pushed",
            True,
        ),
        (
            "failed to solve: failed to push r/t/s:1: unexpected status: 500: no space left on device",
            "RegistryFull",
            "pushed",
            True,
        ),
        (
            "failed to solve: failed to push r/t/s:1: unknown: blob upload unknown to registry",
            "RegistryFull",
            "pushed",
            True,
        ),
        ("failed to solve: write /var/lib/x: no space left on device", "BuildInfrastructure", "could not finish", True),
        ("failed to solve: something new", "BuildFailed", "something new", False),
    ],
)
def test_reasons(details: str, reason: str, words: str, infrastructure: bool) -> None:
    step = Step(1, name="[2/2] RUN make") if "process" in details else None
    error = explain(details, step, OWN)
    assert (error.reason, error.infrastructure) == (reason, infrastructure)
    assert words in str(error)


def test_the_last_lines_of_the_step_are_shown() -> None:
    step = Step(1, name="RUN make")
    step.lines.extend(f"line {n}" for n in range(100))
    lines = explain(f"{RUN}1", step, OWN).lines
    assert (len(lines), lines[-1]) == (20, "line 99")


def test_a_broken_generated_dockerfile_is_no_fault_of_the_user() -> None:
    error = explain(
        "failed to solve: dockerfile parse error on line 1: x", None, FailureContext("Dockerfile", generated=True)
    )
    assert error.infrastructure


SCANNER = "docker.io/ink/sbom-scanner:1"
SCANNED = FailureContext("Dockerfile", generated=False, scanner=SCANNER)


@pytest.mark.parametrize(
    ("details", "name"),
    [
        (f"{RUN}137", f"[linux/amd64] generating sbom using {SCANNER}@sha256:ab"),
        (f"failed to solve: failed to resolve source metadata for {SCANNER}: not found", ""),
    ],
)
def test_a_scanner_that_does_not_run_is_the_platforms(details: str, name: str) -> None:
    error = explain(details, Step(1, name=name) if name else None, SCANNED)
    assert (error.reason, error.infrastructure) == ("BuildInfrastructure", True)
    assert SCANNER in str(error)


def test_a_step_that_only_speaks_of_the_scanner_is_the_users() -> None:
    for said in (f"[2/2] RUN generating sbom using {SCANNER}", f"[generating 2/2] RUN echo {SCANNER}"):
        assert explain(f"{RUN}1", Step(1, name=said), SCANNED).reason == "BuildFailed"


@pytest.mark.parametrize(
    ("details", "said", "words"),
    [
        (f"{RUN}1", ["exec /bin/sh: exec format error"], "another processor architecture"),
        (f"{RUN}126", ["/bin/sh: ./tool: Exec format error"], "another processor architecture"),
        (f"{RUN}1: exec /tool: exec format error", [], "another processor architecture"),
        (
            "failed to solve: failed to resolve source metadata for docker.io/library/x:1: no match for platform in"
            " manifest: not found",
            [],
            "not available for this platform",
        ),
    ],
)
def test_another_processor_has_a_name_of_its_own(details: str, said: list[str], words: str) -> None:
    step = Step(1, name="[2/2] RUN make")
    step.lines.extend(said)
    error = explain(details, step, OWN)
    assert (error.reason, error.infrastructure) == ("PlatformUnavailable", False)
    assert words in str(error)
    asked = explain(details, step, FailureContext("Dockerfile", generated=True, platform="linux/arm64"))
    assert "this installation builds for linux/arm64: builders.platform" in str(asked)


def test_what_a_planned_build_did_not_leave_is_no_matter_of_a_dockerfile() -> None:
    details = 'failed to solve: failed to calculate checksum of ref a::b: "/app/out": not found'
    planned = explain(details, None, FailureContext("Dockerfile", generated=True))
    assert (planned.reason, "Dockerfile" in str(planned)) == ("FileNotFound", False)
    assert "did not create out: set build.publishDirectory" in str(planned)
    assert "Dockerfile copies /app/out" in str(explain(details, None, OWN))


@pytest.mark.parametrize(
    ("line", "reason", "words"),
    [
        ("  code: 'ERR_OSSL_EVP_UNSUPPORTED'", "VersionMismatch", "NODE_OPTIONS=--openssl-legacy-provider"),
        (
            "Error [ERR_PACKAGE_PATH_NOT_EXPORTED]: Package subpath './lib/tokenize' is not defined by \"exports\" in"
            " /app/node_modules/postcss-safe-parser/node_modules/postcss/package.json",
            "VersionMismatch",
            "./lib/tokenize of postcss",
        ),
        (
            'Error  Could not find TypeScript configuration file "tsconfig.json". Please, ensure that you are',
            "FileNotFound",
            "there is no tsconfig.json",
        ),
        (
            "tsconfig.json(1,10): error TS18002: The 'files' list in config file '/app/tsconfig.json' is empty.",
            "CompileFailed",
            "The 'files' list in config file",
        ),
        ("error TS18003: No inputs were found in config file '/app/tsconfig.json'.", "CompileFailed", "TS18003"),
        ("tsc: The TypeScript Compiler - Version 5.9.3", "FileNotFound", "npx tsc --init"),
        (
            "error during build:\nsrc/App.js (1:17): Expression expected",
            "CompileFailed",
            "src/App.js line 1 is not valid: Expression expected",
        ),
        (
            '/app/src/App.jsx:3:10: ERROR: Expected ";" but found "x"',
            "CompileFailed",
            'src/App.jsx line 3 is not valid: Expected ";"',
        ),
        (
            "❌ Invalid environment variables: { VITE_API_URL: [ 'Required' ] }",
            "BuildVariableMissing",
            "the variable VITE_API_URL",
        ),
    ],
)
def test_words_of_the_tools_of_node(line: str, reason: str, words: str) -> None:
    found = judge(["> app@1.0.0 build", *line.splitlines(), "error Command failed with exit code 1."])
    assert found is not None
    assert found.reason == reason
    assert words in found.message
