"""An operator at work on a real API server, while a test plays the node."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ink_api.reasons import Reason
from support.cluster.control_plane import ControlPlane
from support.cluster.kube_api import Json, KubeApi
from support.gitops.kstatus import Kstatus
from support.operating.process import OperatorProcess
from support.outside.platform import condition
from support.played.node import PlayedIngress
from support.resources.specs import custom_resource, path_of
from support.waiting import eventually

IMAGE = {"source": {"image": {"ref": "registry.example.com/shop:1"}}}
WITHIN_SECONDS = 60


@dataclass
class PlayedWorld:
    """The operator as a process and a real API server with its controllers; the test is the node and the ingress."""

    api: KubeApi
    operator: OperatorProcess
    ingress: PlayedIngress
    kstatus: Kstatus

    def create(self, namespace: str, name: str = "shop", **spec: Any) -> None:
        body = {**IMAGE, "subdomain": namespace, **spec}
        self.api.create(path_of("InkService", namespace), custom_resource("InkService", name, **body))

    def found(self, namespace: str, name: str = "shop") -> Json:
        return self.api.get(f"{path_of('InkService', namespace)}/{name}")

    def wait_for(self, reason: Reason, namespace: str, name: str = "shop") -> Json:
        """The object, once Ready gives the reason for the newest spec."""

        def said() -> Json | None:
            now = self.found(namespace, name)
            ready = condition(now, "Ready")
            newest = ready.get("observedGeneration") == now["metadata"]["generation"]
            return now if newest and ready.get("reason") == reason else None

        return eventually(
            said,
            within=WITHIN_SECONDS,
            what=f"{namespace}/{name} says {reason}",
            state=lambda: f"{self.found(namespace, name)['status']}\n{self.operator.tail(30)}",
        )


@contextmanager
def played_world(control_plane: ControlPlane, kstatus: Kstatus, scratch: Path) -> Iterator[PlayedWorld]:
    """The world while an operator runs in it."""
    for namespace in ("dp-system", "dp-builds", "ink-tenants", "ink-ingress"):
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        control_plane.api.apply(f"/api/v1/namespaces/{namespace}", body)
    ingress = PlayedIngress()
    operator = OperatorProcess(
        control_plane.kubeconfig,
        scratch / "operator.log",
        INK_TRAEFIK_URL=ingress.url,
        INK_REGISTRY="127.0.0.1:9",
        INK_RESOLVER_URL="http://127.0.0.1:9",
    )
    operator.start()
    try:
        yield PlayedWorld(control_plane.api, operator, ingress, kstatus)
    finally:
        operator.kill()
        ingress.shutdown()
