"""What the comparisons share."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Row:
    """Seconds of each round, done by Ink and by what it is compared with."""

    what: str
    other: list[float] = field(default_factory=list)
    ink: list[float] = field(default_factory=list)

    def row(self, digits: int, typical: Callable[[list[float]], float] = statistics.median) -> str:
        """A row of a Markdown table: what is typical, with so many digits, and Ink's part of the other's."""
        other, ink = typical(self.other), typical(self.ink)
        return f"| {self.what} | {other:.{digits}f} s | {ink:.{digits}f} s | {ink / other:.2f} |"
