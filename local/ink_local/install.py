"""The chart into a cluster: `python -m ink_local.install --name NAME`, or `--existing` for the one of KUBECONFIG.

Into a local cluster: builds the project's images, imports them into the node, installs the chart with helm, and tells
containerd how to pull from the chart's registry. Into an existing one: helm alone, with the arguments given.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ink_local import baseimages, build, containerd, existing, files, images, ownimages, state
from ink_local import holder as holders
from ink_local.cluster import Cluster
from ink_local.errors import LocalError, exit_code
from ink_local.existing import CHART
from ink_local.suitable import Release
from ink_local.ticker import Ticker

RELEASE = Release("ink", "ink")
SYSTEM = "dp-system"
REGISTRY = f"registry.{SYSTEM}.svc.cluster.local:5000"
CA_BUNDLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@dataclass(frozen=True)
class Endpoint:
    """What a client needs to use the platform."""

    mcp_url: str
    api_key: str
    ca: Path


def local_values(cluster: Cluster, references: Mapping[str, str]) -> dict[str, Any]:
    """Chart values that only this machine knows. `references`: component -> image reference with a tag."""
    own = {}
    for component, reference in references.items():
        repository, _, tag = reference.rpartition(":")
        own[component] = {"repository": repository, "tag": tag}
    node = f"{cluster.addresses.node}/32"
    values: dict[str, Any] = {
        "platform": {"port": cluster.apps_port},
        "images": own,
        "registry": {"clusterIP": cluster.addresses.registry},
        "builders": {
            "mirrors": {"docker.io": [{"host": cluster.hub, "insecure": True}]},
            "baseImages": baseimages.languages(),
        },
        "ingress": {
            "tls": {
                "certificate": cluster.paths.apps_certificate.read_text(),
                "key": cluster.paths.apps_key.read_text(),
            }
        },
        "network": {"apiServer": {"cidrs": [node], "ports": [6443]}, "nodeCIDRs": [node]},
    }
    bundle = machine_bundle()
    if bundle:
        values["builders"]["caBundle"] = bundle
    return values


def machine_bundle() -> str:
    """PEM text of the machine's own CA bundle, if its environment names one: RUN steps must trust the same."""
    named = next((os.environ[name] for name in CA_BUNDLES if os.environ.get(name)), None)
    return Path(named).read_text() if named and Path(named).is_file() else ""


def _tools(cluster: Cluster) -> existing.Tools:
    """Of the programs built here: what the PATH has plays no part in a local cluster."""
    programs = build.ensure(["kube", "helm"])
    environment = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig)}
    return existing.Tools(str(programs["kubectl"]), str(programs["helm"]), environment)


def kubectl(kubeconfig: Path, *arguments: str) -> str:
    """Output of a kubectl call. Raises LocalError with its words."""
    program = build.ensure(["kube"])["kubectl"]
    done = subprocess.run(
        [str(program), "--kubeconfig", str(kubeconfig), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if done.returncode != 0:
        raise LocalError(
            f"kubectl {' '.join(arguments[:3])} failed",
            seen=done.stderr.strip()[-500:],
            remedy="see `ink_local status`",
        )
    return done.stdout


def secret(kubeconfig: Path, name: str, namespace: str = SYSTEM) -> dict[str, str]:
    """A Secret's values."""
    found = json.loads(kubectl(kubeconfig, "get", "secret", name, "--namespace", namespace, "--output", "json"))
    return {key: base64.b64decode(value).decode() for key, value in found["data"].items()}


def fingerprint(values: Mapping[str, Any]) -> str:
    """Names the chart's files and the values: equal means that installing again would change nothing."""
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode())
    for path in sorted(p for p in CHART.rglob("*") if p.is_file()):
        digest.update(str(path.relative_to(CHART)).encode() + path.read_bytes())
    return digest.hexdigest()


def install(cluster: Cluster, ticker: Ticker) -> None:
    """Bring the chart into a running local cluster; quick when nothing changed."""
    holder = holders.find(cluster)
    if holder is None:
        raise LocalError(f"the cluster {cluster.name!r} does not run", remedy=f"make up NAME={cluster.name}")
    own = ownimages.ensure(ticker)
    platform = images.platform(baseimages.ensure_images(ticker))
    archives = {**platform, **{image.reference: image.archive for image in own.values()}}
    imported = containerd.import_images(holder, archives)
    if imported:
        ticker.say(f"  ✓ images imported: {len(imported)}")
    values = local_values(cluster, {target: image.reference for target, image in own.items()})
    mark = cluster.paths.run / "chart.installed"
    wanted = fingerprint(values)
    if mark.exists() and mark.read_text() == wanted:
        ticker.say("  ✓ the chart is installed, nothing changed")
        return
    file = cluster.paths.config / "values.yaml"
    files.write(file, yaml.safe_dump(values))
    arguments = ["--values", str(CHART / "values-local.yaml"), "--values", str(file)]
    existing.install(_tools(cluster), RELEASE, arguments, ticker)
    hosts = cluster.paths.certs_d / REGISTRY / "hosts.toml"
    hosts.parent.mkdir(parents=True, exist_ok=True)
    files.write(hosts, existing.registry_hosts(cluster.addresses.registry, secret(cluster.kubeconfig, "registry-node")))
    mark.write_text(wanted)


def endpoint_of(cluster: Cluster) -> Endpoint:
    """Where clients of a local cluster connect, and the first key."""
    key = secret(cluster.kubeconfig, "gateway")["bootstrap-api-key"]
    return Endpoint(f"https://localhost:{cluster.apps_port}/mcp", key, cluster.paths.ca)


def shell(cluster: Cluster) -> str:
    """What `eval` in a shell needs for `ink`, kubectl, curl and git to reach a local cluster; holds the API key."""
    endpoint = endpoint_of(cluster)
    programs = [str(Path(sys.executable).parent), str(build.ensure(["kube"])["kubectl"].parent)]
    settings = {
        "KUBECONFIG": str(cluster.kubeconfig),
        "INK_URL": endpoint.mcp_url.removesuffix("/mcp"),
        "INK_CA": str(endpoint.ca),
        "INK_API_KEY": endpoint.api_key,
    }
    lines = [f"export {name}={shlex.quote(value)}" for name, value in settings.items()]
    return "\n".join([f'export PATH={shlex.quote(":".join(programs))}:"$PATH"', *lines])


def main() -> int:
    """Entry point; 0 when the chart is installed and ready."""
    parser = argparse.ArgumentParser(prog="ink_local.install", description=__doc__)
    parser.add_argument("--name", default="ink", help="the local cluster")
    parser.add_argument("--existing", action="store_true", help="install into the cluster of KUBECONFIG")
    parser.add_argument(
        "--env", action="store_true", help="print what a shell needs to use a local cluster, do nothing"
    )
    known, rest = parser.parse_known_args()
    return exit_code(lambda: _run(known, rest))


def _run(known: argparse.Namespace, rest: list[str]) -> None:
    ticker = Ticker()
    if known.env:
        print(shell(state.load(known.name)))
    elif known.existing:
        tool = existing.tools()
        rendered = existing.check(tool, RELEASE, rest, ticker)
        existing.install(tool, RELEASE, rest, ticker)
        existing.finish(tool, RELEASE, rendered)
    else:
        install(state.load(known.name), ticker)


if __name__ == "__main__":
    sys.exit(main())
