"""Bringing a real node up, mending it, and taking it away without a trace."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from ink_local import holder as holders
from ink_local import kube, proc, state
from ink_local.cluster import MAX_CLUSTERS, Cluster
from ink_local.machine import RUN
from ink_local.status import CONTROL_PLANE, NODE
from support.cluster.kubectl import Kubectl
from support.cluster.launcher import Launcher, of_machine, traces_of
from support.waiting import eventually

Launchers = Callable[[str], Launcher]
PLANE_ONLY = "--control-plane-only"
COMPONENTS = (*CONTROL_PLANE, *NODE)


def kill(pid: int) -> None:
    """SIGKILL, and wait until it is gone."""
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: proc.start_time(pid) is None, within=10, what=f"the end of process {pid}")


def inside(cluster: Cluster, *argv: str) -> str:
    """Output of a command in the node's namespaces; its failure is no error."""
    holder = holders.find(cluster)
    assert holder is not None
    done = subprocess.run([*holder.enter(), *argv], capture_output=True, text=True, check=False, timeout=30, cwd="/")
    return done.stdout + done.stderr


def left_nothing(name: str, index: int, before: dict[str, list[str]]) -> None:
    """The cluster is gone without a trace, and all else is as it was."""
    eventually(lambda: not any(traces_of(name, index).values()), within=10, what="the end of every trace")
    now = of_machine()
    assert {part: now[part] for part in now if now[part] and before[part]} == {
        part: before[part] for part in now if now[part] and before[part]
    }


@dataclass(frozen=True)
class Node:
    """A whole node, up for the tests of this module; `before` is the machine as it was without it."""

    launcher: Launcher
    before: dict[str, list[str]]

    @property
    def cluster(self) -> Cluster:
        return state.load(self.launcher.name)


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    launcher = Launcher("boot-test")
    before = of_machine()
    try:
        launcher.must("up")
        yield Node(launcher, before)
    finally:
        launcher.must("down")


def test_a_second_up_restarts_nothing(node: Node) -> None:
    first = node.launcher.status()
    assert first["allWell"], first
    assert all(first["components"][name] for name in COMPONENTS)
    node.launcher.must("up")
    assert node.launcher.status()["components"] == first["components"]


def test_what_must_not_be_reached_ends_in_the_stand_in(node: Node) -> None:
    """Routes first; then packets: every kept-in range is answered by the stand-in, the machine itself by nobody."""
    cluster = node.cluster
    for address in ("10.1.2.3", "172.16.9.9", "192.168.1.1", "100.64.3.3", "169.254.169.254", "198.51.100.8"):
        assert "dev standin" in inside(cluster, "ip", "route", "get", address), inside(cluster, "ip", "-4", "route")
        assert f"reached at {address}:80" in inside(cluster, "curl", "-s", "-m", "5", f"http://{address}/")
    assert "reached at 10.9.8.7:53/udp" in inside(cluster, "sh", "-c", "echo x | socat -t2 - UDP:10.9.8.7:53")
    with socket.create_server((cluster.addresses.host, 0)) as server:
        port = server.getsockname()[1]
        assert "timed out" in inside(cluster, "curl", "-sS", "-m", "2", f"http://{cluster.addresses.host}:{port}/")


def test_without_the_stand_in_private_ranges_are_unreachable(node: Node) -> None:
    kill(node.launcher.status()["components"]["standin"])
    cluster = node.cluster
    eventually(lambda: "standin" not in inside(cluster, "ip", "link"), within=10, what="the end of the stand-in's link")
    assert "No route to host" in inside(cluster, "ip", "route", "get", "10.1.2.3")
    node.launcher.must("up")
    assert "dev standin" in inside(cluster, "ip", "route", "get", "10.1.2.3")


def test_any_dead_component_is_mended(node: Node, choice: random.Random) -> None:
    """Three of them here; all of them in the full run."""
    for name in choice.sample(COMPONENTS, 3):
        mended(node.launcher, name)


@pytest.mark.full
def test_every_dead_component_is_mended(node: Node) -> None:
    for name in COMPONENTS:
        mended(node.launcher, name)


def test_kept_data_comes_back_and_down_leaves_nothing(node: Node) -> None:
    """The last test of the node: it takes it down twice."""
    kubectl = Kubectl(node.cluster.kubeconfig)
    kubectl.run("create", "namespace", "kept")
    node.launcher.must("down", "--keep")
    node.launcher.must("up")
    assert kubectl.get("namespace", "kept")

    index = node.cluster.index
    assert all(traces_of("boot-test", index).values()), "the traces are not what this test thinks"
    node.launcher.must("down")
    left_nothing("boot-test", index, node.before)
    code, _, said = node.launcher.run("status")
    assert code == 1
    assert "there is no cluster" in said


def mended(launcher: Launcher, name: str) -> None:
    """Kill one component: up brings it back and leaves the others alone."""
    before = launcher.status()["components"]
    kill(before[name])
    assert launcher.run("status")[0] == 1, f"status does not see that {name} is dead"
    launcher.must("up")
    after = launcher.status()
    assert after["allWell"], (name, after)
    assert {n for n in before if before[n] != after["components"][n]} == {name}


def test_a_launcher_killed_at_any_moment_is_followed_by_a_good_up(
    launcher_of: Launchers, choice: random.Random
) -> None:
    killed_midway(launcher_of("kill-test"), [choice.uniform(0.3, 6.0) for _ in range(2)], PLANE_ONLY)


@pytest.mark.full
def test_a_whole_boot_killed_at_many_moments_is_followed_by_a_good_up(launcher_of: Launchers) -> None:
    killed_midway(launcher_of("kill-test"), [0.5, 0.9, 1.2, 1.6, 2.0, 3.0, 4.0, 5.0, 7.0, 9.0])


def killed_midway(launcher: Launcher, moments: list[float], *flags: str) -> None:
    """SIGKILL the launcher after each of these seconds; another up succeeds, and down leaves nothing."""
    before = of_machine()
    for seconds in moments:
        process = launcher.start("up", *flags)
        try:
            process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        launcher.must("up", *flags)
        assert launcher.status()["allWell"], seconds
        index = state.load(launcher.name).index
        launcher.must("down")
        left_nothing(launcher.name, index, before)


@pytest.mark.full
def test_data_outlives_down_only_when_it_is_kept(launcher_of: Launchers) -> None:
    launcher = launcher_of("keep-test")
    launcher.must("up", PLANE_ONLY)
    cluster = state.load("keep-test")
    Kubectl(cluster.kubeconfig).run("create", "namespace", "kept")
    launcher.must("down", "--keep")
    launcher.must("up", PLANE_ONLY)
    assert kube.api_object(cluster, "/api/v1/namespaces/kept")
    launcher.must("down")
    launcher.must("up", PLANE_ONLY)
    assert kube.api_object(cluster, "/api/v1/namespaces/kept") is None


def test_a_taken_port_is_refused_before_anything_is_changed(launcher_of: Launchers) -> None:
    launcher = launcher_of("port-test")
    before = of_machine()
    index = free_index()
    port = Cluster("port-test", index, Path("/")).apps_port
    with socket.create_server(("127.0.0.1", port)):
        code, _, said = launcher.run("up", "--index", str(index))
    assert code == 1
    assert f"port {port} on 127.0.0.1 is taken" in said
    assert "--index" in said
    now = of_machine()
    alike = now if now["others"] == before["others"] else now.keys() - {"others", "directories", "settings"}
    assert {part: now[part] for part in alike} == {part: before[part] for part in alike}


def free_index() -> int:
    """An index that no running cluster has."""
    record = RUN / "machine.json"
    taken = json.loads(record.read_text())["clusters"] if record.exists() else {}
    return next(index for index in range(MAX_CLUSTERS) if str(index) not in taken)


def test_without_root_it_is_refused() -> None:
    done = subprocess.run(
        ["setpriv", "--reuid", "65534", "--clear-groups", sys.executable, "-c", REFUSAL],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": ":".join(sys.path), "INK_STATE": "/nonexistent"},
    )
    assert "the local cluster needs root (seen: uid 65534). To mend it: run the same with sudo -E" in done.stdout, done


REFUSAL = """
from ink_local import preflight
from ink_local.errors import LocalError
try:
    preflight.check_privilege()
except LocalError as refusal:
    print(refusal)
"""


@pytest.fixture(scope="module")
def plane() -> Iterator[Launcher]:
    """A control plane for the tests that need no other."""
    launcher = Launcher("plane-test")
    try:
        launcher.must("up", PLANE_ONLY)
        yield launcher
    finally:
        launcher.must("down")


def test_a_running_cluster_is_not_turned_into_another_kind(plane: Launcher) -> None:
    code, _, said = plane.run("up")
    assert code == 1
    assert "only a control plane" in said
    assert plane.status()["allWell"]


def test_logs_and_kubeconfig_are_shown(plane: Launcher) -> None:
    assert Path(plane.must("kubeconfig").strip()).read_text().startswith("apiVersion: v1")
    assert "apiserver" in plane.must("logs")
    assert plane.must("logs", "apiserver")
    assert "choose from" in plane.run("logs", "nothing")[2]


def test_a_killed_holder_is_noticed_and_the_boot_begins_anew(plane: Launcher) -> None:
    kill(plane.status()["components"]["holder"])
    plane.must("up", PLANE_ONLY)
    assert plane.status()["allWell"]


def test_two_clusters_live_side_by_side(plane: Launcher, launcher_of: Launchers) -> None:
    """The last test of the control plane: it takes it down."""
    two = launcher_of("side-two")
    two.must("up", PLANE_ONLY)
    first, second = state.load(plane.name), state.load("side-two")
    Kubectl(first.kubeconfig).run("create", "namespace", "only-here")
    assert kube.api_object(first, "/api/v1/namespaces/only-here")
    assert kube.api_object(second, "/api/v1/namespaces/only-here") is None
    plane.must("down")
    assert two.status()["allWell"], "taking one down hurt the other"
