"""From a push to a live answer: Ink compared with the same steps by hand, in one run on one machine.

`make up`, then `.venv/bin/python bench/live.py --rounds 12`. By hand means: clone from the same git server, `buildctl`
against the same BuildKit with a context of the same files, push to the same registry, `kubectl apply` of a Deployment
and a Service like those that Ink creates, and poll until the new version answers. In both cases a new service has a new
repository in the registry, so that its first push includes the layers of its base image. Ink is polled at its public
HTTPS address, the other one at the Service. Rounds alternate; the first time of each round is a new service, the second
a push of one changed line.

Before each push the cluster rests for a few seconds, so that nothing is left running, plus a random part of a second:
the kubelet checks its containers once a second, and otherwise a push would start right after the check that ended the
last one. For the same reason means are compared: a median jumps by a second. `--json` prints every time.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / part) for part in ("install", "local", "crds", "operator", "mcp_gateway", "tests")]

from common import Row
from ink_api.inkservice.workload import DEFAULT_CPU, DEFAULT_MEMORY
from ink_artifacts import go_programs
from ink_artifacts.progress import ProgressPrinter
from ink_local import chart, state
from ink_local.machine import holder
from ink_local.network import link
from ink_operator.clients.tokens import TokenMint
from ink_operator.inkservice.facts.effective import default_requests
from ink_operator.settings import Secrets
from support.cluster.kube_api import KubeApi
from support.cluster.kubectl import Kubectl
from support.outside.agent import Agent
from support.outside.gitclient import Clone
from support.outside.platform import SAMPLES, Platform

APP = SAMPLES / "hello-dockerfile"
FILE, PORT = "server.py", 8080
NAMESPACE = "bench-by-hand"
REGISTRY = "registry.dp-system.svc.cluster.local:5000"
REPOSITORIES = f"ink.namespaces/{NAMESPACE}"
LIVE_SECONDS = 180.0
LOOK_SECONDS = 0.05
REST_SECONDS = 3.0
COLUMNS = ("", "by hand", "Ink", "Ink / by hand")


@dataclass(frozen=True)
class ByHand:
    """What an administrator would do by hand."""

    kubectl: Kubectl
    buildctl: list[str]
    mint: TokenMint
    scratch: Path

    def deploy(self, clone: Clone, name: str) -> str:
        """Build what was pushed, and apply it. Returns the Service's address."""
        folder = self.scratch / secrets.token_hex(4)
        source = clone.url.replace("://", f"://ink:{clone.token}@")
        shell("git", "clone", "--quiet", "--depth=1", "--branch=main", source, str(folder), env=git_env(clone))
        repository = f"{REPOSITORIES}/{name}"
        image = f"{REGISTRY}/{repository}:{secrets.token_hex(6)}"
        auth = {"auths": {REGISTRY: {"registrytoken": self.mint.registry(repository, "pull", "push")}}}
        (self.scratch / "config.json").write_text(json.dumps(auth))
        made = folder.parent / f"{folder.name}.json"
        shell(
            *self.buildctl,
            "build",
            "--progress=quiet",
            "--frontend=dockerfile.v0",
            f"--local=context={folder}",
            f"--local=dockerfile={folder}",
            f"--output=type=image,name={image},push=true,registry.insecure=true",
            f"--metadata-file={made}",
            env={"DOCKER_CONFIG": str(self.scratch)},
        )
        digest = json.loads(made.read_text())["containerimage.digest"]
        self.kubectl.run("apply", "--filename=-", stdin=json.dumps(manifests(name, f"{image}@{digest}")))
        return self.kubectl.run("get", "service", name, "-n", NAMESPACE, "-o", "jsonpath={.spec.clusterIP}")


def manifests(name: str, image: str) -> dict[str, Any]:
    """A Deployment and a Service with the settings of Ink's own."""
    labels = {"app": name}
    limits = {"cpu": DEFAULT_CPU, "memory": DEFAULT_MEMORY}
    container = {
        "name": "app",
        "image": image,
        "ports": [{"containerPort": PORT}],
        "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1},
        "resources": {"requests": default_requests(**limits), "limits": limits},
    }
    meta = {"name": name, "namespace": NAMESPACE, "labels": labels}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": meta,
        "spec": {
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }
    spec = {"selector": labels, "ports": [{"port": PORT}]}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec}
    return {"apiVersion": "v1", "kind": "List", "items": [deployment, service]}


def shell(*argv: str, env: dict[str, str]) -> None:
    done = subprocess.run(argv, env={**os.environ, **env}, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{argv[0]} failed: {done.stderr[-2000:]}")


def git_env(clone: Clone) -> dict[str, str]:
    return {"GIT_SSL_CAINFO": str(clone.ca), "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_GLOBAL": os.devnull}


def answered(look: Any, wanted: str, what: str) -> float:
    """The time at which `wanted` was first received."""
    until = time.monotonic() + LIVE_SECONDS
    while time.monotonic() < until:
        if wanted in look():
            return time.monotonic()
        time.sleep(LOOK_SECONDS)
    raise SystemExit(f"{what} did not answer {wanted!r} within {LIVE_SECONDS:.0f} s")


def plain(address: str) -> str:
    done = subprocess.run(
        ["curl", "--silent", "--max-time", "2", "--noproxy", "*", f"http://{address}:{PORT}/"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


def one_round(platform: Platform, hand: ByHand, number: int, new: Row, changed: Row) -> None:
    """A new service and one changed line, each way."""
    name = platform.name(f"live{number}")
    for way in ("hand", "ink") if number % 2 else ("ink", "hand"):
        clone = platform.repository(f"{name}-{way}", APP)
        address = ""
        for row, version in ((new, f"n{secrets.token_hex(3)}"), (changed, f"c{secrets.token_hex(3)}")):
            text = (clone.directory / FILE).read_text()
            old = next(line for line in text.splitlines() if line.startswith("VERSION ="))
            clone.replace(FILE, old, f'VERSION = "{version}"')
            time.sleep(REST_SECONDS + random.random())  # noqa: S311 - spreads beginnings, guards nothing
            began = time.monotonic()
            clone.push(version)
            if way == "hand":
                address = hand.deploy(clone, name)
                row.other.append(answered(lambda at=address: plain(at), version, "by hand") - began)
                continue
            if row is new:
                platform.agent.ok("create_service", repo=clone_name(name), name=clone_name(name), wait=0)
                address = f"https://{clone_name(name)}.apps.localhost:{platform.cluster.apps_port}/"
            row.ink.append(answered(lambda at=address: platform.fetch(at).body, version, "Ink") - began)
        if way == "ink":
            platform.agent.ok("delete_service", name=clone_name(name))
        else:
            hand.kubectl.run("delete", "deployment,service", name, "-n", NAMESPACE, "--wait=false")


def clone_name(name: str) -> str:
    return f"{name}-ink"


@contextmanager
def at_hand(name: str) -> Iterator[tuple[Platform, ByHand]]:
    """The running cluster `name`, and the tools to deploy without Ink."""
    cluster = state.load(name)
    endpoint = chart.endpoint_of(cluster)
    node = holder.find(cluster)
    if node is None:
        raise SystemExit(f"cluster {name} is not running: run 'make up'")
    kubectl, api = Kubectl(cluster.kubeconfig), KubeApi(cluster.kubeconfig)
    kubectl.attempt("wait", "--for=delete", f"namespace/{NAMESPACE}", "--timeout=120s")
    kubectl.attempt("create", "namespace", NAMESPACE)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        agent = Agent(endpoint.mcp_url, endpoint.ca, endpoint.api_key)
        workspace = str(agent.ok("whoami")["workspace"])
        platform = Platform(cluster, kubectl, api, agent, endpoint.ca, scratch, workspace)
        tls = chart.secret(cluster, "buildkit-client")
        for file, text in tls.items():
            (scratch / file).write_text(text)
        keys = chart.secret(cluster, "registry-token")
        mint = TokenMint(Secrets(registry_token_key=keys["tls.key"], registry_token_cert=keys["tls.crt"]), 3600)
        address = kubectl.run("get", "service", "buildkitd", "-n", "dp-buildkit", "-o", "jsonpath={.spec.clusterIP}")
        files = (("cacert", "ca.crt"), ("cert", "tls.crt"), ("key", "tls.key"))
        buildctl = [
            *link.in_network(node.pid),
            str(go_programs.ensure(("buildkit",), ProgressPrinter())["buildctl"]),
            f"--addr=tcp://{address}:1234",
            "--tlsservername=buildkitd.dp-buildkit.svc.cluster.local",
            *(f"--tls{flag}={scratch / file}" for flag, file in files),
        ]
        try:
            yield platform, ByHand(kubectl, buildctl, mint, scratch)
        finally:
            kubectl.attempt("delete", "namespace", NAMESPACE, "--wait=false")
            api.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", default="ink", help="name of the running local cluster with Ink")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    new, changed = Row("a new service"), Row("one changed line")
    with at_hand(options.name) as (platform, hand):
        warm = Row(""), Row("")
        one_round(platform, hand, 0, *warm)
        for number in range(1, options.rounds + 1):
            one_round(platform, hand, number, new, changed)
            if not options.json:
                print(f"round {number}: by hand {changed.other[-1]:.1f}, Ink {changed.ink[-1]:.1f}", file=sys.stderr)
    if options.json:
        print(json.dumps([vars(new), vars(changed)], indent=2))
    else:
        print(f"| {' | '.join(COLUMNS)} |\n|{' --- |' * len(COLUMNS)}\n{new.row(2, statistics.mean)}")
        print(changed.row(2, statistics.mean))
    return 0


if __name__ == "__main__":
    sys.exit(main())
