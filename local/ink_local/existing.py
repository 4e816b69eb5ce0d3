"""The chart into a cluster that is there already: look first, install, say what is left to do on its nodes."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ink_local import files, gobuild, suitable
from ink_local.components import COMPONENTS
from ink_local.errors import LocalError
from ink_local.ticker import Ticker

CHART = Path(__file__).parents[2] / "charts" / "ink"
DIST = Path(__file__).parents[2] / "dist"
PATIENCE_SECONDS = 60
HELM_PATIENCE = "300s"
LOOK_SECONDS = 10
_STARTING = ("ContainerCreating", "PodInitializing")


@dataclass(frozen=True)
class Tools:
    """kubectl and helm, pointed at one cluster by their environment's KUBECONFIG."""

    kubectl: str
    helm: str
    environment: Mapping[str, str]

    def run(self, program: str, *arguments: str, stdin: str = "", timeout: float = 120) -> str:
        """Its output. Raises LocalError with its words when it fails."""
        done = self.attempt(program, *arguments, stdin=stdin, timeout=timeout)
        if done.returncode != 0:
            name = Path(program).name
            raise LocalError(
                f"`{name} {' '.join(arguments[:2])}` failed",
                seen=done.stderr.strip()[-1500:],
                remedy=f"read what {name} says, mend it, run again",
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

    def items(self, *arguments: str) -> list[dict[str, Any]]:
        """What `kubectl get` finds."""
        text = self.run(self.kubectl, "get", *arguments, "--output", "json")
        if not text.strip():
            return []
        found = json.loads(text)
        items: list[dict[str, Any]] = found["items"] if found["kind"] == "List" else [found]
        return items


def tools() -> Tools:
    """Those of the PATH, else those that `make build` made. Raises LocalError when there are neither."""
    return Tools(_program("kubectl", "kube"), _program("helm", "helm"), os.environ)


def _program(name: str, component: str) -> str:
    found = shutil.which(name)
    if found:
        return found
    if gobuild.home(COMPONENTS[component]).is_dir():
        return str(gobuild.programs(COMPONENTS[component])[name])
    raise LocalError(f"{name} is not on the PATH", remedy=f"install {name}, or build it with `make build`")


def check(tool: Tools, release: suitable.Release, arguments: Sequence[str], ticker: Ticker) -> list[dict[str, Any]]:
    """Look whether the cluster can take the chart with these helm arguments, and change nothing.

    Returns the chart's manifests. Raises LocalError after saying each problem with its remedy.
    """
    with ticker.step("looking at the cluster", "looked at"):
        version = _version(tool)
        _check_rights(tool)
        rendered = _render(tool, release, version, arguments)
        problems = [
            *suitable.collisions(_existing(tool, rendered), release),
            *suitable.storage(rendered, tool.items("storageclasses")),
            *suitable.host_ports(rendered, tool.items("pods", "--all-namespaces")),
            *suitable.absent_images(rendered, nodes := tool.items("nodes")),
            *_address(tool, rendered),
        ]
    server = tool.run(tool.kubectl, "config", "view", "--minify", "--output", "jsonpath={.clusters[0].cluster.server}")
    ticker.say(f"  cluster {server}: Kubernetes {version}, {len(nodes)} node{'s' if len(nodes) != 1 else ''}")
    for problem in problems:
        ticker.say(f"  ✗ {problem}")
    if problems:
        raise LocalError("the cluster cannot take Ink yet; nothing was changed", remedy="do the above, then run again")
    return rendered


def install(tool: Tools, release: suitable.Release, arguments: Sequence[str], ticker: Ticker) -> None:
    """Install or upgrade, and wait until everything is ready. Raises LocalError that names what is not."""
    where = ["--namespace", release.namespace, "--create-namespace", "--wait", "--timeout", HELM_PATIENCE]
    over = threading.Event()
    with ticker.step(f"helm upgrade --install {release.name}", "installed"), ThreadPoolExecutor(1) as pool:
        pool.submit(_tell_unready, tool, ticker, over)
        try:
            done = tool.attempt(
                tool.helm, "upgrade", "--install", release.name, str(CHART), *where, *arguments, timeout=900
            )
        finally:
            over.set()
        if done.returncode != 0:
            raise LocalError(
                "helm could not install the chart",
                seen="; ".join(unready(tool)) or done.stderr.strip()[-1500:],
                remedy="look at `kubectl get pods -A` and `kubectl get events -A`, mend it, run again",
            )


def _tell_unready(tool: Tools, ticker: Ticker, over: threading.Event) -> None:
    """Until `over`: say once what stays in the way of a pod, long before helm gives up."""
    told: set[str] = set()
    last: set[str] = set()
    while not over.wait(LOOK_SECONDS):
        with contextlib.suppress(LocalError, subprocess.TimeoutExpired):
            now = {" ".join(line.split()[:2]): line for line in unready(tool)}
            for key in sorted(last & now.keys() - told):
                ticker.say(f"    {now[key]}")
                told.add(key)
            last = set(now)


def unready(tool: Tools) -> list[str]:
    """For each pod of Ink's that is not ready: why, as the kubelet or the scheduler says it."""
    pods = json.loads(
        tool.run(
            tool.kubectl, "get", "pods", "--all-namespaces", "-l", "app.kubernetes.io/part-of=ink", "--output", "json"
        )
    )
    told = []
    for pod in pods["items"]:
        name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
        waiting = [
            container["state"]["waiting"]
            for container in pod["status"].get("containerStatuses", [])
            if container.get("state", {}).get("waiting", {}).get("reason") not in (None, *_STARTING)
        ]
        unscheduled = [
            condition
            for condition in pod["status"].get("conditions", [])
            if condition["type"] == "PodScheduled" and condition["status"] != "True"
        ]
        told += [f"{name}: {one.get('reason', '')} {one.get('message', '')[:300]}" for one in [*waiting, *unscheduled]]
    return told


def finish(tool: Tools, release: suitable.Release, rendered: Sequence[Mapping[str, Any]]) -> None:
    """Write the nodes' hosts.toml and print what is left to do."""
    registry = next(one for one in rendered if suitable.is_service(one, "registry"))["metadata"]
    system, name = registry["namespace"], f"registry.{registry['namespace']}.svc.cluster.local:5000"
    found = tool.items("service", "registry", "--namespace", system)[0]
    secret = tool.items("secret", "registry-node", "--namespace", system)[0]["data"]
    plain = {key: base64.b64decode(value).decode() for key, value in secret.items()}
    DIST.mkdir(exist_ok=True)
    file = DIST / "hosts.toml"
    files.write(file, registry_hosts(found["spec"]["clusterIP"], plain))
    print(
        f"\n  Left to do on every node: put {file} to\n"
        f"    /etc/containerd/certs.d/{name}/hosts.toml\n"
        "  It lets the node pull the images that Ink builds, holds a password, and needs no restart.\n"
    )
    print(tool.run(tool.helm, "get", "notes", release.name, "--namespace", release.namespace).removeprefix("NOTES:\n"))


def registry_hosts(address: str, credentials: Mapping[str, str]) -> str:
    """hosts.toml by which a node pulls from the chart's registry: its read-only port, by address, with a password."""
    pair = f"{credentials['username']}:{credentials['password']}".encode()
    url = f"http://{address}:5001"
    return (
        f'server = "{url}"\n\n[host."{url}"]\n  capabilities = ["pull", "resolve"]\n'
        f'  [host."{url}".header]\n    Authorization = ["Basic {base64.b64encode(pair).decode()}"]\n'
    )


def _version(tool: Tools) -> str:
    given = tool.environment.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
    if not any(Path(one).is_file() for one in given.split(os.pathsep)):
        raise LocalError(
            "no cluster is named", seen=f"no file {given}", remedy="set KUBECONFIG to the cluster's kubeconfig"
        )
    done = tool.attempt(tool.kubectl, "version", "--output", "json", "--request-timeout=15s", timeout=PATIENCE_SECONDS)
    found = json.loads(done.stdout or "{}").get("serverVersion")
    if done.returncode != 0 or not found:
        raise LocalError(
            "the cluster does not answer",
            seen=(done.stderr.strip().splitlines() or ["nothing"])[-1][:300],
            remedy="check KUBECONFIG, its context and its credentials: kubectl version",
        )
    return str(found["gitVersion"])


def _check_rights(tool: Tools) -> None:
    """Helm makes roles, and nobody may give away rights that he has not got himself."""
    done = tool.attempt(tool.kubectl, "auth", "can-i", "*", "*", "--all-namespaces")
    if done.stdout.strip() != "yes":
        who = tool.attempt(tool.kubectl, "auth", "whoami", "--output", "jsonpath={.status.userInfo.username}").stdout
        raise LocalError(
            "the chart makes namespaces, CRDs, cluster roles and admission policies, which needs cluster-admin",
            seen=f"user {who.strip() or 'unknown'} may not do everything",
            remedy="use a kubeconfig of an administrator",
        )


def _render(tool: Tools, release: suitable.Release, version: str, arguments: Sequence[str]) -> list[dict[str, Any]]:
    done = tool.attempt(
        tool.helm,
        "template",
        release.name,
        str(CHART),
        "--namespace",
        release.namespace,
        "--kube-version",
        version,
        *arguments,
    )
    if done.returncode != 0:
        raise LocalError(
            "the chart refuses these values",
            seen=done.stderr.strip()[-1500:],
            remedy="mend them; charts/ink/values.yaml explains each",
        )
    documents = [one for one in yaml.safe_load_all(done.stdout) if one]
    return [one for one in documents if not suitable.is_hook(one)]


def _existing(tool: Tools, rendered: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Those of the chart's objects that the cluster has."""
    asked = [
        {
            "apiVersion": one["apiVersion"],
            "kind": one["kind"],
            "metadata": {key: one["metadata"][key] for key in ("name", "namespace") if key in one["metadata"]},
        }
        for one in rendered
    ]
    text = tool.run(
        tool.kubectl,
        *("get", "--ignore-not-found", "--output", "json", "--filename", "-"),
        stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": asked}),
    )
    if not text.strip():
        return []
    found = json.loads(text)
    items: list[dict[str, Any]] = found["items"] if found["kind"] == "List" else [found]
    return items


def _address(tool: Tools, rendered: Sequence[Mapping[str, Any]]) -> list[LocalError]:
    """Ask the API server, without making it, for a Service with the address that the registry is to get."""
    wanted = next(one for one in rendered if suitable.is_service(one, "registry"))
    address = wanted["spec"].get("clusterIP")
    if not address:
        return []
    holders = [one for one in tool.items("services", "--all-namespaces") if one["spec"].get("clusterIP") == address]
    if holders:  # a dry run does not notice that an address is taken
        own = suitable.named(holders[0]) == suitable.named(wanted)
        return [] if own else [_no_address(f"{address} belongs to {suitable.named(holders[0])}")]
    trial = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "ink-address-trial", "namespace": "default"},
        "spec": {"clusterIP": address, "ports": [{"port": 5000}]},
    }
    done = tool.attempt(tool.kubectl, "create", "--dry-run=server", "--filename", "-", stdin=json.dumps(trial))
    return [] if done.returncode == 0 else [_no_address(done.stderr.strip()[-300:])]


def _no_address(seen: str) -> LocalError:
    return LocalError(
        "the registry cannot have the address registry.clusterIP",
        seen=seen,
        remedy="choose a free one of the cluster's service range, or leave it empty",
    )
