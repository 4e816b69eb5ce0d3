"""The daemon's progress messages as log lines; the last lines of each step are stored."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

STORED_LINES = 400
"""Of a step that runs or has failed: the decisive line is often far above the end."""
_QUIET = ("[internal]", "[auth]")
_QUIET_SECONDS = 0.5
_CANCELLED = "context canceled"
_LARGE_BYTES = 5_000_000
_PAUSE_SECONDS = 5.0
_SILENT_SECONDS = 30.0
_MAX_NAME_CHARS = 200
_MAX_PARTIAL_CHARS = 16_384
"""Of a line that does not end; many times what is shown of a line."""
_SHOWN_PARTS = frozenset({"exporting layers", "pushing layers"})


@dataclass
class Step:
    """One step of the build (BuildKit's vertex). Times are in seconds since the epoch; 0 means not yet."""

    number: int
    name: str = ""
    started: float = 0.0
    completed: float = 0.0
    cached: bool = False
    error: str = ""
    announced: bool = False
    ended: bool = False
    last_mention: float = 0.0
    """When the log last mentioned it."""
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=STORED_LINES))
    partial: dict[int, str] = field(default_factory=dict)

    @property
    def is_quiet(self) -> bool:
        """BuildKit's internal steps, which are logged only when they fail or take long."""
        return self.name.startswith(_QUIET)


class Progress:
    """Turns status messages into log lines, which go to `write(text, important)`."""

    def __init__(self, write: Callable[[str, bool], None], tidy: Callable[[str], str] = str) -> None:
        self._write = write
        self._tidy = tidy
        self._steps: dict[str, Step] = {}
        self._shown: set[tuple[str, str]] = set()

    def feed(self, update: Any) -> None:
        """Take one StatusResponse."""
        for vertex in update.vertexes:
            self._vertex(vertex)
        for status in update.statuses:
            self._status(status)
        for log in update.logs:
            self._log(log)
        for warning in update.warnings:
            self._write(f"warning: {warning.short.decode(errors='replace')}", False)

    def failed(self) -> Step | None:
        """The step that made the build fail: the last one with an error that is not the consequence of another's."""
        broken = [s for s in self._steps.values() if s.error and _CANCELLED not in s.error]
        return max(broken, key=lambda step: step.completed, default=None)

    def running(self) -> Step | None:
        """The step that has been running for longest, or was when the build was ended: what it was waiting for."""
        open_steps = [
            step
            for step in self._steps.values()
            if step.started and not step.is_quiet and (not step.completed or _CANCELLED in step.error)
        ]
        return min(open_steps, key=lambda step: step.started, default=None)

    def close(self) -> None:
        """Print what was left without an end of line."""
        for step in self._steps.values():
            self._flush(step)

    def _step(self, digest: str) -> Step:
        if digest not in self._steps:
            self._steps[digest] = Step(number=len(self._steps) + 1)
        return self._steps[digest]

    def _vertex(self, vertex: Any) -> None:
        step = self._step(vertex.digest)
        step.name = self._tidy(vertex.name)[:_MAX_NAME_CHARS]
        step.cached = step.cached or vertex.cached
        step.error = vertex.error or step.error
        if vertex.HasField("started"):
            step.started = _seconds(vertex.started)
            self._announce(step)
        if vertex.HasField("completed"):
            step.completed = _seconds(vertex.completed)
            self._end(step)

    def _announce(self, step: Step) -> None:
        if not step.announced and not step.is_quiet:
            step.announced = True
            self._write(f"#{step.number} {step.name}", False)

    def _end(self, step: Step) -> None:
        if step.ended:
            return
        step.ended = True
        self._flush(step)
        lasted = max(step.completed - step.started, 0.0)
        if not step.error:
            step.lines.clear()
        if step.error:
            self._write(f"#{step.number} {step.name} failed after {lasted:.1f} s: {step.error}", True)
        elif step.cached and not step.is_quiet:
            self._write(f"#{step.number} cached", False)
        elif not step.is_quiet:
            self._write(f"#{step.number} done in {lasted:.1f} s", False)
        elif lasted >= _QUIET_SECONDS:
            self._write(f"#{step.number} {step.name} took {lasted:.1f} s", False)

    def _status(self, status: Any) -> None:
        """The two parts of the export that may take long; the progress of every download would only fill the log."""
        step = self._step(status.vertex)
        if not status.HasField("completed"):
            self._transfer(step, status)
            return
        if (status.vertex, status.ID) in self._shown:
            return
        if status.ID in _SHOWN_PARTS:
            self._shown.add((status.vertex, status.ID))
            lasted = _seconds(status.completed) - _seconds(status.started)
            self._write(f"#{step.number} | {self._tidy(status.ID)} {max(lasted, 0.0):.1f} s", False)

    def _transfer(self, step: Step, status: Any) -> None:
        """The progress of large transfers, now and then."""
        now = _seconds(status.timestamp)
        if status.total >= _LARGE_BYTES and now - max(step.last_mention, _seconds(status.started)) >= _PAUSE_SECONDS:
            step.last_mention = now
            done, whole = status.current / 1e6, status.total / 1e6
            self._write(f"#{step.number} | {self._tidy(status.ID)[:40]} {done:.0f} of {whole:.0f} MB", False)

    def still_running(self, now: float) -> None:
        """Mention the steps that have been running silently for long."""
        for step in self._steps.values():
            silent = now - max(step.last_mention, step.started)
            if step.started and not step.completed and not step.is_quiet and silent >= _SILENT_SECONDS:
                step.last_mention = now
                self._write(f"#{step.number} still running after {now - step.started:.0f} s", False)

    def _log(self, log: Any) -> None:
        step = self._step(log.vertex)
        text = step.partial.pop(log.stream, "") + log.msg.decode(errors="replace")
        *lines, rest = text.split("\n")
        for line in lines:
            self._line(step, line)
        if rest:
            # The beginning is stored: cut elsewhere, a secret could lose its first half and not be recognised.
            step.partial[log.stream] = rest[:_MAX_PARTIAL_CHARS]

    def _line(self, step: Step, line: str) -> None:
        line = self._tidy(line)
        if line:
            step.lines.append(line)
            step.last_mention = time.time()
            self._write(f"#{step.number} | {line}", False)

    def _flush(self, step: Step) -> None:
        for stream in list(step.partial):
            self._line(step, step.partial.pop(stream))


def _seconds(timestamp: Any) -> float:
    return float(timestamp.seconds + timestamp.nanos / 1e9)
