"""Real boots of the local cluster: they need root, and take seconds each."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator

import pytest
from support.cluster.launcher import Launcher

SEED = int(os.environ.get("INK_TEST_SEED") or random.randrange(10_000))


def pytest_report_header() -> str:
    """Sampled proofs can be run again as they were."""
    return f"local: INK_TEST_SEED={SEED}"


@pytest.fixture
def launcher_of() -> Iterator[Callable[[str], Launcher]]:
    """Makes launchers by cluster name; each is taken down at the end."""
    made: list[Launcher] = []

    def make(name: str) -> Launcher:
        made.append(Launcher(name))
        return made[-1]

    yield make
    for launcher in made:
        launcher.must("down")


@pytest.fixture
def choice() -> random.Random:
    """The sampled proofs' source of choices."""
    return random.Random(SEED)
