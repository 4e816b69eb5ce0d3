"""What a tenant's own buildkitd costs a build: its first start, a start with its cache, and when it is running.

`make up`, then `.venv/bin/python bench/daemon.py --rounds 3`. The release is switched to `builders.shared=false` for
the benchmark, and back afterwards. Each round creates a service and waits until it is live (the tenant's daemon starts
on an empty volume), lets the daemon stop, pushes one changed line (it starts with its cache), and pushes another (it
is running). It measures how long the builder waited for the daemon after the clone, according to its log, and the time
from the push to the live answer. Before each round the daemon and its volume are removed. Medians; `--json` prints all.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / part) for part in ("install", "local", "crds", "operator", "mcp_gateway", "tests", "bench")]

from e2e.test_daemons import BUILDS, SPACE, switch
from live import APP, FILE, at_hand
from support.outside.platform import Deployed, Platform
from support.waiting import eventually

STARTS = ("first start, empty volume", "start with its cache", "it runs")
WAITED = re.compile(r"connected to BuildKit v\S+ after another ([0-9.]+) s")


def waited(platform: Platform, name: str) -> float:
    """Seconds that the newest build of a service waited for its daemon."""
    uid = platform.cr(name)["metadata"]["uid"]
    jobs = platform.kubectl.list("jobs", BUILDS, f"ml.ink/owner-uid={uid}")
    job = max(jobs, key=lambda j: str(j["metadata"]["creationTimestamp"]))["metadata"]["name"]
    found = WAITED.search(platform.kubectl.run("logs", f"job/{job}", "-n", BUILDS))
    if found is None:
        raise SystemExit(f"the log of {job} does not say how long it waited for BuildKit")
    return float(found[1])


def pushed(platform: Platform, service: Deployed, version: str) -> float:
    """Push one changed line; returns the seconds until it is live."""
    text = (service.clone.directory / FILE).read_text()
    old = next(line for line in text.splitlines() if line.startswith("VERSION ="))
    service.clone.replace(FILE, old, f'VERSION = "{version}"')
    began = time.monotonic()
    service.clone.push(version)
    eventually(lambda: version in service.visit().body, within=180, every=0.1, what=f"{version} is live")
    return time.monotonic() - began


def at_rest(platform: Platform) -> bool:
    """No tenant's daemon is running."""
    return not platform.kubectl.list("pods", SPACE, "ml.ink/component=buildkitd")


def without_daemons(platform: Platform) -> None:
    """There is no tenant's daemon, and no volume of one."""
    parts = "statefulsets,services,networkpolicies,secrets,persistentvolumeclaims"
    platform.kubectl.run("delete", parts, "-n", SPACE, "-l", "ml.ink/component=buildkitd", "--ignore-not-found")
    eventually(lambda: at_rest(platform), within=120, every=1, what="the daemon is gone")


def one_round(platform: Platform, number: int) -> dict[str, tuple[float, float]]:
    """Kind of start -> seconds that the builder waited, and from the push to the live answer."""
    without_daemons(platform)
    name = platform.name(f"daemon{number}")
    began = time.monotonic()
    service = platform.deploy(name, APP)
    times = [(waited(platform, name), time.monotonic() - began)]
    eventually(lambda: at_rest(platform), within=300, every=1, what="the daemon has stopped")
    for version in ("warm", "hot"):
        took = pushed(platform, service, version)
        times.append((waited(platform, name), took))
    platform.agent.ok("delete_service", name=name)
    return dict(zip(STARTS, times, strict=True))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", default="ink", help="name of the running local cluster with Ink")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rounds: list[dict[str, Any]] = []
    with at_hand(options.name) as (platform, _):
        switch(platform, shared=False)
        try:
            for number in range(options.rounds):
                rounds.append(one_round(platform, number))
                print(f"round {number + 1}: {rounds[-1]}", file=sys.stderr)
        finally:
            switch(platform, shared=True)
            # With a shared daemon the operator does not manage those of tenants, so remove them here.
            without_daemons(platform)
    if options.json:
        print(json.dumps(rounds, indent=2))
        return 0
    print("| | the builder waits | until it is live |\n| --- | --- | --- |")
    for kind in STARTS:
        waits, lives = (statistics.median(r[kind][i] for r in rounds) for i in (0, 1))
        print(f"| {kind} | {waits:.2f} s | {lives:.1f} s |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
