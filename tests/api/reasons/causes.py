"""What brings each reason about: a spec in a namespace that was prepared for it, or what a container says."""

from __future__ import annotations

from collections.abc import Callable

from ink_api.reasons import Reason
from support.cluster.kube_api import Json, KubeApi
from support.played.node import running, terminated, waiting
from support.resources.specs import git, variable

DISK = {"name": "data", "mountPath": "/data", "size": "1Gi"}
Prepare = Callable[[KubeApi, str], None]


def foreign_deployment(api: KubeApi, namespace: str) -> None:
    labels = {"app": "other"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "a", "image": "a"}]}}
    spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "shop"}, "spec": spec}
    api.create(f"/apis/apps/v1/namespaces/{namespace}/deployments", body)


def quota_of_no_pod(api: KubeApi, namespace: str) -> None:
    spec = {"hard": {"pods": "0"}}
    body = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}, "spec": spec}
    api.create(f"/api/v1/namespaces/{namespace}/resourcequotas", body)


def slow_claim(api: KubeApi, namespace: str) -> None:
    """As a volume with deletionPolicy Retain leaves it."""
    labels = {"ml.ink/service": "shop", "ml.ink/tenant": namespace, "ml.ink/component": "volume"}
    meta = {"name": "shop-data", "labels": {**labels, "app.kubernetes.io/managed-by": "ink"}}
    storage = {"requests": {"storage": "1Gi"}}
    spec = {"accessModes": ["ReadWriteOnce"], "storageClassName": "slow", "resources": storage}
    body = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": spec}
    api.create(f"/api/v1/namespaces/{namespace}/persistentvolumeclaims", body)


def restricted(api: KubeApi, namespace: str) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    api.merge(f"/api/v1/namespaces/{namespace}", {"metadata": {"labels": labels}})


def not_managed(api: KubeApi, namespace: str) -> None:
    api.merge(f"/api/v1/namespaces/{namespace}", {"metadata": {"labels": {"ml.ink/managed": None}}})


def nothing(api: KubeApi, namespace: str) -> None:
    """As it is."""


BY_SPEC: list[tuple[Reason, str, Json, Prepare]] = [
    (Reason.INVALID_SPEC, "own git that is not", git(auth={"internal": {}}), nothing),
    (Reason.REFERENCE_DENIED, "another's repository", git(url="https://git.localhost:8443/other/shop.git"), nothing),
    (Reason.NOT_IMPLEMENTED, "on demand", {"mode": "OnDemand"}, nothing),
    (Reason.HOST_RESERVED, "the platform's host", {"subdomain": "www"}, nothing),
    (Reason.CONFIG_NOT_FOUND, "login that is not there", git(auth={"secretRef": {"name": "gone"}}), nothing),
    (Reason.SOURCE_UNREACHABLE, "no resolver", git(), nothing),
    (Reason.SEALED_VALUE_INVALID, "nobody's value", variable(sealed="eyJ.a.b.c.d"), nothing),
    (Reason.NAMESPACE_NOT_MANAGED, "namespace of others", {}, not_managed),
    (Reason.NAME_CONFLICT, "another's Deployment", {}, foreign_deployment),
    (Reason.QUOTA_EXCEEDED, "no room", {}, quota_of_no_pod),
    (Reason.CAPABILITY_REQUIRED, "stricter than Ink", {}, restricted),
    (Reason.VOLUME_EXISTS, "disk of another class", {"volumes": [{**DISK, "storageClassName": "fast"}]}, slow_claim),
    (Reason.RELEASING, "no node for the command", {"release": {"command": ["migrate"]}}, nothing),
    (Reason.DEPLOYING, "no node", {}, nothing),
]


BY_POD: list[tuple[Reason, Json, Json]] = [
    (Reason.IMAGE_PULL_FAILED, {}, waiting("ImagePullBackOff")),
    (Reason.CONFIG_NOT_FOUND, {}, waiting("CreateContainerConfigError", 'secret "gone" not found')),
    (Reason.CRASH_LOOPING, {}, waiting("CrashLoopBackOff", restarts=3, terminated=terminated(1))),
    (Reason.OUT_OF_MEMORY, {}, waiting("CrashLoopBackOff", restarts=3, terminated=terminated(137, "OOMKilled"))),
    (Reason.CAPABILITY_REQUIRED, {},
     waiting("CrashLoopBackOff", restarts=3, terminated=terminated(1, message="setgid: Operation not permitted"))),
    (Reason.PORT_NOT_LISTENING, {}, running(9000)),
    (Reason.HEALTH_CHECK_FAILED, {"health": {"path": "/healthz"}}, running(9000)),
]  # fmt: skip
