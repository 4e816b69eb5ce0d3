"""helm and charts/ink: rendering without a cluster, installing into one."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from ink_artifacts import gobuild
from ink_artifacts.components import COMPONENTS

CHART = Path(__file__).resolve().parents[3] / "charts" / "ink"
RELEASE, NAMESPACE = "ink", "ink"

Manifest = dict[str, Any]


@cache
def program() -> str:
    """helm as `make build` made it, or the one of the PATH; the test is skipped where there is neither."""
    if gobuild.home(COMPONENTS["helm"]).is_dir():
        return str(gobuild.programs(COMPONENTS["helm"])["helm"])
    found = shutil.which("helm")
    if found is None:
        pytest.skip("there is no helm: `make build` makes one")
    return found


def run(*arguments: str, kubeconfig: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The finished process, whatever its exit code."""
    env = {**os.environ, **({"KUBECONFIG": str(kubeconfig)} if kubeconfig else {})}
    return subprocess.run([program(), *arguments], env=env, capture_output=True, text=True, check=False, timeout=300)


def flags(values: Manifest | None, local: bool, folder: Path) -> list[str]:
    """`--values` of the local shrinking, then of these values, written to `folder`."""
    files = [CHART / "values-local.yaml"] if local else []
    if values:
        file = folder / "values.yaml"
        file.write_text(yaml.safe_dump(values))
        files.append(file)
    return [f"--values={path}" for path in files]


def render(folder: Path, values: Manifest | None = None, *, local: bool = False) -> list[Manifest]:
    """The chart's manifests, tests and hooks included. Fails with helm's words when it refuses."""
    done = run("template", RELEASE, str(CHART), f"--namespace={NAMESPACE}", *flags(values, local, folder))
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def refusal(folder: Path, values: Manifest) -> str:
    """What helm says about values that the chart does not take."""
    done = run("template", RELEASE, str(CHART), f"--namespace={NAMESPACE}", *flags(values, False, folder))
    assert done.returncode != 0, "the chart took these values"
    return done.stderr


def install(kubeconfig: Path, folder: Path, values: Manifest | None = None) -> None:
    """`helm upgrade --install`; nothing is waited for, as a bare API server runs no pods."""
    where = [f"--namespace={NAMESPACE}", "--create-namespace"]
    done = run("upgrade", "--install", RELEASE, str(CHART), *where, *flags(values, True, folder), kubeconfig=kubeconfig)
    assert done.returncode == 0, done.stderr
