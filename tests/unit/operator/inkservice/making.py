"""Values for the operator's unit tests, sane by default."""

from datetime import UTC, datetime, timedelta
from typing import Any

from ink_api.inkservice import InkService
from ink_api.names import ServiceIdentity
from ink_operator.core.objects import Manifest
from ink_operator.settings import Settings

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
SETTINGS = Settings()
IDENTITY = ServiceIdentity("acme", "shop", "web", "ink-t-acme--shop")
GIT = {"url": "https://git.localhost:8443/acme/web.git", "branch": "main", "auth": {"internal": {}}}


def service(**spec: Any) -> InkService:
    """A CR of the gateway's; `spec` in camelCase as on the wire."""
    meta = {"name": "acme.shop.web", "namespace": "ink-tenants", "uid": "u-1", "generation": 1}
    return InkService.model_validate({"metadata": meta, "spec": {"source": {"git": GIT}, **spec}})


def ago(seconds: float) -> str:
    """A time in the API's form, so long before NOW."""
    return (NOW - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def pod(
    name: str = "web-1", *, revision: str = "r2", ready: bool = False, deleted: float | None = None, **container: Any
) -> Manifest:
    """A pod with one container status; `deleted`: asked to go so many seconds ago, with 30 s of grace."""
    meta: dict[str, Any] = {"name": name, "labels": {"ml.ink/revision": revision}, "creationTimestamp": ago(100)}
    if deleted is not None:
        meta |= {"deletionTimestamp": ago(deleted - 30), "deletionGracePeriodSeconds": 30}
    condition = {"type": "Ready", "status": "True" if ready else "False", "lastTransitionTime": ago(10)}
    status = {"conditions": [condition], "containerStatuses": [container] if container else []}
    return {"metadata": meta, "spec": {"containers": [{"image": "shop@sha256:1"}]}, "status": status}


def deployment(*, revision: str = "r2", replicas: int = 1, **status: Any) -> Manifest:
    """A Deployment whose controller has caught up."""
    meta = {"name": "web", "generation": 2, "annotations": {"ml.ink/revision": revision, "ml.ink/image": "x"}}
    full = {"observedGeneration": 2, "replicas": replicas, "updatedReplicas": replicas, "availableReplicas": replicas}
    return {"metadata": meta, "spec": {"replicas": replicas}, "status": {**full, **status}}


def running_since(seconds: float) -> dict[str, Any]:
    return {"running": {"startedAt": ago(seconds)}}


def ended(code: int, reason: str = "Error", message: str = "") -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "reason": reason, "message": message}}


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    return {"waiting": {"reason": reason, "message": message}}
