"""Looking at a cluster that runs already, before anything in it is changed: what `cluster_checks` decides on."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from ink_artifacts.errors import SetupError
from ink_artifacts.progress import ProgressPrinter

from ink_install import cluster_checks
from ink_install.release import CHART, HelmRelease
from ink_install.tools import Tools

PATIENCE_SECONDS = 60


def check(
    tool: Tools, release: HelmRelease, arguments: Sequence[str], progress: ProgressPrinter
) -> list[dict[str, Any]]:
    """Check whether the cluster can take the chart with these helm arguments, and change nothing.

    Returns the chart's manifests. Raises SetupError after printing each problem with its remedy.
    """
    with progress.step("checking the cluster", "checked"):
        version = _version(tool)
        _check_rights(tool)
        rendered = _render(tool, release, version, arguments)
        problems = [
            *cluster_checks.collisions(_existing(tool, rendered), release),
            *cluster_checks.storage(rendered, tool.items("storageclasses")),
            *cluster_checks.host_ports(rendered, tool.items("pods", "--all-namespaces")),
            *cluster_checks.absent_images(rendered, nodes := tool.items("nodes")),
            *_address(tool, rendered),
        ]
    server = tool.run(tool.kubectl, "config", "view", "--minify", "--output", "jsonpath={.clusters[0].cluster.server}")
    progress.say(f"  cluster {server}: Kubernetes {version}, {len(nodes)} node{'s' if len(nodes) != 1 else ''}")
    for problem in problems:
        progress.say(f"  ✗ {problem}")
    if problems:
        raise SetupError(
            "the cluster is not ready for Ink; nothing was changed",
            remedy="fix the problems above, then run this again",
        )
    return rendered


def _version(tool: Tools) -> str:
    given = tool.environment.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
    if not any(Path(one).is_file() for one in given.split(os.pathsep)):
        raise SetupError(
            "there is no kubeconfig", seen=f"no file {given}", remedy="set KUBECONFIG to the cluster's kubeconfig"
        )
    done = tool.attempt(tool.kubectl, "version", "--output", "json", "--request-timeout=15s", timeout=PATIENCE_SECONDS)
    found = json.loads(done.stdout or "{}").get("serverVersion")
    if done.returncode != 0 or not found:
        raise SetupError(
            "the cluster does not answer",
            seen=(done.stderr.strip().splitlines() or ["nothing"])[-1][:300],
            remedy="check KUBECONFIG, its current context and its credentials with `kubectl version`",
        )
    return str(found["gitVersion"])


def _check_rights(tool: Tools) -> None:
    """Helm makes roles, and nobody may grant rights that they do not have themselves."""
    done = tool.attempt(tool.kubectl, "auth", "can-i", "*", "*", "--all-namespaces")
    if done.stdout.strip() != "yes":
        who = tool.attempt(tool.kubectl, "auth", "whoami", "--output", "jsonpath={.status.userInfo.username}").stdout
        raise SetupError(
            "the chart creates namespaces, CRDs, cluster roles and admission policies, which needs cluster-admin",
            seen=f"user {who.strip() or 'unknown'} lacks some of these rights",
            remedy="use an administrator's kubeconfig",
        )


def _render(tool: Tools, release: HelmRelease, version: str, arguments: Sequence[str]) -> list[dict[str, Any]]:
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
        raise SetupError(
            "the chart rejects these values",
            seen=done.stderr.strip()[-1500:],
            remedy="correct them; charts/ink/values.yaml explains each one",
        )
    documents = [one for one in yaml.safe_load_all(done.stdout) if one]
    return [one for one in documents if not cluster_checks.is_hook(one)]


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
    wanted = json.dumps({"apiVersion": "v1", "kind": "List", "items": asked})
    return tool.items("--ignore-not-found", "--filename", "-", stdin=wanted)


def _address(tool: Tools, rendered: Sequence[Mapping[str, Any]]) -> list[SetupError]:
    """Ask the API server, without creating it, for a Service with the address that the registry is to get."""
    wanted = next(one for one in rendered if cluster_checks.is_service(one, "registry"))
    address = wanted["spec"].get("clusterIP")
    if not address:
        return []
    owners = [one for one in tool.items("services", "--all-namespaces") if one["spec"].get("clusterIP") == address]
    if owners:  # a dry run does not notice that an address is taken
        own = cluster_checks.named(owners[0]) == cluster_checks.named(wanted)
        return [] if own else [_no_address(f"{address} belongs to {cluster_checks.named(owners[0])}")]
    trial = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "ink-address-trial", "namespace": "default"},
        "spec": {"clusterIP": address, "ports": [{"port": 5000}]},
    }
    done = tool.attempt(tool.kubectl, "create", "--dry-run=server", "--filename", "-", stdin=json.dumps(trial))
    return [] if done.returncode == 0 else [_no_address(done.stderr.strip()[-300:])]


def _no_address(seen: str) -> SetupError:
    return SetupError(
        "the address in registry.clusterIP cannot be used for the registry",
        seen=seen,
        remedy="choose a free address of the cluster's service range, or leave registry.clusterIP empty",
    )
