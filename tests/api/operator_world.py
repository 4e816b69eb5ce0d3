"""An operator of the tests' own before a real API server, and what it makes there."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from support.kube_api import Json, KubeApi
from support.operator_process import OperatorProcess
from support.platform import condition
from support.recording_proxy import RecordingProxy
from support.waiting import eventually, stays

CRS = "/apis/ml.ink/v1alpha1/namespaces/{}/inkservices"
CHILDREN = (
    "/apis/apps/v1/namespaces/{}/deployments",
    "/api/v1/namespaces/{}/services",
    "/apis/networking.k8s.io/v1/namespaces/{}/ingresses",
    "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
    "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings",
)
CLAIMS = "/api/v1/namespaces/dp-system/configmaps"
CONVERGES_SECONDS = 60


@dataclass
class World:
    """An API server with an operator of its own before it."""

    api: KubeApi
    proxy: RecordingProxy
    operator: OperatorProcess

    def create(self, namespace: str, name: str, **spec: object) -> None:
        image = {"ref": "registry.example.com/shop@sha256:" + "1" * 64}
        body = {"source": {"image": image}, "subdomain": namespace, **spec}
        meta = {"name": name, "namespace": namespace}
        manifest = {"apiVersion": "ml.ink/v1alpha1", "kind": "InkService", "metadata": meta, "spec": body}
        self.api.create(CRS.format(namespace), manifest)

    def service(self, namespace: str, name: str) -> Json | None:
        return self.api.find(f"{CRS.format(namespace)}/{name}")

    def is_ready(self, namespace: str, name: str) -> bool:
        found = self.service(namespace, name)
        assert found is not None
        stated, generation = condition(found, "Ready"), found["metadata"]["generation"]
        return stated.get("status") == "True" and stated.get("observedGeneration") == generation

    def wait_ready(self, namespace: str, name: str) -> None:
        def ready() -> bool:
            self.operator.ensure()
            return self.is_ready(namespace, name)

        eventually(
            ready,
            within=CONVERGES_SECONDS,
            what=f"{namespace}/{name} is ready",
            state=lambda: f"{json.dumps(self.service(namespace, name), indent=1)}\n{self.operator.tail()}",
        )

    def children(self, namespace: str, name: str) -> list[str]:
        """What belongs to the service, without what differs from one life of a cluster to the next."""
        uid = str((self.service(namespace, name) or {"metadata": {}})["metadata"].get("uid", "none"))
        items = [item for path in CHILDREN for item in self.api.get(path.format(namespace))["items"]]
        ours = [item for item in items if "ml.ink/" in json.dumps(item["metadata"])]
        ours += [claim for claim in self.api.get(CLAIMS)["items"] if f"{namespace}/{name}" in json.dumps(claim)]
        return sorted(stable(item, namespace, name, uid) for item in ours)


def stable(item: Json, namespace: str, name: str, uid: str) -> str:
    """The object as text, with what names this one life taken out."""
    meta = dict(item["metadata"])
    for volatile in ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields"):
        meta.pop(volatile, None)
    annotations = dict(meta.get("annotations") or {})
    annotations.pop("deployment.kubernetes.io/revision", None)
    kept = {key: value for key, value in item.items() if key != "status"}
    text = json.dumps({**kept, "metadata": {**meta, "annotations": annotations}}, sort_keys=True)
    text = text.replace(uid, "UID").replace(namespace, "NAMESPACE").replace(name, "NAME")
    text = re.sub(r'"clusterIPs?": (\[[^\]]*\]|"[^"]*")', '"clusterIP": "IP"', text)
    text = re.sub(r'("ml.ink/(?:applied|revision)": )"[0-9a-f]+"', r'\1"HASH"', text)
    return re.sub(r"host-[0-9a-f]{20}", "host-HASH", text)


def settled(world: World) -> bool:
    """Whether nothing was written for two seconds."""
    world.proxy.forget()
    stays(lambda: True, seconds=2, what="time passes")
    return world.proxy.writes == []
