"""The daemon goes away in the middle of a build."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.building import daemons as build_daemons

from .conftest import Stack

SHELL = 'FROM scratch\nCOPY busybox /bin/busybox\nCOPY busybox /bin/sh\nSHELL ["/bin/sh", "-c"]\n'


@pytest.fixture
def own(stack: Stack, tmp_path: Path) -> Iterator[Stack]:
    """The same world with a daemon that this test may kill."""
    with build_daemons.buildkitd(tmp_path / "daemon", [stack.registry.host]) as daemon:
        yield dataclasses.replace(stack, daemon=daemon)


def _until_begun(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    log = ""
    while "| begun" not in log:
        line = process.stdout.readline()
        assert line, log
        log += line
    return log


def _slow(stack: Stack, name: str, shell: bytes, **changes: str) -> dict[str, str]:
    dockerfile = SHELL + "RUN echo begun; /bin/busybox sleep 2; echo ended\n"
    commit = stack.git.commit(name, {"Dockerfile": dockerfile, "busybox": shell})
    return stack.variables(name, name, commit, **changes)


def test_a_daemon_that_restarts_is_asked_once_more(own: Stack, shell: bytes) -> None:
    process, verdict = own.start(_slow(own, "restarted", shell))
    log = _until_begun(process)
    own.daemon.kill()
    own.daemon.start()
    outcome = own.finish(process, verdict)
    assert outcome.code == 0, log + outcome.log
    assert "connecting again" in outcome.log
    assert "| ended" in outcome.log


def test_a_daemon_that_is_asked_to_end_is_no_fault_of_the_user(own: Stack, shell: bytes) -> None:
    """What a replaced pod does: SIGTERM, and a new one that answers."""
    process, verdict = own.start(_slow(own, "replaced", shell))
    log = _until_begun(process)
    os.killpg(own.daemon.process.popen.pid, signal.SIGTERM)
    own.daemon.process.popen.wait(20)
    own.daemon.start()
    outcome = own.finish(process, verdict)
    assert outcome.code == 0, log + outcome.log


def test_a_daemon_that_dies_again_ends_the_build(own: Stack, shell: bytes) -> None:
    process, verdict = own.start(_slow(own, "dying", shell))
    log = _until_begun(process)
    own.daemon.kill()
    own.daemon.start()
    log += _until_begun(process)
    own.daemon.kill()
    outcome = own.finish(process, verdict)
    assert (outcome.code, outcome.reason) == (75, "BuildInfrastructure"), log + outcome.log
    assert "lost twice" in outcome.message
    own.daemon.start()
    own.daemon.wait()
    assert own.build("afterwards", {"Dockerfile": "FROM scratch\nCOPY . /\n"}).code == 0
