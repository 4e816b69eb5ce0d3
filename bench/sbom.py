"""What provenance, the list of an image's packages and the look at it cost a warm build.

`.venv/bin/python bench/sbom.py --rounds 7`. The builder as its Job runs it, from its start to its end, of one small
Python application (a Debian base with 100 packages), on a buildkitd, registry and git server of its own. Each way is
taken in turn, with one line changed and with nothing changed; medians. CPU is the daemon's, with the scanner in it: on
a busy machine it says more than the time. It builds the scanner when the cache lacks it.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from build import APP, Side, change
from support.building import daemons as build_daemons

RECORDS = Path(__file__).resolve().parents[1] / "tests" / "unit" / "builder" / "osv" / "records.json"


@dataclass(frozen=True)
class Way(Side):
    """A side whose builds get something beside their layers."""

    extras: dict[str, str] = field(default_factory=dict)

    def environment(self, commit: str) -> dict[str, str]:
        return {**super().environment(commit), **self.extras}


def ways(scanner: str) -> dict[str, dict[str, str]]:
    listed = {"INK_SBOM_GENERATOR": scanner}
    look = {**listed, "INK_OSV_SOURCE": str(RECORDS)}
    return {
        "nothing beside the layers": {},
        "provenance (max)": {"INK_PROVENANCE": "max"},
        "SBOM": listed,
        "SBOM, compared (warn)": {**look, "INK_SCAN_IMAGE": "warn"},
        "SBOM, compared before the push (block)": {**look, "INK_SCAN_IMAGE": "block"},
    }


def measure(rounds: int, side: Side) -> None:
    """Prints the table. The first round is not counted; the order changes."""
    app = side.scratch / "app"
    shutil.copytree(APP, app)
    found: dict[str, dict[str, list[tuple[float, float]]]] = {}
    chosen = ways(build_daemons.sbom_scanner())
    for number in range(rounds + 1):
        for name, extras in random.sample(sorted(chosen.items()), len(chosen)):
            way = Way(side.daemon, side.registry, side.scratch, side.git, extras)
            for what in ("one line changed", "nothing changed"):
                if what == "one line changed":
                    change(app)
                files = {p.name: p.read_text() for p in app.iterdir() if p.is_file()}
                commit, before = side.git.commit("app", files), cpu_seconds(side)
                took, _ = way.whole(commit)
                if number:
                    spent = cpu_seconds(side) - before
                    found.setdefault(name, {}).setdefault(what, []).append((took, spent))
    print("| | one line changed | CPU | nothing changed | CPU |\n| --- | --- | --- | --- | --- |")
    for name in chosen:
        columns = [statistics.median(values) for pairs in found[name].values() for values in zip(*pairs, strict=True)]
        print(f"| {name} | " + " | ".join(f"{seconds:.2f} s" for seconds in columns) + " |")


def cpu_seconds(side: Side) -> float:
    """What the daemon and its children that ended have used."""
    outer = side.daemon.process.popen.pid
    inner = Path(f"/proc/{outer}/task/{outer}/children").read_text().split()
    fields = (Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in inner)
    return sum(sum(map(int, found[11:15])) for found in fields) / os.sysconf("SC_CLK_TCK")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ink-bench-")))
        port = build_daemons.free_port()
        stack.enter_context(build_daemons.hub(scratch / "hub", port))
        registry = stack.enter_context(build_daemons.registry(scratch / "registry"))
        insecure = [registry.host, f"127.0.0.1:{port}"]
        daemon = stack.enter_context(
            build_daemons.buildkitd(scratch / "buildkit", insecure, mirror=f"127.0.0.1:{port}")
        )
        git = stack.enter_context(build_daemons.git_server(scratch / "git"))
        measure(options.rounds, Side(daemon, registry, scratch, git))
    return 0


if __name__ == "__main__":
    sys.exit(main())
