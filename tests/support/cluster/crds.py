"""Ink's CustomResourceDefinitions on a running API server."""

from __future__ import annotations

from pathlib import Path

from support.cluster.control_plane import ROOT
from support.cluster.kubectl import Kubectl

GENERATED = ROOT / "crds" / "generated"


def files() -> list[Path]:
    """The generated files."""
    return sorted(GENERATED.glob("*.yaml"))


def install(kubectl: Kubectl) -> None:
    """Apply them and wait until the API server serves the kinds."""
    kubectl.run("apply", "--server-side", "--force-conflicts", *(f"--filename={path}" for path in files()))
    names = [f"crd/{path.stem.removeprefix('ml.ink_')}.ml.ink" for path in files()]
    kubectl.run("wait", "--for=condition=Established", "--timeout=30s", *names)
