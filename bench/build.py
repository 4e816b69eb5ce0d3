"""What Ink's builder adds to BuildKit, compared with buildctl on the same daemon, registry, context and Dockerfile.

`.venv/bin/python bench/build.py --rounds 7`. buildkitd, a registry and a git server of its own, all on loopback.
- *one line changed*, *nothing changed*: the solve alone, push included (a new tag each time).
- *new files*: an image of files that the daemon has never seen; what it takes is sending them (FileSync).
- *the whole builder*: `python -m ink_builder` from start to end, clone and plan included, one line changed; and its
  peak memory.
Both sides alternate. Medians are compared; `--json` prints every time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / part) for part in ("install", "local", "crds", "operator", "tests")]

from common import Row
from ink_builder.buildkit.control import BuildKit
from ink_builder.image.solve import BuildInput, SolveState, solve
from ink_builder.log import BuildLog, Mask
from ink_builder.settings import Settings, parse_settings
from support.building import daemons as build_daemons
from support.building.daemons import BuildKitDaemon, GitServer, Registry

APP = ROOT / "examples" / "apps" / "hello-dockerfile"
LINE = 'VERSION = "v1"'
NEW_FILES, NEW_BYTES = 2_000, 50_000
ONLY_FILES = "FROM scratch\nCOPY . /\n"


@dataclass(frozen=True)
class Side:
    """Both clients of one daemon. Each names its sources differently, so the daemon never has the other's files."""

    daemon: BuildKitDaemon
    registry: Registry
    scratch: Path
    git: GitServer

    def buildctl(self, folder: Path) -> float:
        """Seconds of one build and push by buildctl."""
        name = f"{self.registry.host}/bench/buildctl:{random.getrandbits(48):012x}"
        argv = [
            str(self.daemon.buildctl),
            f"--addr=unix://{self.daemon.socket}",
            "build",
            "--progress=quiet",
            "--frontend=dockerfile.v0",
            f"--local=context={folder}",
            f"--local=dockerfile={folder}",
            f"--output=type=image,name={name},push=true,registry.insecure=true",
        ]
        began = time.monotonic()
        env = {**os.environ, "DOCKER_CONFIG": str(self.scratch)}
        done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"buildctl failed: {done.stderr[-2000:]}")
        return time.monotonic() - began

    def settings(self, commit: str = "0" * 40) -> Settings:
        """The environment of a build Job."""
        return parse_settings(self.environment(commit))

    def environment(self, commit: str) -> dict[str, str]:
        host, certificates = self.registry.host, self.daemon.certificates
        return {
            "INK_TENANT": "bench",
            "INK_PROJECT": "default",
            "INK_SERVICE": "ink",
            "INK_GIT_URL": f"{self.git.url}/app.git",
            "INK_GIT_ALLOWED_PRIVATE": self.git.url,
            "INK_COMMIT": commit,
            "INK_IMAGE": f"{host}/bench/ink:{random.getrandbits(48):012x}-00000000-1",
            "INK_REGISTRY_HOST": host,
            "INK_REGISTRY_TOKEN": self.registry.token("bench/ink"),
            "INK_REGISTRY_INSECURE": "1",
            "INK_BUILDKIT_ADDRESS": self.daemon.address,
            "INK_BUILDKIT_CA": certificates.ca,
            "INK_BUILDKIT_CERT": certificates.client.cert,
            "INK_BUILDKIT_KEY": certificates.client.key,
        }

    def ink(self, folder: Path) -> float:
        """Seconds of one connection, solve and push by the builder's own client."""
        return asyncio.run(self._ink(folder))

    async def _ink(self, folder: Path) -> float:
        settings = self.settings()
        with (self.scratch / "log").open("a") as out:
            log = BuildLog(Mask(settings.secrets), out)
            began = time.monotonic()
            buildkit = BuildKit(settings.daemon)
            await buildkit.connect()
            await solve(
                buildkit, BuildInput(folder, folder, "Dockerfile", generated=False), settings, log, SolveState()
            )
            took = time.monotonic() - began
            await buildkit.close()
        return took

    def whole(self, commit: str) -> tuple[float, float]:
        """Seconds and MiB of the builder as its BuildInput runs it."""
        verdict = self.scratch / "verdict.json"
        env = {
            "PATH": os.environ.get("PATH", ""),
            "PYTHONPATH": f"{ROOT}/crds:{ROOT}/operator",
            "TMPDIR": str(self.scratch),
            "INK_VERDICT_FILE": str(verdict),
            **self.environment(commit),
        }
        said = self.scratch / "builder.log"
        began = time.monotonic()
        with said.open("w") as out:
            process = subprocess.Popen([sys.executable, "-m", "ink_builder"], env=env, stdout=out, stderr=out)
            _, status, usage = os.wait4(process.pid, 0)
        took = time.monotonic() - began
        if status:
            raise SystemExit(f"the builder failed: {said.read_text()[-2000:]}")
        return took, usage.ru_maxrss / 1024


def change(folder: Path) -> None:
    """One line that has never been built."""
    text = (APP / "server.py").read_text()
    (folder / "server.py").write_text(text.replace(LINE, f'VERSION = "{random.getrandbits(64):x}"'))


def renew(folder: Path) -> None:
    """Files that the daemon does not have."""
    shutil.rmtree(folder, ignore_errors=True)
    for number in range(NEW_FILES):
        place = folder / f"d{number % 40}" / f"f{number}"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(os.urandom(NEW_BYTES))
    (folder / "Dockerfile").write_text(ONLY_FILES)


def take_turns(row: Row, rounds: int, side: Side, folder: Path, prepare: object) -> None:
    """The first round is not counted; the sides take turns at beginning."""
    for number in range(rounds + 1):
        ways = [(row.other, side.buildctl), (row.ink, side.ink)]
        for seconds, way in ways if number % 2 else ways[::-1]:
            prepare(folder)  # type: ignore[operator]
            took = way(folder)
            if number:
                seconds.append(took)


def measure(rounds: int, side: Side) -> tuple[list[Row], list[float], list[float]]:
    """Rows, and seconds and MiB of the whole builder."""
    app, blobs = side.scratch / "app", side.scratch / "blobs"
    shutil.copytree(APP, app)
    rows = [Row("one line changed"), Row("nothing changed"), Row(f"new files, {NEW_FILES * NEW_BYTES / 2**20:.0f} MiB")]
    for row, folder, prepare in zip(rows, (app, app, blobs), (change, lambda _: None, renew), strict=True):
        take_turns(row, rounds, side, folder, prepare)
    seconds, memory = [], []
    for number in range(rounds + 1):
        change(app)
        commit = side.git.commit("app", {p.name: p.read_text() for p in app.iterdir() if p.is_file()})
        took, most = side.whole(commit)
        if number:
            seconds.append(took)
            memory.append(most)
    return rows, seconds, memory


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ink-bench-")))
        port = build_daemons.free_port()
        stack.enter_context(build_daemons.hub(scratch / "hub", port))
        registry = stack.enter_context(build_daemons.registry(scratch / "registry"))
        mirror = f"127.0.0.1:{port}"
        daemon = stack.enter_context(
            build_daemons.buildkitd(scratch / "buildkit", [registry.host, mirror], mirror=mirror)
        )
        git = stack.enter_context(build_daemons.git_server(scratch / "git"))
        auth = {"auths": {registry.host: {"registrytoken": registry.token("bench/buildctl", seconds=7200)}}}
        (scratch / "config.json").write_text(json.dumps(auth))
        rows, seconds, memory = measure(options.rounds, Side(daemon, registry, scratch, git))
    if options.json:
        print(json.dumps({"rows": [vars(row) for row in rows], "whole": seconds, "mib": memory}, indent=2))
        return 0
    print("| | buildctl | Ink's client | ratio |\n| --- | --- | --- | --- |")
    print("\n".join(row.row(2) for row in rows))
    mib = statistics.median(memory)
    print(f"\nThe whole builder, one line changed: {statistics.median(seconds):.2f} s, {mib:.0f} MiB at most.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
