"""kubectl, as a person uses it: the cluster's own binary with one kubeconfig."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
from ink_local import gobuild
from ink_local.components import COMPONENTS
from support.cluster.kube_api import KubeApi, Refused, Resource
from support.waiting import eventually

Json = dict[str, Any]


class KubectlError(AssertionError):
    """kubectl refused or failed; the text is what it printed."""


@functools.lru_cache(maxsize=8)
def connected(kubeconfig: Path, text: str) -> KubeApi:
    """One client for each kubeconfig. `text` is what stands in it: another cluster may have come to its place."""
    return KubeApi(kubeconfig)


@functools.lru_cache(maxsize=8)
def offered(api: KubeApi) -> tuple[Resource, ...]:
    """Asked for once, as kubectl does."""
    return tuple(api.resources())


def resource_of(api: KubeApi, kind: str) -> Resource:
    """By any of its names."""
    for _ in range(2):
        for resource in offered(api):
            if kind in resource.names or kind == resource.name:
                return resource
        offered.cache_clear()  # it may have been installed since
    raise KubectlError(f"the server has no resource type {kind!r}")


def served(api: KubeApi, path: str, headers: dict[str, str]) -> Json | None:
    """The answer; None while a fresh kind's storage is made, for which kubectl waits as well."""
    try:
        return api.request("GET", path, **headers)
    except Refused as refused:
        if refused.code == 429:
            return None
        raise


@dataclass(frozen=True)
class Kubectl:
    """Runs kubectl against one cluster. `user`, when set, is impersonated in every call."""

    kubeconfig: Path
    user: str = ""

    def argv(self, *args: str) -> list[str]:
        """The whole command line."""
        program = str(gobuild.programs(COMPONENTS["kube"])["kubectl"])
        impersonated = [f"--as={self.user}"] if self.user else []
        return [program, f"--kubeconfig={self.kubeconfig}", *impersonated, *args]

    def as_user(self, user: str) -> Kubectl:
        """The same cluster, as somebody else."""
        return Kubectl(self.kubeconfig, user)

    def run(self, *args: str, stdin: str | None = None, timeout: float = 120) -> str:
        """Its output. Raises KubectlError with what it said when it fails."""
        done = self.attempt(*args, stdin=stdin, timeout=timeout)
        if done.returncode != 0:
            raise KubectlError(f"kubectl {' '.join(args)}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def attempt(self, *args: str, stdin: str | None = None, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """The finished process, whatever its exit code."""
        return subprocess.run(
            self.argv(*args), input=stdin, capture_output=True, text=True, timeout=timeout, check=False
        )

    def get(self, kind: str, name: str, namespace: str = "") -> Json | None:
        """The object, or None when there is none. Asked without the binary: tests wait by it, and a processor's tenth
        of a second each time would slow down what they wait for."""
        return self._ask(lambda find: f"{find(kind).path(namespace or 'default')}/{name}")

    def list(self, kind: str, namespace: str = "", selector: str = "") -> list[Json]:
        """The objects of a kind; of every namespace when none is given. Asked like `get`."""
        query = f"?{urlencode({'labelSelector': selector})}" if selector else ""
        found = self._ask(lambda find: f"{find(kind).path(namespace)}{query}")
        assert found is not None
        type_meta = {"apiVersion": found["apiVersion"], "kind": found["kind"].removesuffix("List")}
        return [{**type_meta, **item} for item in found["items"]]

    def _ask(self, path_of: Callable[[Callable[[str], Resource]], str]) -> Json | None:
        """A GET; None for what is not there. What goes wrong is said as kubectl would."""
        headers = {"Impersonate_User": self.user} if self.user else {}
        try:
            api = connected(self.kubeconfig, self.kubeconfig.read_text())
            path = path_of(functools.partial(resource_of, api))
            return eventually(lambda: served(api, path, headers), within=30, what=f"{path} is served")
        except Refused as refused:
            if refused.code == 404:
                return None
            raise KubectlError(f"Error from server ({refused.reason}): {refused.message}") from refused
        except (httpx.HTTPError, OSError) as error:
            raise KubectlError(f"the API server gives no answer: {error}") from error

    def apply(self, *manifests: Json, server_side: bool = True) -> str:
        """`kubectl apply` of the manifests."""
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(manifests)})
        how = ["--server-side", "--force-conflicts"] if server_side else []
        return self.run("apply", *how, "-f", "-", stdin=text)

    def delete(self, kind: str, name: str, namespace: str = "", *, wait: bool = True) -> None:
        """Delete it; nothing there is fine."""
        where = ["-n", namespace] if namespace else []
        self.run("delete", kind, name, *where, "--ignore-not-found", f"--wait={str(wait).lower()}", timeout=180)

    def exec(self, namespace: str, pod: str, *command: str, stdin: str | None = None, timeout: float = 120) -> str:
        """Output of a command in the pod's first container."""
        interactive = ["-i"] if stdin is not None else []
        return self.run("exec", *interactive, "-n", namespace, pod, "--", *command, stdin=stdin, timeout=timeout)

    def secret(self, namespace: str, name: str, key: str) -> str:
        """One decoded value of a Secret."""
        template = f'go-template={{{{index .data "{key}" | base64decode}}}}'
        return self.run("get", "secret", name, "-n", namespace, "-o", template)

    @contextlib.contextmanager
    def port_forward(self, namespace: str, target: str, port: int) -> Iterator[str]:
        """`127.0.0.1:<free port>` that leads to the port of `target` (pod/x, svc/x) while the block runs."""
        argv = self.argv("port-forward", "-n", namespace, target, f":{port}")
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ)
        try:
            line = process.stdout.readline() if process.stdout else ""
            found = re.search(r"127\.0\.0\.1:(\d+)", line)
            if not found:
                rest = process.communicate(timeout=5)[0] if process.poll() is not None else ""
                raise KubectlError(f"port-forward to {target}: {line}{rest}")
            yield f"127.0.0.1:{found.group(1)}"
        finally:
            process.terminate()
            process.wait(timeout=10)
