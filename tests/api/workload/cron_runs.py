"""Runs of cron jobs: their controller starts them at full minutes, and a test that plays the node ends them.

A minute is long, so each story is told in a thread of its own while other tests run.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from ink_api.reasons import Reason
from support.cluster.kube_api import Json, managed_namespace
from support.outside.platform import condition
from support.played.node import terminated, waiting
from support.played.world import WITHIN_SECONDS, PlayedWorld
from support.resources.specs import path_of
from support.waiting import eventually

EVERY_MINUTE = {"schedule": "* * * * *", "retries": 0}
STARTS_SECONDS = 150
"""The next full minute, and a machine that is busy."""


class NotAwaited(Exception):
    """The tests are over before the story is."""


@dataclass
class CronRuns:
    """A service in a namespace of its own for each story."""

    world: PlayedWorld
    over: threading.Event = field(default_factory=threading.Event)
    stories: dict[Reason, Future[None]] = field(default_factory=dict)

    def namespace(self) -> str:
        """One with a service that runs every minute."""
        name = f"cron-{secrets.token_hex(4)}"
        managed_namespace(self.world.api, name)
        self.world.create(name, cron=EVERY_MINUTE)
        return name

    def wait(self, check: Callable[[], Json | bool | None], what: str, within: float = WITHIN_SECONDS) -> Json:
        def checked() -> Json | bool | None:
            if self.over.is_set():
                raise NotAwaited(what)
            return check()

        found = eventually(checked, within=within, what=what, state=self.world.operator.tail)
        return found if isinstance(found, dict) else {}

    def run_of(self, namespace: str) -> Json:
        """A pod of a run, once the schedule has started one."""
        path = f"/api/v1/namespaces/{namespace}/pods?labelSelector=ml.ink/component=cron"

        def there() -> Json | None:
            return next((p for p in self.world.api.get(path)["items"] if p["status"].get("phase") == "Pending"), None)

        return self.wait(there, "a run is started", STARTS_SECONDS)

    def says(self, pod: Json, phase: str, container: Json) -> None:
        """What the kubelet would."""
        fixed = {"name": "app", "image": pod["spec"]["containers"][0]["image"], "imageID": "", "ready": False}
        path = "/api/v1/namespaces/{namespace}/pods/{name}/status".format(**pod["metadata"])
        self.world.api.merge(path, {"status": {"phase": phase, "containerStatuses": [{**fixed, **container}]}})


def ends(runs: CronRuns, namespace: str, reason: Reason, phase: str, code: int) -> None:
    """The last run is told, and the schedule stays ready."""
    runs.says(runs.run_of(namespace), phase, {"state": {"terminated": terminated(code)}, "restartCount": 0})
    runs.wait(
        lambda: condition(runs.world.found(namespace), "LastRunSucceeded").get("reason") == reason,
        f"the last run is {reason}",
    )
    found = runs.world.wait_for(Reason.READY, namespace)
    assert condition(found, "LastRunSucceeded")["status"] == ("False" if code else "True"), found["status"]
    assert runs.world.kstatus.one(found) == "Current", found["status"]


def waits_for_its_image(runs: CronRuns, namespace: str) -> None:
    """By the policy Forbid it would keep every later run from starting until its time is over, an hour."""
    world, pod = runs.world, runs.run_of(namespace)
    runs.says(pod, "Pending", waiting("ImagePullBackOff"))
    found = world.wait_for(Reason.IMAGE_PULL_FAILED, namespace)
    assert "No other run starts" in condition(found, "Ready")["message"], found["status"]
    assert world.kstatus.one(found) == "Failed", found["status"]
    (run,) = pod["metadata"]["ownerReferences"]
    job = f"/apis/batch/v1/namespaces/{namespace}/jobs/{run['name']}"
    assert world.api.find(job), "its image may still come"
    mended = {"spec": {"source": {"image": {"ref": "registry.example.com/shop:2"}}}}
    world.api.merge(f"{path_of('InkService', namespace)}/shop", mended)
    world.wait_for(Reason.READY, namespace)
    runs.wait(lambda: world.api.find(job) is None, "the stuck run goes")
    newer = runs.run_of(namespace)["spec"]["containers"][0]["image"]
    assert newer == "registry.example.com/shop:2", newer


@contextmanager
def cron_runs(world: PlayedWorld) -> Iterator[CronRuns]:
    """All stories, begun."""
    runs = CronRuns(world)
    with ThreadPoolExecutor() as pool:
        told = {
            Reason.RUN_SUCCEEDED: (ends, Reason.RUN_SUCCEEDED, "Succeeded", 0),
            Reason.RUN_FAILED: (ends, Reason.RUN_FAILED, "Failed", 3),
            Reason.IMAGE_PULL_FAILED: (waits_for_its_image,),
        }
        for reason, (story, *arguments) in told.items():
            runs.stories[reason] = pool.submit(story, runs, runs.namespace(), *arguments)  # type: ignore[arg-type]
        try:
            yield runs
        finally:
            runs.over.set()
