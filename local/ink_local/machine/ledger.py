"""What clusters share of the machine: index numbers, and the settings that the last one to leave puts back.

Kept in /run/ink, so that clusters with different state directories still see each other.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ink_artifacts import files
from ink_artifacts.errors import SetupError

from ink_local.cluster import MAX_CLUSTERS

RUN = Path("/run/ink")
SYSCTLS = ("net/ipv4/ip_forward", "kernel/panic", "kernel/panic_on_oops", "vm/overcommit_memory")
"""The first is ours (outbound traffic of the node); the kubelet sets the others, and they are not namespaced."""


def boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the lock on a cluster's directory. Raises SetupError at once when another run holds it."""
    directory.mkdir(parents=True, exist_ok=True)
    handle = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise SetupError(
            "another run is working on this cluster",
            seen=str(directory),
            remedy="wait until it ends, then run this again",
        ) from None
    finally:
        os.close(handle)


@contextlib.contextmanager
def opened() -> Iterator[dict[str, Any]]:
    """The shared record, locked: {"boot", "sysctls": {name: value}, "directories": [...], "clusters": {index: state}}.

    Changes are written back. It is removed when no cluster is left in it; a record of an earlier boot counts for
    nothing but its directories.
    """
    path = RUN / "machine.json"
    handle = os.open(RUN.parent, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        record: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        if record.get("boot") != boot_id():
            record = {
                "boot": boot_id(),
                "sysctls": {},
                "directories": record.get("directories", []),
                "clusters": {},
            }
        yield record
        if record["clusters"]:
            RUN.mkdir(exist_ok=True)
            files.write(path, json.dumps(record, indent=1), mode=0o644)
            return
        path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            RUN.rmdir()
    finally:
        os.close(handle)


def choose_index(clusters: dict[str, str], state: str, wanted: int | None, *, highest: bool = False) -> int:
    """The index for the cluster whose state directory is `state`: its own, the wanted one, else the lowest free one.

    `highest` takes the highest free one instead: low ones belong to clusters whose ports people type.
    Raises SetupError when the wanted one is another cluster's, or none is free.
    """
    own = next((int(index) for index, path in clusters.items() if path == state), None)
    if own is not None and wanted in {None, own}:
        return own
    if own is not None:
        raise SetupError(
            "the cluster already runs with another index",
            seen=f"index {own}",
            remedy=f"omit the index, or take the cluster down first ({state})",
        )
    if wanted is not None and not 0 <= wanted < MAX_CLUSTERS:
        raise SetupError("there is no such index", seen=str(wanted), remedy=f"use 0 to {MAX_CLUSTERS - 1}")
    free = [index for index in range(MAX_CLUSTERS) if str(index) not in clusters]
    if wanted is not None and wanted not in free:
        raise SetupError(
            "the index belongs to another cluster",
            seen=clusters[str(wanted)],
            remedy="omit the index, or use another one",
        )
    if not free:
        raise SetupError(f"{MAX_CLUSTERS} clusters are up, which is the limit", remedy="take one of them down")
    return free[-1 if highest else 0] if wanted is None else wanted


def note(record: dict[str, Any], mount_points: Iterable[str]) -> None:
    """Remember each shared setting's value, unless an earlier cluster did, and which mount points are made now."""
    for name in SYSCTLS:
        record["sysctls"].setdefault(name, Path("/proc/sys", name).read_text().strip())
    paths = [path for target in mount_points for path in (Path(target), *Path(target).parents)]
    made = {str(path) for path in paths if not path.exists()}
    record["directories"] = sorted(made.union(record["directories"]))


def restore(record: dict[str, Any]) -> None:
    """Put the noted settings back and remove the directories that were made for mounts, if they are empty."""
    for name, value in record["sysctls"].items():
        file = Path("/proc/sys", name)
        if file.read_text().strip() != value:
            file.write_text(value)
    for directory in sorted(record["directories"], key=len, reverse=True):
        with contextlib.suppress(OSError):
            Path(directory).rmdir()
