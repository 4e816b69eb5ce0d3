"""Flux itself: source-controller and kustomize-controller as processes beside a cluster; what they say."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import yaml
from ink_local import gobuild
from ink_local.buildcache import cache_dir, key_of
from support.cluster.control_plane import ROOT
from support.cluster.kube_api import Json, KubeApi
from support.cluster.kubectl import Kubectl
from support.gitops.programs import TestProgram
from support.operating.process import free_port
from support.outside.platform import condition
from support.waiting import eventually

CONTROLLERS = ("source-controller", "kustomize-controller")
PROGRAM = TestProgram("flux", "v1.9.5", packages={name: f"github.com/fluxcd/{name}" for name in CONTROLLERS})
MANIFESTS = ROOT / "examples" / "gitops" / "flux"
"""What docs/gitops.md shows, for a namespace and a sync that are called `shop`."""
ASKED_FOR = "reconcile.fluxcd.io/requestedAt"
"""Annotation by which `flux reconcile`, or a webhook, asks for a look before the interval is over."""


def crds() -> str:
    """The kinds of both controllers, out of the very modules that they are built from; kept in the cache."""
    path = cache_dir() / f"flux-crds-{key_of((PROGRAM.folder / 'go.sum').read_bytes())}.yaml"
    if not path.exists():
        files = [file for name in CONTROLLERS for file in sorted((_module(name) / "config/crd/bases").glob("*.yaml"))]
        draft = path.with_suffix(f".{os.getpid()}")
        draft.write_text("\n---\n".join(file.read_text() for file in files))
        draft.rename(path)
    return path.read_text()


def _module(name: str) -> Path:
    argv = ["go", "mod", "download", "-json", f"github.com/fluxcd/{name}"]
    done = subprocess.run(argv, cwd=PROGRAM.folder, capture_output=True, text=True, check=True)
    return Path(json.loads(done.stdout)["Dir"])


def install(kubectl: Kubectl) -> None:
    """Flux's kinds, in the cluster and served."""
    kubectl.run("apply", "--server-side", "-f", "-", stdin=crds())
    kubectl.run("wait", "--for=condition=Established", "--timeout=60s", *_kinds())


def uninstall(kubectl: Kubectl) -> None:
    """Take them away again, with whatever is left of them."""
    kubectl.run("delete", "--wait=false", *_kinds())


def _kinds() -> list[str]:
    return [f"crd/{each['metadata']['name']}" for each in yaml.safe_load_all(crds()) if each]


@contextmanager
def running(kubeconfig: Path, scratch: Path) -> Iterator[Path]:
    """Both controllers at work, as the kubeconfig's user; the folder with their logs."""
    gobuild.build(PROGRAM)
    programs = gobuild.programs(PROGRAM)
    archives, files = scratch / "archives", f"127.0.0.1:{free_port()}"
    archives.mkdir()
    flags = {
        "source-controller": [f"--storage-path={archives}", f"--storage-addr={files}", f"--storage-adv-addr={files}"],
        "kustomize-controller": ["--requeue-dependency=2s"],
    }
    health = {name: f"127.0.0.1:{free_port()}" for name in CONTROLLERS}
    started = []
    try:
        for name in CONTROLLERS:
            argv = [str(programs[name]), *flags[name], f"--health-addr={health[name]}", "--metrics-addr=0"]
            env = {**os.environ, "KUBECONFIG": str(kubeconfig), "TMPDIR": str(scratch)}
            with (scratch / f"{name}.log").open("wb") as log:
                started.append(subprocess.Popen(argv, env=env, stdout=log, stderr=log))
        for name, address in health.items():
            eventually(
                lambda address=address: _answers(f"http://{address}/readyz"),  # type: ignore[misc]
                within=60,
                what=f"{name} is ready",
                state=lambda name=name: tail(scratch, name),  # type: ignore[misc]
            )
        yield scratch
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(timeout=40)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def tail(scratch: Path, name: str = "kustomize-controller") -> str:
    """The last of what a controller has logged."""
    return "\n".join((scratch / f"{name}.log").read_text(errors="replace").splitlines()[-20:])


def manifests(file: str, namespace: str, url: str, **spec: object) -> list[Json]:
    """The objects of an example, for another namespace and repository; `spec`: changes of the Kustomization's."""
    found: list[Json] = list(yaml.safe_load_all((MANIFESTS / file).read_text()))
    for each in found:
        each["metadata"]["namespace"] = namespace
        for subject in each.get("subjects", []):
            subject["namespace"] = namespace
        if each["kind"] == "GitRepository":
            each["spec"]["url"] = url
        if each["kind"] == "Kustomization":
            each["spec"] |= {"targetNamespace": namespace, **spec}
            for check in each["spec"].get("healthChecks", []):
                check["namespace"] = namespace
    return found


@dataclass(frozen=True)
class Sync:
    """A Kustomization of a namespace, and the GitRepository `shop`, as the examples have them."""

    api: KubeApi
    namespace: str
    scratch: Path
    name: str = "shop"

    @property
    def path(self) -> str:
        return f"/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/{self.namespace}/kustomizations/{self.name}"

    @property
    def source(self) -> str:
        return f"/apis/source.toolkit.fluxcd.io/v1/namespaces/{self.namespace}/gitrepositories/shop"

    def found(self) -> Json:
        return self.api.get(self.path)

    def ready(self) -> Json:
        """The condition Ready, if it speaks of the newest spec."""
        found = self.found()
        stated = condition(found, "Ready")
        return stated if stated.get("observedGeneration") == found["metadata"]["generation"] else {}

    def fetch(self) -> None:
        """Have the repository looked at now, as a webhook does."""
        now = datetime.now(UTC).isoformat()
        self.api.merge(self.source, {"metadata": {"annotations": {ASKED_FOR: now}}})

    def again(self) -> None:
        """Have everything applied and checked once more now, and wait until that has been done."""
        now = datetime.now(UTC).isoformat()
        self.api.merge(self.path, {"metadata": {"annotations": {ASKED_FOR: now}}})
        eventually(
            lambda: self.found()["status"].get("lastHandledReconcileAt") == now,
            within=120,
            what=f"{self.namespace} is synced once more",
            state=self.state,
        )

    def wait_healthy(self, commit: str, *, within: float = 120) -> None:
        """Until everything of the commit is applied and healthy."""

        def healthy() -> bool:
            stated = self.ready()
            return stated.get("status") == "True" and commit in self.found()["status"].get("lastAppliedRevision", "")

        eventually(healthy, within=within, what=f"{self.namespace} is in sync with {commit[:7]}", state=self.state)

    def wait_failed(self, commit: str, *, within: float = 120) -> str:
        """Until the commit's sync has failed; what Flux says of it."""

        def failed() -> str:
            stated = self.ready()
            tried = self.found()["status"].get("lastAttemptedRevision", "")
            return str(stated["message"]) if stated.get("status") == "False" and commit in tried else ""

        return eventually(failed, within=within, what=f"{self.namespace}'s sync fails", state=self.state)

    def state(self) -> str:
        """For the reader of a failed test."""
        source = self.api.get(self.source).get("status")
        return f"{json.dumps(self.found().get('status'), indent=1)}\n{json.dumps(source)}\n{tail(self.scratch)}"
