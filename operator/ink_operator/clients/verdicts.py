"""Verdicts of running builds, from the logs that builders push beside their images.

The kubelet checks once a second whether a container has ended, and reports it to the API server after that. The builder
pushes its log to the registry before it ends, with the verdict, which can be read there half a second earlier. This is
only faster: a verdict that is missed here comes with the pod's end.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from ink_api.group import ANNOTATION_JOB_UID, ANNOTATION_VERDICT

from ink_operator.core.errors import Transient
from ink_operator.core.objects import Key
from ink_operator.ports import Wakeups

log = logging.getLogger(__name__)
FIRST_POLL_SECONDS = 0.5
"""No build ends sooner."""
POLL_SECONDS = 0.1
"""Between two requests for the only build; several builds take turns."""
AGE_SHARE = 0.05
"""Share of the build's age: a build that takes minutes is polled every few seconds."""
FORGET_SECONDS = 90.0
"""A build that nobody has asked about for this long is forgotten."""


class TagAnnotations(Protocol):
    """Where build logs are stored: RegistryClient."""

    async def annotations(self, repository: str, tag: str) -> dict[str, Any] | None:
        """The annotations of a manifest; None if there is no such tag."""
        ...


@dataclass(slots=True)
class AwaitedBuild:
    """A build whose verdict is awaited."""

    key: Key
    repository: str
    name: str
    begun: float
    asked: float
    due: float
    text: str | None = None
    """Its verdict: "" if its log has none, None while there is no log."""


class RegistryVerdicts:
    """Implements ports.EarlyVerdicts. `run` polls the registry, one request at a time."""

    def __init__(self, registry: TagAnnotations, wakeups: Wakeups, clock: Callable[[], float] = time.monotonic) -> None:
        self._registry, self._wakeups, self._clock = registry, wakeups, clock
        self._builds: dict[str, AwaitedBuild] = {}
        self._more = asyncio.Event()

    def early(self, key: Key, repository: str, build: str, uid: str) -> str:
        """The verdict, or "" while it is not known."""
        now = self._clock()
        known = self._builds.get(uid)
        if known is None:
            known = self._builds[uid] = AwaitedBuild(key, repository, build, now, now, now + FIRST_POLL_SECONDS)
            self._more.set()
        known.asked = now
        return known.text or ""

    async def run(self) -> None:
        """Poll while there are builds to poll for, until cancelled."""
        while True:
            self._more.clear()
            await self.poll()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._wait()):
                    await self._more.wait()

    async def poll(self) -> None:
        """Ask for each build that is due."""
        now = self._clock()
        self._builds = {uid: build for uid, build in self._builds.items() if now - build.asked < FORGET_SECONDS}
        waiting = {uid: build for uid, build in self._builds.items() if build.text is None}
        for uid, build in waiting.items():
            if build.due <= now:
                await self._ask(uid, build)
                age = self._clock() - build.begun
                build.due = self._clock() + max(POLL_SECONDS * len(waiting), AGE_SHARE * age)

    def _wait(self) -> float | None:
        """Seconds until the next build is due; None when there is none."""
        due = [build.due for build in self._builds.values() if build.text is None]
        return max(0.0, min(due) - self._clock()) if due else None

    async def _ask(self, uid: str, build: AwaitedBuild) -> None:
        try:
            notes = await self._registry.annotations(build.repository, f"log-{build.name}")
        except Transient:
            return
        except Exception:  # This only saves time, so it must not end the operator.
            log.exception("cannot read the verdict of %s", build.name)
            build.text = ""
            return
        # The log may be that of an earlier Job with the same name, for the same build.
        if notes is None or (ANNOTATION_JOB_UID in notes and notes[ANNOTATION_JOB_UID] != uid):
            return
        build.text = str(notes.get(ANNOTATION_VERDICT) or "")
        if build.text:
            self._wakeups.add(build.key)
