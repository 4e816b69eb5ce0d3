"""kubectl and helm, as the installer runs them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ink_artifacts import go_programs
from ink_artifacts.errors import SetupError


@dataclass(frozen=True)
class Tools:
    """kubectl and helm, pointed at one cluster by their environment's KUBECONFIG."""

    kubectl: str
    helm: str
    environment: Mapping[str, str]

    def run(self, program: str, *arguments: str, stdin: str = "", timeout: float = 120) -> str:
        """Its output. Raises SetupError with what it printed when it fails."""
        done = self.attempt(program, *arguments, stdin=stdin, timeout=timeout)
        if done.returncode != 0:
            name = Path(program).name
            raise SetupError(
                f"`{name} {' '.join(arguments[:2])}` failed",
                seen=done.stderr.strip()[-1500:],
                remedy=f"fix what {name} reports, then run this again",
            )
        return done.stdout

    def attempt(
        self, program: str, *arguments: str, stdin: str = "", timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """The finished process, whatever its exit code."""
        return subprocess.run(
            [program, *arguments],
            input=stdin,
            env=dict(self.environment),
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )

    def items(self, *arguments: str, stdin: str = "") -> list[dict[str, Any]]:
        """What `kubectl get` finds."""
        text = self.run(self.kubectl, "get", *arguments, "--output", "json", stdin=stdin)
        if not text.strip():
            return []
        found = json.loads(text)
        items: list[dict[str, Any]] = found["items"] if found["kind"] == "List" else [found]
        return items


def find() -> Tools:
    """Those of the PATH, else those that `make build` made. Raises SetupError when there are neither."""
    return Tools(_program("kubectl"), _program("helm"), os.environ)


def _program(name: str) -> str:
    found = shutil.which(name) or go_programs.path_of(name)
    if found is None:
        raise SetupError(
            f"{name} was not found on the PATH", remedy=f"install {name}, or build it from source with `make build`"
        )
    return str(found)
