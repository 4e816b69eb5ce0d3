"""Ink's chart into a running local cluster: build the images, import them into the node, install with helm.

Afterwards containerd is told how to pull from the chart's registry.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ink_artifacts import dockerfile, files, go_programs, own_images
from ink_artifacts.errors import SetupError
from ink_artifacts.progress import ProgressPrinter
from ink_install import release
from ink_install.node_files import registry_hosts
from ink_install.release import CHART, RELEASE
from ink_install.tools import Tools
from ink_standins.images import bases_of_own_images, languages

from ink_local.cluster import LocalCluster
from ink_local.machine import holder as holders
from ink_local.node import containerd, images

SYSTEM = "dp-system"
REGISTRY = f"registry.{SYSTEM}.svc.cluster.local:5000"


@dataclass(frozen=True)
class Endpoint:
    """What a client needs to use Ink."""

    mcp_url: str
    api_key: str
    ca: Path


def local_values(cluster: LocalCluster, references: Mapping[str, str]) -> dict[str, Any]:
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
            "mirrors": {"docker.io": [{"host": cluster.registry_mirror, "insecure": True}]},
            "baseImages": languages(),
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
    named = next((os.environ[name] for name in dockerfile.CA_VARIABLES if os.environ.get(name)), None)
    return Path(named).read_text() if named and Path(named).is_file() else ""


def _tools(cluster: LocalCluster) -> Tools:
    """kubectl and helm as built here: what is on the PATH plays no part in a local cluster."""
    programs = go_programs.ensure(["kube", "helm"])
    environment = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig)}
    return Tools(str(programs["kubectl"]), str(programs["helm"]), environment)


def secret(cluster: LocalCluster, name: str, namespace: str = SYSTEM) -> dict[str, str]:
    """A Secret's values. Raises SetupError with what kubectl reports when there is none."""
    found = _tools(cluster).items("secret", name, "--namespace", namespace)[0]
    return {key: base64.b64decode(value).decode() for key, value in found["data"].items()}


def fingerprint(values: Mapping[str, Any]) -> str:
    """Names the chart's files and the values: equal means that installing again would change nothing."""
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode())
    for path in sorted(p for p in CHART.rglob("*") if p.is_file()):
        digest.update(str(path.relative_to(CHART)).encode() + path.read_bytes())
    return digest.hexdigest()


def install(cluster: LocalCluster, progress: ProgressPrinter) -> None:
    """Bring the chart into a running local cluster; quick when nothing changed."""
    holder = holders.find(cluster)
    if holder is None:
        raise SetupError(f"the cluster {cluster.name!r} is not running", remedy=f"make up NAME={cluster.name}")
    own = own_images.ensure(bases_of_own_images(progress), progress)
    platform = images.of_platform(images.ensure(progress))
    archives = {**platform, **{image.reference: image.archive for image in own.values()}}
    imported = containerd.import_images(holder, archives)
    if imported:
        progress.say(f"  ✓ images imported: {len(imported)}")
    values = local_values(cluster, {target: image.reference for target, image in own.items()})
    mark = cluster.paths.run / "chart.installed"
    wanted = fingerprint(values)
    if mark.exists() and mark.read_text() == wanted:
        progress.say("  ✓ the chart is already installed and up to date")
        return
    file = cluster.paths.config / "values.yaml"
    files.write(file, yaml.safe_dump(values))
    arguments = ["--values", str(CHART / "values-local.yaml"), "--values", str(file)]
    release.install(_tools(cluster), RELEASE, arguments, progress)
    hosts = cluster.paths.certs_d / REGISTRY / "hosts.toml"
    hosts.parent.mkdir(parents=True, exist_ok=True)
    files.write(hosts, registry_hosts(cluster.addresses.registry, secret(cluster, "registry-node")))
    mark.write_text(wanted)


def endpoint_of(cluster: LocalCluster) -> Endpoint:
    """Where clients of a local cluster connect, and the first key."""
    key = secret(cluster, "gateway")["bootstrap-api-key"]
    return Endpoint(f"https://localhost:{cluster.apps_port}/mcp", key, cluster.paths.ca)


def shell(cluster: LocalCluster) -> str:
    """What `eval` in a shell needs for `ink`, kubectl, curl and git to reach a local cluster; holds the API key."""
    endpoint = endpoint_of(cluster)
    programs = [str(Path(sys.executable).parent), str(go_programs.ensure(["kube"])["kubectl"].parent)]
    settings = {
        "KUBECONFIG": str(cluster.kubeconfig),
        "INK_URL": endpoint.mcp_url.removesuffix("/mcp"),
        "INK_CA": str(endpoint.ca),
        "INK_API_KEY": endpoint.api_key,
    }
    lines = [f"export {name}={shlex.quote(value)}" for name, value in settings.items()]
    return "\n".join([f'export PATH={shlex.quote(":".join(programs))}:"$PATH"', *lines])
