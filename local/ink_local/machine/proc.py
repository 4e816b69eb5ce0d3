"""Processes of a cluster: started with an identity on disk, found again by it, ended only when it still fits.

A daemon writes its own identity (pid in its pid namespace, start time) before it becomes the program, so there is no
moment at which it runs unrecorded, and a pid that the kernel gave to somebody else is never mistaken for it.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

COMPONENT_VARIABLE = "INK_COMPONENT"

# $0 is the identity file, $1 a colon-separated list of cgroup.procs files to join, the rest the program.
_WRAPPER = """
IFS=:; for procs in $1; do echo 0 > "$procs" || exit 97; done; unset IFS; shift
identify() { echo "$1 ${22}" > "$0"; }
read -r stat < /proc/self/stat && identify $stat && exec "$@"
"""


@dataclass(frozen=True)
class Identity:
    """`pid` counts in the process's own pid namespace; `start` is in clock ticks since the machine's boot."""

    pid: int
    start: int


@dataclass(frozen=True)
class Seen:
    """A running process as /proc shows it now; `pid` is the machine's number for it."""

    pid: int
    identity: Identity


def read_identity(path: Path) -> Identity | None:
    """The identity in `path`; None when there is none or it is not yet written."""
    try:
        pid, start = path.read_text().split()
        return Identity(int(pid), int(start))
    except (OSError, ValueError):
        return None


def spawn(
    argv: Sequence[str],
    *,
    enter: Sequence[str],
    identity: Path,
    log: Path,
    env: Mapping[str, str],
    cgroup_procs: Iterable[Path] = (),
) -> subprocess.Popen[bytes]:
    """Start `argv` through `enter` (an nsenter command line or nothing) in a session of its own, output to `log`."""
    identity.parent.mkdir(parents=True, exist_ok=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    identity.unlink(missing_ok=True)
    joined = ":".join(str(path) for path in cgroup_procs)
    with log.open("ab") as out:
        return subprocess.Popen(
            [*enter, "/bin/sh", "-c", _WRAPPER, str(identity), joined, *argv],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env=dict(env),
            start_new_session=True,
            cwd="/",
        )


def start_time(pid: int) -> int | None:
    """Start time of the machine's process `pid` in clock ticks; None when it is gone or only a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def namespace_of(pid: int, kind: str) -> str | None:
    """What /proc says of a namespace of `pid`, such as `pid:[4026531836]`; None when the process is gone."""
    try:
        return str(Path(f"/proc/{pid}/ns/{kind}").readlink())
    except OSError:
        return None


def in_pid_namespace(namespace: str) -> Iterator[Seen]:
    """Every live process that is in exactly this pid namespace (those of containers below it are not)."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or namespace_of(int(entry.name), "pid") != namespace:
            continue
        start = start_time(int(entry.name))
        with contextlib.suppress(OSError):
            inner = next(line for line in (entry / "status").read_text().splitlines() if line.startswith("NSpid:"))
            if start is not None:
                yield Seen(int(entry.name), Identity(int(inner.split()[-1]), start))


def component_of(pid: int) -> str | None:
    """Name of the component whose environment this process carries; None when it carries none."""
    try:
        variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return None
    prefix = f"{COMPONENT_VARIABLE}=".encode()
    return next((v[len(prefix) :].decode() for v in variables if v.startswith(prefix)), None)


def command_of(pid: int) -> list[str]:
    """The process's command line; empty when it is gone."""
    try:
        return [part.decode(errors="replace") for part in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]]
    except OSError:
        return []


def end(seen: Seen, *, grace_seconds: float, group: bool = False) -> None:
    """Ask the process (or its whole group) to end, then make it; returns when it is gone.

    Nothing is done when the pid now belongs to another process.
    """
    try:
        handle = os.pidfd_open(seen.pid)
    except ProcessLookupError:
        return
    try:
        if start_time(seen.pid) != seen.identity.start:
            return
        group_id = os.getpgid(seen.pid) if group else 0
        for signal_number, seconds in ((signal.SIGTERM, grace_seconds), (signal.SIGKILL, 10.0)):
            if seconds <= 0:
                continue
            with contextlib.suppress(ProcessLookupError):
                if group_id > 1 and group_id != os.getpgrp():
                    os.killpg(group_id, signal_number)
                else:
                    signal.pidfd_send_signal(handle, signal_number)
            if select.select([handle], [], [], seconds)[0]:
                return
    except ProcessLookupError:
        return
    finally:
        os.close(handle)
