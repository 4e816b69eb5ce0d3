"""What every tier shares: markers by folder."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import hypothesis
import pytest

TESTS = Path(__file__).parent
TIERS = {"api": "api", "contract": "api", "e2e": "e2e", "local": "e2e"}
"""Folder -> marker."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test the marker of its tier, and run the cheap tiers first."""
    order = {"unit": 0, "scenarios": 1, "contract": 2, "api": 3, "local": 4, "e2e": 5}
    folders = {item: item.path.relative_to(TESTS).parts[0] for item in items if item.path.is_relative_to(TESTS)}
    for item, folder in folders.items():
        if folder in TIERS:
            item.add_marker(getattr(pytest.mark, TIERS[folder]))
    items.sort(key=lambda item: order.get(folders.get(item, ""), 9))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What each folder took: the streams of CI and the parts of test-full are cut by it."""
    seconds: dict[str, float] = defaultdict(float)
    tests: dict[str, set[str]] = defaultdict(set)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                folder = report.nodeid.partition("::")[0].rpartition("/")[0]
                seconds[folder] += report.duration
                tests[folder].add(report.nodeid)
    if len(seconds) > 1:
        terminalreporter.section("time by folder")
    for folder in sorted(seconds, key=seconds.__getitem__, reverse=True) if len(seconds) > 1 else ():
        terminalreporter.write_line(f"{seconds[folder]:7.1f} s {len(tests[folder]):5} {folder}")


hypothesis.settings.register_profile(
    "busy", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], print_blob=True
)
hypothesis.settings.load_profile("busy")
"""A busy machine is slow without anything being wrong."""
