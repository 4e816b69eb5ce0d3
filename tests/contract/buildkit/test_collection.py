"""Builds while the registry is cleaned up: they wait with their push, and lose nothing."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.building import daemons as build_daemons
from support.building.daemons import program
from support.building.registry_pod import RegistryPod, registry_pod
from support.waiting import eventually

from .conftest import Stack

SHELL = 'FROM scratch\nCOPY busybox /bin/busybox\nCOPY busybox /bin/sh\nSHELL ["/bin/sh", "-c"]\n'
SERVICES = 4
NO_PUSH = "the registry takes no pushes at the moment"


@dataclass
class Cleaned:
    """A stack whose registry collects when it is told to, and no sooner ends than it may."""

    stack: Stack
    pod: RegistryPod
    gate: Path
    """While it exists a collection does not end."""

    def variables(self, name: str, shell: bytes, **changes: str) -> dict[str, str]:
        dockerfile = SHELL + f"RUN echo begun {name}; /bin/busybox head -c 300000 /dev/urandom > /{name}\n"
        commit = self.stack.git.commit(name, {"Dockerfile": dockerfile, "busybox": shell})
        return self.stack.variables(name, name, commit, **changes)

    def closed(self) -> None:
        """From now on no push is taken."""
        self.gate.touch()
        self.pod.signal(signal.SIGUSR1)
        eventually(self._takes_no_push, within=60, what="the registry is read-only", state=self.pod.log)

    def _takes_no_push(self) -> bool:
        with contextlib.suppress(OSError):  # it starts anew, and for a moment nobody listens
            return self.pod.get("/v2/x/blobs/uploads/", self.pod.token("x"), "POST")[0] == 405
        return False


@pytest.fixture
def cleaned(stack: Stack, tmp_path: Path) -> Iterator[Cleaned]:
    gate, wrapper = tmp_path / "gate", tmp_path / "registry-program"
    wrapper.write_text(
        "#!/bin/sh\n"
        f'if [ "$1" = garbage-collect ]; then while [ -e {gate} ]; do sleep 0.1; done; fi\n'
        f'exec {program("docker-registry")} "$@"\n'
    )
    wrapper.chmod(0o755)
    with (
        registry_pod(tmp_path / "pod", str(wrapper)) as pod,
        build_daemons.buildkitd(tmp_path / "daemon", [pod.host]) as daemon,
    ):
        yield Cleaned(dataclasses.replace(stack, registry=pod, daemon=daemon), pod, gate)


def until(process: subprocess.Popen[str], words: str) -> str:
    assert process.stdout
    log = ""
    while words not in log:
        line = process.stdout.readline()
        assert line, log
        log += line
    return log


@pytest.mark.parametrize("no_cache", ["", "1"])
def test_a_build_waits_with_its_push_and_builds_nothing_twice(cleaned: Cleaned, shell: bytes, no_cache: str) -> None:
    cleaned.closed()
    process, verdict = cleaned.stack.start(cleaned.variables("waits", shell, INK_NO_CACHE=no_cache))
    log = until(process, NO_PUSH)
    cleaned.gate.unlink()
    outcome = cleaned.stack.finish(process, verdict)
    log += outcome.log
    assert outcome.code == 0, log
    assert len(re.findall(r"\| begun waits", log)) == 1, log
    assert cleaned.pod.pull("tenant/waits", outcome.verdict["digest"])


def test_a_registry_that_stays_so_is_no_fault_of_the_user(cleaned: Cleaned, shell: bytes) -> None:
    cleaned.closed()
    variables = cleaned.variables("given-up", shell, INK_PUSH_PATIENCE_SECONDS="1")
    outcome = cleaned.stack.finish(*cleaned.stack.start(variables))
    assert (outcome.code, outcome.reason) == (75, "BuildInfrastructure"), outcome.log
    assert "could not be pushed" in outcome.message
    (line, *_) = [line for line in outcome.log.splitlines() if NO_PUSH in line]
    assert "405 Method Not Allowed" in line, line
    print(line)


def test_a_time_limit_that_ends_the_waiting_is_none_either(cleaned: Cleaned, shell: bytes) -> None:
    cleaned.closed()
    outcome = cleaned.stack.finish(*cleaned.stack.start(cleaned.variables("too-late", shell, INK_TIMEOUT_SECONDS="20")))
    assert (outcome.code, outcome.reason) == (75, "BuildInfrastructure"), outcome.log
    assert "did not take it" in outcome.message


def test_layers_that_were_pushed_before_a_collection_come_again(cleaned: Cleaned, shell: bytes) -> None:
    """BuildKit's second push of an image whose layers went meanwhile sends them again."""
    variables = cleaned.variables("again", shell)
    first = cleaned.stack.finish(*cleaned.stack.start(variables))
    assert first.code == 0, first.log
    token = cleaned.pod.token("tenant/again", actions=("pull", "push", "delete"))
    place = f"/v2/tenant/again/manifests/{first.verdict['digest']}"
    assert cleaned.pod.get(place, token, "DELETE")[0] == 202
    cleaned.pod.collect()
    second = cleaned.stack.finish(*cleaned.stack.start(variables))
    assert second.code == 0, second.log
    assert second.verdict["digest"] == first.verdict["digest"]
    assert cleaned.pod.pull("tenant/again", second.verdict["digest"])


def test_builds_that_push_while_blobs_are_collected_all_arrive(cleaned: Cleaned, shell: bytes) -> None:
    running = [cleaned.stack.start(cleaned.variables(f"beside{n}", shell)) for n in range(SERVICES)]
    while any(process.poll() is None for process, _ in running):
        cleaned.pod.collect()
    for number, (process, verdict) in enumerate(running):
        outcome = cleaned.stack.finish(process, verdict)
        assert outcome.code == 0, outcome.log
        assert cleaned.pod.pull(f"tenant/beside{number}", outcome.verdict["digest"])
