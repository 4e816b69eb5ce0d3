"""A tenant with nothing but `edit` in one namespace, and its victim, before an API server with the chart installed."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ink_cli.sealing import sealed
from support.cluster.control_plane import ControlPlane
from support.cluster.kube_api import MERGE, Json, KubeApi, Refused, managed_namespace
from support.operating.engine import CLAIMS, CRS, OPERATOR, Engine, signing_key
from support.operating.process import AnsweringApp, OperatorProcess, PlayedKubelet
from support.operating.recording_proxy import RecordingProxy
from support.outside.platform import condition
from support.waiting import eventually

MALLORY = "mallory"
VALUE = "hunter2-of-the-victim"
KINDS = (
    ("v1", "secrets"),
    ("v1", "services"),
    ("v1", "configmaps"),
    ("v1", "persistentvolumeclaims"),
    ("apps/v1", "deployments"),
    ("apps/v1", "controllerrevisions"),
    ("batch/v1", "jobs"),
    ("batch/v1", "cronjobs"),
    ("networking.k8s.io/v1", "ingresses"),
    ("networking.k8s.io/v1", "networkpolicies"),
    ("rbac.authorization.k8s.io/v1", "rolebindings"),
    ("ml.ink/v1alpha1", "inkservices"),
)


@dataclass
class Attack:
    """`mine`: Mallory's namespace. `victim`: another's, with the service `shop`, a Secret and a public host."""

    api: KubeApi
    engine: Engine
    registry: str
    """Ink's, as this operator knows it."""
    victim: str
    mine: str = ""

    def fresh(self) -> str:
        """One more namespace of Mallory's."""
        name = f"mallory-{secrets.token_hex(4)}"
        managed_namespace(self.api, name)
        bind(self.api, name)
        return name

    def ask(self, method: str, path: str, body: Json | None = None, **headers: str) -> str:
        """What the API server says to Mallory; "" when it does as asked."""
        return words(self.api, MALLORY, method, path, body, **headers)

    def creates(self, manifest: Json) -> str:
        return self.ask("POST", collection(manifest), manifest)

    def changes(self, path: str, patch: Json) -> str:
        return self.ask("PATCH", path, patch, content_type=MERGE)

    def service(self, namespace: str, name: str = "shop", **spec: Any) -> str:
        """Mallory asks for a service."""
        image = {"source": {"image": {"ref": "registry.example.com/shop@sha256:" + "1" * 64}}}
        body = {**image, "subdomain": namespace, **spec}
        manifest = {"apiVersion": "ml.ink/v1alpha1", "kind": "InkService", "spec": body}
        return self.creates({**manifest, "metadata": {"name": name, "namespace": namespace}})

    def ready(self, namespace: str, name: str = "shop", plural: str = "inkservices") -> Json:
        """Ready, once it is said and no more work is going on."""

        def said() -> Json | None:
            found = self.api.get(f"/apis/ml.ink/v1alpha1/namespaces/{namespace}/{plural}/{name}")
            stated = condition(found, "Ready")
            newest = stated.get("observedGeneration") == found["metadata"]["generation"]
            return stated if newest and not condition(found, "Reconciling") else None

        return eventually(
            said,
            within=60,
            what=f"{namespace}/{name} is done",
            state=lambda: self.engine.operator.tail(25),
        )

    def belongings(self) -> dict[str, str]:
        """All that the victim has, by name; another version of an object is another object."""
        found = {}
        for version, plural in KINDS:
            root = f"/api/{version}" if version == "v1" else f"/apis/{version}"
            for item in self.api.get(f"{root}/namespaces/{self.victim}/{plural}")["items"]:
                found[f"{plural}/{item['metadata']['name']}"] = item["metadata"]["resourceVersion"]
        for claim in self.engine.claims(self.victim, "shop"):
            found[f"claim {claim['data']['host']}"] = claim["metadata"]["resourceVersion"]
        return found


def words(api: KubeApi, user: str, method: str, path: str, body: Json | None = None, **headers: str) -> str:
    """The message of a refusal, as `user` gets it; "" when there is none."""
    joint = "&" if "?" in path else "?"
    where = path if method in ("GET", "DELETE") else f"{path}{joint}fieldValidation=Strict"
    try:
        api.request(method, where, body, Impersonate_User=user, **headers)
    except Refused as refused:
        return refused.message or str(refused)
    return ""


def collection(manifest: Json) -> str:
    """Where objects of the kind are created."""
    version, kind = manifest["apiVersion"], manifest["kind"].lower()
    plural = f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}{'es' if kind.endswith('ss') else 's'}"
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    where = manifest["metadata"].get("namespace")
    return f"{root}/namespaces/{where}/{plural}" if where else f"{root}/{plural}"


def bind(api: KubeApi, namespace: str) -> None:
    """`edit` in the namespace, as an administrator gives it to a team."""
    meta = {"name": MALLORY, "namespace": namespace}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit"}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": MALLORY}
    binding = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": meta}
    path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings"
    api.create(path, {**binding, "roleRef": role, "subjects": [subject]})
    services = f"{CRS.format(namespace)}?dryRun=All"
    probe = {"apiVersion": "ml.ink/v1alpha1", "kind": "InkService", "metadata": {"name": "probe"}}
    body = {**probe, "spec": {"source": {"image": {"ref": "x"}}}}
    eventually(lambda: words(api, MALLORY, "POST", services, body) == "", within=30, what="edit is at work")


def secret(namespace: str, name: str, **data: str) -> Json:
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace},
        "data": encoded,
    }


def sealed_for(api: KubeApi, namespace: str, service: str = "shop", variable: str = "TOKEN") -> str:
    """A value as `ink seal` makes it; anybody may seal for anybody."""

    def key_set() -> Json | None:
        found = api.find(f"{CLAIMS}/ink-sealing")
        return json.loads(found["data"]["jwks.json"]) if found and found.get("data") else None

    keys = eventually(key_set, within=30, what="the public keys are there")
    return sealed(keys, namespace, service, variable, VALUE)


@contextmanager
def under_attack(plane: ControlPlane, scratch: Path) -> Iterator[Attack]:
    """The operator at work under the chart's rights and policies."""
    app, kubelet, proxy = AnsweringApp(), PlayedKubelet(plane.api), RecordingProxy(plane.kubeconfig, OPERATOR)
    proxy.start()
    settings = {
        "INK_TRAEFIK_URL": app.url,
        "INK_REGISTRY": app.url.removeprefix("http://"),
        "INK_RESOLVER_URL": app.url,
        **signing_key(),
    }
    operator = OperatorProcess(proxy.kubeconfig(scratch / "kubeconfig"), scratch / "operator.log", **settings)
    operator.start()
    try:
        engine, victim = Engine(plane.api, proxy, operator), f"victim-{secrets.token_hex(4)}"
        attack = Attack(plane.api, engine, settings["INK_REGISTRY"], victim)
        managed_namespace(plane.api, attack.victim)
        plane.api.create(f"/api/v1/namespaces/{attack.victim}/secrets", secret(attack.victim, "login", password=VALUE))
        token = {"name": "TOKEN", "valueFrom": {"sealed": sealed_for(plane.api, attack.victim)}}
        attack.engine.create(attack.victim, "shop", env=[token])
        attack.engine.wait_ready(attack.victim, "shop")
        attack.mine = attack.fresh()
        yield attack
    finally:
        operator.end()
        proxy.stop()
        kubelet.stop()
        app.shutdown()
