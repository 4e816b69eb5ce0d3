"""The registry's nightly collection, by the chart's own script and the real program."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from support.building.daemons import program
from support.building.registry_pod import RegistryPod, digest_of, registry_pod
from support.waiting import eventually

COLLECTIONS, PUSHERS = 4, 3


@pytest.fixture
def pod(tmp_path: Path) -> Iterator[RegistryPod]:
    with registry_pod(tmp_path / "pod") as running:
        yield running


def deleted(pod: RegistryPod, repository: str, digest: str) -> int:
    token = pod.token(repository, actions=("pull", "push", "delete"))
    return pod.get(f"/v2/{repository}/manifests/{digest}", token, "DELETE")[0]


class Pusher(threading.Thread):
    """Pushes image after image until told to stop, each as often as it takes, as a builder does."""

    def __init__(self, pod: RegistryPod, name: str) -> None:
        super().__init__(daemon=True)
        self.pod, self.repository = pod, f"acme/shop/{name}"
        self.pushed: dict[str, list[bytes]] = {}
        self.refused = 0
        self.enough = threading.Event()
        self._random = random.Random(name)

    def run(self) -> None:
        while not self.enough.is_set():
            tag, layers = f"t{len(self.pushed)}", [self._random.randbytes(200_000) for _ in range(3)]
            while True:
                try:
                    self.pod.push(self.repository, tag, *layers)
                    break
                except OSError:
                    self.refused += 1
                    time.sleep(0.02)  # the pace of a client
            self.pushed[tag] = layers


def test_no_push_is_lost_while_blobs_are_collected(pod: RegistryPod) -> None:
    live = [b"live" * 1000, b"shared" * 1000]
    pod.push("acme/shop/live", "1", *live)
    old = [b"old" * 1000, b"shared" * 1000]
    assert deleted(pod, "acme/shop/old", pod.push("acme/shop/old", "1", *old)) == 202
    pushers = [Pusher(pod, f"p{n}") for n in range(PUSHERS)]
    for pusher in pushers:
        pusher.start()
    for _ in range(COLLECTIONS):
        before = [len(p.pushed) for p in pushers]
        pod.collect()
        eventually(lambda b=before: all(len(p.pushed) > n for p, n in zip(pushers, b, strict=True)),
                   within=60, what="pushes go on")  # fmt: skip
    for pusher in pushers:
        pusher.enough.set()
    for pusher in pushers:
        pusher.join(60)
        assert not pusher.is_alive()
    pod.collect()
    assert sum(p.refused for p in pushers), "no push met the collection"
    for pusher in pushers:
        for tag, layers in pusher.pushed.items():
            assert pod.pull(pusher.repository, tag) == layers
    assert pod.pull("acme/shop/live", "1") == live
    assert not pod.has_blob(digest_of(old[0]))
    assert "exit code 0" in pod.log()


def test_an_upload_that_began_before_a_collection_ends_after_it(pod: RegistryPod) -> None:
    data = b"begun" * 1000
    place = pod.begin_upload("acme/shop/web")
    pod.collect()
    pod.end_upload("acme/shop/web", place, data)
    assert pod.has_blob(digest_of(data))


def test_while_it_collects_it_serves_and_takes_nothing(tmp_path: Path) -> None:
    with slow_collection(tmp_path, seconds=600) as pod:
        pod.push("acme/shop/web", "1", b"layer")
        pod.signal(signal.SIGUSR1)
        eventually(lambda: begun(pod), within=30, what="it collects", state=pod.log)
        assert pod.get("/v2/acme/shop/web/blobs/uploads/", pod.token("acme/shop/web"), "POST")[0] == 405
        assert deleted(pod, "acme/shop/web", "1") == 405
        assert pod.pull("acme/shop/web", "1") == [b"layer"]


def test_a_container_that_died_in_the_middle_takes_pushes_again(tmp_path: Path) -> None:
    with slow_collection(tmp_path, seconds=600) as pod:
        pod.signal(signal.SIGUSR1)
        eventually(lambda: begun(pod), within=30, what="it collects", state=pod.log)
        pod.kill()
        pod.start()
        eventually(pod.takes_pushes, within=30, what="pushes are taken", state=pod.log)


def test_a_collection_that_hangs_is_ended(tmp_path: Path) -> None:
    with slow_collection(tmp_path, seconds=600, COLLECT_LIMIT_SECONDS="1") as pod:
        pod.collect()
        assert "exit code 0" not in pod.log()


def test_a_pod_that_is_asked_to_end_while_it_collects_ends(tmp_path: Path) -> None:
    with slow_collection(tmp_path, seconds=600) as pod:
        pod.signal(signal.SIGUSR1)
        eventually(lambda: begun(pod), within=30, what="it collects", state=pod.log)
        pod.signal(signal.SIGTERM)
        pod.process.popen.wait(60)


def test_it_ends_when_asked_and_when_its_registry_ends(pod: RegistryPod) -> None:
    pod.signal(signal.SIGTERM)
    assert pod.process.popen.wait(60) == 0
    pod.start()
    children = Path(f"/proc/{pod.process.popen.pid}/task/{pod.process.popen.pid}/children").read_text().split()
    os.kill(int(children[-1]), signal.SIGKILL)
    assert pod.process.popen.wait(60) != 0


def test_the_time_of_day_begins_it(tmp_path: Path) -> None:
    """At a date's clock of its own: two seconds before the time."""
    tools = tmp_path / "tools"
    tools.mkdir()
    date = tools / "date"
    date.write_text('#!/bin/sh\ncase "$*" in *"%H %M %S"*) echo 08 09 58;; *) echo now;; esac\n')
    date.chmod(0o755)
    path = f"{tools}:{os.environ['PATH']}"
    # busybox would answer `date` itself
    with registry_pod(tmp_path / "pod", shell=("sh",), COLLECT_AT="08:10", PATH=path) as pod:
        eventually(lambda: "collected:" in pod.log(), within=60, what="a collection", state=pod.log)


def begun(pod: RegistryPod) -> bool:
    return (pod.directory / "collecting").exists() and _answers_reads(pod)


def _answers_reads(pod: RegistryPod) -> bool:
    try:
        return pod.get("/v2/")[0] == 401
    except OSError:
        return False


def slow_collection(directory: Path, seconds: int, **environment: str) -> AbstractContextManager[RegistryPod]:
    """The real registry with a collector that does not come to its end."""
    where = directory / "pod"
    where.mkdir()
    wrapper = directory / "registry"
    wrapper.write_text(
        "#!/bin/sh\n"
        f'[ "$1" = garbage-collect ] && {{ touch {where}/collecting; exec sleep {seconds}; }}\n'
        f'exec {program("docker-registry")} "$@"\n'
    )
    wrapper.chmod(0o755)
    return registry_pod(where, str(wrapper), **environment)
