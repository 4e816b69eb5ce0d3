"""One buildkitd, registry and git server for these tests, and the builder run against them as its Job would run it."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.building import daemons as build_daemons
from support.building.daemons import BuildKitDaemon, GitServer, Registry

ROOT = Path(__file__).parents[3]
_numbers = itertools.count(1)


@dataclass
class Outcome:
    """How a build ended."""

    code: int
    verdict: dict[str, Any]
    log: str

    @property
    def reason(self) -> str | None:
        return self.verdict.get("reason")

    @property
    def message(self) -> str:
        return str(self.verdict.get("message", ""))


@dataclass
class Stack:
    """Everything that a build talks to."""

    registry: Registry
    daemon: BuildKitDaemon
    git: GitServer
    directory: Path
    hub: str
    """Where docker.io's images are looked for; answers only with the fixture `base_images`."""

    def variables(self, service: str, repository: str, commit: str, **changes: str) -> dict[str, str]:
        """The environment of a build Job."""
        path = f"tenant/{service}"
        base = {
            "INK_BUILD_ID": f"b-{service}",
            "INK_TENANT": "tenant",
            "INK_PROJECT": "default",
            "INK_SERVICE": service,
            "INK_GIT_URL": f"{self.git.url}/{repository}.git",
            "INK_COMMIT": commit,
            "INK_BRANCH": "main",
            "INK_GIT_ALLOWED_PRIVATE": self.git.url,
            "INK_BUILD": "{}",
            "INK_COMMAND": "null",
            "INK_IMAGE": f"{self.registry.host}/{path}:{commit[:12]}-00000000-1",
            "INK_REGISTRY_HOST": self.registry.host,
            "INK_REGISTRY_TOKEN": self.registry.token(path),
            "INK_REGISTRY_INSECURE": "1",
            "INK_BUILDKIT_ADDRESS": self.daemon.address,
            "INK_BUILDKIT_CA": self.daemon.certificates.ca,
            "INK_BUILDKIT_CERT": self.daemon.certificates.client.cert,
            "INK_BUILDKIT_KEY": self.daemon.certificates.client.key,
            "INK_TIMEOUT_SECONDS": "120",
        }
        return {**base, **changes}

    def start(self, variables: dict[str, str]) -> tuple[subprocess.Popen[str], Path]:
        """Start the builder; returns the process and where its verdict will be."""
        verdict = self.directory / f"verdict-{next(_numbers)}"
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "PYTHONPATH": f"{ROOT}/crds:{ROOT}/operator",
            "TMPDIR": str(self.directory),
            "INK_VERDICT_FILE": str(verdict),
            **variables,
        }
        argv = [sys.executable, "-m", "ink_builder"]
        process = subprocess.Popen(
            argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=self.directory
        )
        return process, verdict

    def finish(self, process: subprocess.Popen[str], verdict: Path) -> Outcome:
        """Wait for its end."""
        log, _ = process.communicate(timeout=900)
        return Outcome(process.returncode, json.loads(verdict.read_bytes()), log)

    def build(
        self, service: str, files: dict[str, str | bytes], build: dict[str, Any] | None = None, **changes: str
    ) -> Outcome:
        """Commit `files` and build them; `build` is spec.build."""
        commit = self.git.commit(service, files)
        variables = self.variables(service, service, commit, INK_BUILD=json.dumps(build or {}), **changes)
        return self.finish(*self.start(variables))


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Started once, ended with everything that they started."""
    directory = tmp_path_factory.mktemp("build")
    hub = f"127.0.0.1:{build_daemons.free_port()}"
    with (
        build_daemons.registry(directory / "registry") as registry,
        build_daemons.buildkitd(directory / "buildkit", [registry.host, hub], mirror=hub) as daemon,
        build_daemons.git_server(directory / "git") as git,
    ):
        yield Stack(registry, daemon, git, directory, hub)


@pytest.fixture(scope="session")
def base_images(stack: Stack) -> Iterator[None]:
    """The public base images can be pulled."""
    port = int(stack.hub.rpartition(":")[2])
    with build_daemons.hub(stack.directory / "hub", port):
        yield


@pytest.fixture(scope="session")
def shell() -> bytes:
    """A program that is a whole user land: tests that need a RUN copy it into an empty image."""
    return Path(build_daemons.program("busybox")).read_bytes()
