"""kstatus itself, as Flux uses it: the Go library in a small program that is built once and kept in the cache."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ink_local import gobuild
from support.cluster.kube_api import Json
from support.gitops.programs import TestProgram

PROGRAM = TestProgram("kstatus", "v1.3.0")


@dataclass(frozen=True)
class Kstatus:
    """The built program."""

    binary: Path

    def of(self, objects: Sequence[Json]) -> list[tuple[str, str]]:
        """(status, message) of each object: InProgress, Failed, Current, Terminating."""
        done = subprocess.run(
            [self.binary], input="\n".join(map(json.dumps, objects)), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        return [(answer["status"], answer["message"]) for answer in answers]

    def one(self, found: Json) -> str:
        """The status of one object."""
        return self.of([found])[0][0]


def built() -> Kstatus:
    """Build it unless the cache has it."""
    gobuild.build(PROGRAM)
    return Kstatus(gobuild.programs(PROGRAM)["kstatus"])
