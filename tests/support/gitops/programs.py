"""Go programs that only tests need: built when a test asks for them, kept in the cache like the platform's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ink_artifacts.components import Component

GO_FOLDER = Path(__file__).parent / "go"


@dataclass(frozen=True)
class TestProgram(Component):
    """`tests/support/gitops/go/<name>`; `make build` knows nothing of it."""

    __test__ = False

    @property
    def folder(self) -> Path:
        return GO_FOLDER / self.name
