"""Decisions about what clusters share: indexes, leftovers, control groups, processes."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest
from ink_artifacts.errors import SetupError
from ink_local.cluster import MAX_CLUSTERS
from ink_local.machine import cgroups, ledger, proc


def test_the_lowest_free_index_is_taken_and_kept() -> None:
    assert ledger.choose_index({}, "/s/a", None) == 0
    assert ledger.choose_index({"0": "/s/a"}, "/s/b", None) == 1
    assert ledger.choose_index({"0": "/s/a", "1": "/s/b"}, "/s/b", None) == 1
    assert ledger.choose_index({"1": "/s/b"}, "/s/a", None) == 0


def test_control_planes_leave_the_low_indexes_to_whole_nodes() -> None:
    assert ledger.choose_index({"7": "/s/a"}, "/s/b", None, highest=True) == 6


def test_another_clusters_index_is_refused_by_its_name() -> None:
    with pytest.raises(SetupError, match="/s/a"):
        ledger.choose_index({"3": "/s/a"}, "/s/b", 3)


def test_a_running_cluster_does_not_change_its_index() -> None:
    with pytest.raises(SetupError, match="index 3"):
        ledger.choose_index({"3": "/s/a"}, "/s/a", 4)


@pytest.mark.parametrize("wanted", [-1, MAX_CLUSTERS])
def test_an_index_out_of_range_is_refused(wanted: int) -> None:
    with pytest.raises(SetupError, match="use 0 to"):
        ledger.choose_index({}, "/s/a", wanted)


def test_a_full_machine_is_refused() -> None:
    with pytest.raises(SetupError, match="take one of them down"):
        ledger.choose_index({str(i): f"/s/{i}" for i in range(MAX_CLUSTERS)}, "/s/x", None)


def test_the_record_of_an_earlier_boot_counts_for_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "RUN", tmp_path / "ink")
    with ledger.opened() as record:
        record["clusters"]["0"] = "/s/a"
    assert (tmp_path / "ink" / "machine.json").exists()
    monkeypatch.setattr(ledger, "boot_id", lambda: "another boot")
    with ledger.opened() as record:
        assert record["clusters"] == {}
    assert not (tmp_path / "ink").exists()


def test_a_failed_claim_leaves_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "RUN", tmp_path / "ink")

    def claim() -> None:
        with ledger.opened() as record:
            record["clusters"]["0"] = "/s/a"
            ledger.choose_index(record["clusters"], "/s/b", 0)

    with pytest.raises(SetupError):
        claim()
    assert not (tmp_path / "ink").exists()


def test_two_runs_on_one_cluster_exclude_each_other(tmp_path: Path) -> None:
    with ledger.locked(tmp_path / "a"), pytest.raises(SetupError, match="another run"), ledger.locked(tmp_path / "a"):
        pytest.fail("both hold the lock")


V1 = "\n".join(f"cgroup /sys/fs/cgroup/{c} cgroup rw,relatime,{c} 0 0" for c in sorted(cgroups.NEEDED))


def test_cgroup_v1_with_every_controller_is_used() -> None:
    layout = cgroups.layout_of(V1 + "\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n")
    assert not layout.unified
    assert Path("/sys/fs/cgroup/memory") in layout.hierarchies


def test_cgroup_v2_at_its_usual_place_is_used() -> None:
    assert cgroups.layout_of("cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n").unified


@pytest.mark.parametrize("mounts", ["", "\n".join(line for line in V1.splitlines() if "memory" not in line)])
def test_a_layout_without_a_needed_controller_is_refused(mounts: str) -> None:
    with pytest.raises(SetupError, match="mount cgroup"):
        cgroups.layout_of(mounts)


def sleeper(identity: Path, log: Path) -> tuple[subprocess.Popen[bytes], proc.Seen]:
    env = {**os.environ, proc.COMPONENT_VARIABLE: "sleeper"}
    started = proc.spawn(("sleep", "60"), enter=(), identity=identity, log=log, env=env)
    deadline = time.monotonic() + 10
    while (known := proc.read_identity(identity)) is None or proc.command_of(known.pid)[:1] != ["sleep"]:
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.01)
    return started, proc.Seen(known.pid, known)


def test_a_process_writes_its_own_identity_and_is_found_by_it(tmp_path: Path) -> None:
    started, seen = sleeper(tmp_path / "s.id", tmp_path / "s.log")
    try:
        assert seen.pid == started.pid
        assert proc.start_time(seen.pid) == seen.identity.start
        assert proc.component_of(seen.pid) == "sleeper"
    finally:
        proc.end(seen, grace_seconds=5)
    started.wait(5)


def test_a_pid_that_belongs_to_somebody_else_is_left_alone(tmp_path: Path) -> None:
    started, seen = sleeper(tmp_path / "s.id", tmp_path / "s.log")
    stranger = proc.Seen(seen.pid, proc.Identity(seen.pid, seen.identity.start - 1))
    proc.end(stranger, grace_seconds=1)
    assert started.poll() is None
    proc.end(seen, grace_seconds=5)
    started.wait(5)


def test_a_process_that_ignores_the_request_is_forced(tmp_path: Path) -> None:
    env = dict(os.environ)
    argv = ("/bin/sh", "-c", "trap '' TERM; touch ready; while :; do sleep 0.1; done")
    log = tmp_path / "s.log"
    started = proc.spawn(("env", "-C", str(tmp_path), *argv), enter=(), identity=tmp_path / "s.id", log=log, env=env)
    deadline = time.monotonic() + 10
    while not (tmp_path / "ready").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    known = proc.read_identity(tmp_path / "s.id")
    assert known is not None
    proc.end(proc.Seen(known.pid, known), grace_seconds=0.2, group=True)
    assert started.wait(5) == -9
