"""Verdicts of running builds, from the logs that builders leave beside their images.

The kubelet looks once a second whether a container has ended, and tells the API server after that. The builder keeps
its log in the registry before it ends, and the log says how it ended: whoever looks there knows half a second sooner.
Nothing depends on it: what is not seen here is seen at the pod's end.
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
FIRST_SECONDS = 0.5
"""No builder ends sooner."""
EACH_SECONDS = 0.1
"""Between two looks at one build while it is the only one; with others it takes turns."""
SHARE = 0.05
"""Of its age so far: a build that takes minutes is looked at every few seconds."""
UNASKED_SECONDS = 90.0
"""A build that nobody asks for any longer is forgotten."""


class Notes(Protocol):
    """Where kept logs lie: RegistryClient."""

    async def annotations(self, repository: str, tag: str) -> dict[str, Any] | None:
        """Those of a manifest; None when there is none of that tag."""
        ...


@dataclass(slots=True)
class Build:
    """One that somebody waits for."""

    key: Key
    repository: str
    name: str
    begun: float
    asked: float
    due: float
    text: str | None = None
    """What is known of its end: "" when its log says nothing of it."""


class KeptVerdicts:
    """Implements ports.Verdicts. `run` does the looking, one request at a time."""

    def __init__(self, notes: Notes, wakeups: Wakeups, clock: Callable[[], float] = time.monotonic) -> None:
        self._notes, self._wakeups, self._clock = notes, wakeups, clock
        self._builds: dict[str, Build] = {}
        self._more = asyncio.Event()

    def told(self, key: Key, repository: str, build: str, uid: str) -> str:
        """The verdict, or "" while it is not known."""
        now = self._clock()
        known = self._builds.get(uid)
        if known is None:
            known = self._builds[uid] = Build(key, repository, build, now, now, now + FIRST_SECONDS)
            self._more.set()
        known.asked = now
        return known.text or ""

    async def run(self) -> None:
        """Look, for as long as there are builds to look for; until it is cancelled."""
        while True:
            self._more.clear()
            await self.look()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._wait()):
                    await self._more.wait()

    async def look(self) -> None:
        """At each build that is due."""
        now = self._clock()
        self._builds = {uid: build for uid, build in self._builds.items() if now - build.asked < UNASKED_SECONDS}
        waiting = {uid: build for uid, build in self._builds.items() if build.text is None}
        for uid, build in waiting.items():
            if build.due <= now:
                await self._ask(uid, build)
                age = self._clock() - build.begun
                build.due = self._clock() + max(EACH_SECONDS * len(waiting), SHARE * age)

    def _wait(self) -> float | None:
        """Seconds until the next build is due; None when there is none."""
        due = [build.due for build in self._builds.values() if build.text is None]
        return max(0.0, min(due) - self._clock()) if due else None

    async def _ask(self, uid: str, build: Build) -> None:
        try:
            notes = await self._notes.annotations(build.repository, f"log-{build.name}")
        except Transient:
            return
        except Exception:  # what only spares time must not end the operator
            log.exception("the verdict of %s cannot be looked for", build.name)
            build.text = ""
            return
        # A log of that name may be an earlier Job's, of a build that was made once and is made again.
        if notes is None or (ANNOTATION_JOB_UID in notes and notes[ANNOTATION_JOB_UID] != uid):
            return
        build.text = str(notes.get(ANNOTATION_VERDICT) or "")
        if build.text:
            self._wakeups.add(build.key)
