"""Progress of long steps that run side by side: one line when a step ends, and on a terminal a last line that moves."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TextIO

TICK_SECONDS = 0.5


def duration(seconds: float) -> str:
    """`850 ms` would be noise here: 0.8 s, 42 s, 2m10s."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest:02d}s" if minutes else f"{rest} s"


@dataclass
class _Step:
    name: str
    detail: Callable[[], str]
    began: float = field(default_factory=time.monotonic)

    def line(self) -> str:
        detail = self.detail()
        return f"{self.name} {f'({detail}) ' if detail else ''}{duration(time.monotonic() - self.began)}"


class ProgressPrinter:
    """Prints to `out`. Safe to use from several threads."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out if out is not None else sys.stderr
        self._lock = threading.Lock()
        self._terminal = self._out.isatty()
        self._running: list[_Step] = []
        self._stop = threading.Event()

    @contextlib.contextmanager
    def step(self, name: str, done: str = "done", detail: Callable[[], str] = lambda: "") -> Iterator[None]:
        """Run the block as a step called `name`; ends with a line with its result and duration."""
        step = _Step(name, detail)
        self._begin(step)
        outcome, mark, colour = "failed", "✗", "31"
        try:
            yield
            outcome, mark, colour = done, "✓", "32"
        finally:
            self._end(step)
            painted = f"\033[{colour}m{mark}\033[0m" if self._terminal else mark
            self.say(f"  {painted} {name}: {outcome} in {duration(time.monotonic() - step.began)}")

    def say(self, text: str) -> None:
        """Print one line that stays."""
        with self._lock:
            clear = "\r\033[K" if self._terminal else ""
            print(f"{clear}{text}", file=self._out, flush=True)

    def _begin(self, step: _Step) -> None:
        with self._lock:
            self._running.append(step)
            if self._terminal and len(self._running) == 1:
                self._stop.clear()
                threading.Thread(target=self._tick, daemon=True).start()
        if not self._terminal:
            self.say(f"  … {step.name}")

    def _end(self, step: _Step) -> None:
        with self._lock:
            self._running.remove(step)
            if not self._running:
                self._stop.set()

    def _tick(self) -> None:
        while not self._stop.wait(TICK_SECONDS):
            with self._lock:
                text = " · ".join(step.line() for step in self._running)
                print(f"\r\033[K  … {text}"[:200], end="", file=self._out, flush=True)
