"""Shared by the comparisons."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Row:
    """Seconds of each round, with Ink and with the alternative."""

    what: str
    other: list[float] = field(default_factory=list)
    ink: list[float] = field(default_factory=list)

    def row(self, digits: int, typical: Callable[[list[float]], float] = statistics.median) -> str:
        """A row of a Markdown table: typical times with this many digits, and the ratio of Ink to the alternative."""
        other, ink = typical(self.other), typical(self.ink)
        return f"| {self.what} | {other:.{digits}f} s | {ink:.{digits}f} s | {ink / other:.2f} |"
