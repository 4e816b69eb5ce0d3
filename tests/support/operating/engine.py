"""The operator before a real API server, with its real rights: what the proofs about the engine share."""

from __future__ import annotations

import json
import os
import random
import re
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from support.cluster.control_plane import ROOT, ControlPlane
from support.cluster.kube_api import Json, KubeApi, Refused, managed_namespace
from support.operating.process import AnsweringApp, OperatorProcess, PlayedKubelet
from support.operating.recording_proxy import RecordingProxy
from support.outside.platform import condition
from support.waiting import eventually

OPERATOR = "system:serviceaccount:dp-system:operator"
PLATFORM_NAMESPACES = ("dp-system", "dp-builds", "ink-tenants", "ink-ingress")
GOLDEN_CHART = ROOT / "tests" / "golden" / "chart" / "local.yaml"
ALL_CRS = "/apis/ml.ink/v1alpha1/inkservices"
CRS = "/apis/ml.ink/v1alpha1/namespaces/{}/inkservices"
DEPLOYMENTS = "/apis/apps/v1/namespaces/{}/deployments"
SERVICES = "/api/v1/namespaces/{}/services"
INGRESSES = "/apis/networking.k8s.io/v1/namespaces/{}/ingresses"
POLICIES = "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies"
BINDINGS = "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings"
REVISIONS = "/apis/apps/v1/namespaces/{}/controllerrevisions"
CHILDREN = (DEPLOYMENTS, SERVICES, INGRESSES, POLICIES, BINDINGS, REVISIONS)
BUILD_JOBS = "/apis/batch/v1/namespaces/dp-builds/jobs"
CLAIMS = "/api/v1/namespaces/dp-system/configmaps"
LEASE = "/apis/coordination.k8s.io/v1/namespaces/dp-system/leases/ink-operator"
RELEASED = "ml.ink/released-at"
SEED = os.environ.get("INK_TEST_SEED") or str(random.SystemRandom().randrange(10**6))
"""What chance decides follows from it; tests print it."""
CONVERGES_SECONDS = 120
"""Far longer than it takes: machines that run tests do other things as well."""
IMAGE = "registry.example.com/shop@sha256:" + "1" * 64


def source_of(url: str) -> Json:
    """The source of a service from a repository."""
    return {"git": {"url": url, "branch": "main"}}


@dataclass
class Engine:
    """An API server with an operator of its own before it."""

    api: KubeApi
    proxy: RecordingProxy
    operator: OperatorProcess

    def namespace(self, base: str = "acme") -> str:
        """A fresh namespace that Ink manages."""
        name = f"{base}-{secrets.token_hex(4)}"
        managed_namespace(self.api, name)
        return name

    def create(self, namespace: str, name: str, **spec: object) -> None:
        """A service of an image, at a host named like its namespace."""
        body = {"source": {"image": {"ref": IMAGE}}, "subdomain": namespace, **spec}
        meta = {"name": name, "namespace": namespace}
        manifest = {"apiVersion": "ml.ink/v1alpha1", "kind": "InkService", "metadata": meta, "spec": body}
        self.api.create(CRS.format(namespace), manifest)

    def change(self, namespace: str, name: str, **spec: object) -> None:
        self.api.merge(f"{CRS.format(namespace)}/{name}", {"spec": spec})

    def delete(self, namespace: str, name: str) -> None:
        self.api.delete(f"{CRS.format(namespace)}/{name}")

    def service(self, namespace: str, name: str) -> Json | None:
        return self.api.find(f"{CRS.format(namespace)}/{name}")

    def deployment(self, namespace: str, name: str) -> Json | None:
        return self.api.find(f"{DEPLOYMENTS.format(namespace)}/{name}")

    def is_ready(self, namespace: str, name: str) -> bool:
        """Ready, and said of the newest spec."""
        found = self.service(namespace, name)
        return found is not None and says_ready(found)

    def wait_ready(self, namespace: str, name: str, *, within: float = CONVERGES_SECONDS, alive: bool = True) -> None:
        """Until the service is ready. `alive`: an operator that ended is started again, as the kubelet would."""

        def ready() -> bool:
            if alive:
                self.operator.ensure()
            return self.is_ready(namespace, name)

        eventually(
            ready,
            within=within,
            what=f"{namespace}/{name} is ready",
            state=lambda: f"{json.dumps(self.service(namespace, name), indent=1)}\n{self.operator.tail()}",
        )

    def wait_all_ready(self, namespace: str, count: int, *, within: float = CONVERGES_SECONDS) -> None:
        """Until so many services of a namespace are ready."""
        eventually(
            lambda: sum(says_ready(item) for item in self.api.get(CRS.format(namespace))["items"]) == count,
            within=within,
            what=f"{count} services in {namespace} are ready",
            state=self.operator.tail,
        )

    def wait_gone(self, namespace: str, name: str, *, within: float = CONVERGES_SECONDS) -> None:
        eventually(
            lambda: self.service(namespace, name) is None,
            within=within,
            what=f"{namespace}/{name} is gone",
            state=lambda: f"{json.dumps(self.service(namespace, name), indent=1)}\n{self.operator.tail()}",
        )

    def children(self, namespace: str, name: str, *, history: bool = True) -> list[str]:
        """What belongs to the service, without what differs from one life of a cluster to the next.

        `history`: the records of its revisions too, which tell of the way and not of the end.
        """
        uid = str((self.service(namespace, name) or {"metadata": {}})["metadata"].get("uid", "none"))
        items = [
            item
            for path in CHILDREN
            if history or path != REVISIONS
            for item in self.api.get(path.format(namespace))["items"]
        ]
        ours = [item for item in items if re.search(r"ml.ink/|\"ink-", json.dumps(item["metadata"]))]
        ours += [claim for claim in self.claims(namespace, name) if RELEASED not in claim["metadata"]["annotations"]]
        return sorted(stable(item, namespace, name, uid) for item in ours)

    def claims(self, namespace: str, name: str) -> list[Json]:
        """Claims of hosts that the service has, or that are kept for its tenant since it gave them up."""
        found = self.api.get(f"{CLAIMS}?labelSelector=ml.ink/component=claim")["items"]
        return [c for c in found if c["metadata"]["annotations"].get("ml.ink/owner") == f"{namespace}/{name}"]

    def rest(self, *, quiet: float = 2.0, within: float = 30.0, from_now: bool = False) -> None:
        """Until nothing has been written for so long. `from_now`: what came before does not count towards it."""
        began = time.monotonic() if from_now else 0.0

        def still() -> bool:
            writes = self.proxy.writes
            since = max(began, writes[-1].at if writes else 0.0)
            return time.monotonic() - since >= quiet

        eventually(still, within=within, what="the operator rests", state=lambda: str(self.proxy.writes[-10:]))


def says_ready(service: Json) -> bool:
    """Ready=True of the newest generation."""
    stated = condition(service, "Ready")
    return stated.get("status") == "True" and stated.get("observedGeneration") == service["metadata"]["generation"]


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
    text = re.sub(r"NAME-[0-9a-f]{10}", "NAME-HASH", text)
    text = re.sub(r"b-[0-9a-f]{20}-(\d+)(-\w{5})?", r"b-HASH-\1", text)
    text = re.sub(r'("(?:buildKey|key|started|finished)": )"[^"]*"', r'\1"OF THIS LIFE"', text)
    text = re.sub(r'(run\\": \\")[0-9a-f]+', r"\1HASH", text)
    text = re.sub(r'("template": )"[0-9a-f]+"', r'\1"HASH"', text)
    named = r'(\\?"ml.ink/(?:applied|asked|build-key|revision)\\?": ?)\\?"[0-9a-f]+\\?"'
    text = re.sub(named, r'\1"HASH"', text)
    return re.sub(r"host-[0-9a-f]{20}", "host-HASH", text)


def install(plane: ControlPlane) -> None:
    """The platform's namespaces, and the rights and confines of the operator as the chart renders them."""
    for namespace in PLATFORM_NAMESPACES:
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        plane.api.apply(f"/api/v1/namespaces/{namespace}", body)
    wanted = [item for item in yaml.safe_load_all(GOLDEN_CHART.read_text()) if item and is_operators(item)]
    meta = {"name": "sealing-keys", "namespace": "dp-system"}
    wanted.append({"apiVersion": "v1", "kind": "Secret", "metadata": meta})
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as manifests:
        yaml.safe_dump_all(wanted, manifests)
        manifests.flush()
        plane.kubectl.run("apply", "--server-side", "--force-conflicts", f"--filename={manifests.name}")


def is_operators(item: Json) -> bool:
    """Whether a rendered object says what the operator may do."""
    grants = "rbac" in item["apiVersion"] or "admissionregistration" in item["apiVersion"]
    name = str(item["metadata"]["name"])
    return (grants and name.startswith("ink-operator")) or name == "ink-gateway-namespace"


@dataclass
class Surroundings:
    """What stands around every operator of a test run: an API server, a kubelet, an application that answers."""

    plane: ControlPlane
    app: AnsweringApp
    kubelet: PlayedKubelet
    scratch: Path
    active: list[Engine] = field(default_factory=list)

    @contextmanager
    def engine(self, name: str = "operator", **settings: str) -> Iterator[Engine]:
        """An operator with a proxy of its own; ended in the end."""
        proxy = RecordingProxy(self.plane.kubeconfig, OPERATOR)
        proxy.start()
        folder = Path(tempfile.mkdtemp(dir=self.scratch))
        defaults = {
            "INK_TRAEFIK_URL": self.app.url,
            "INK_REGISTRY": self.app.url.removeprefix("http://"),
            "INK_RESOLVER_URL": self.app.url,
            **signing_key(),
        }
        operator = OperatorProcess(
            proxy.kubeconfig(folder / "kubeconfig"), folder / f"{name}.log", **{**defaults, **settings}
        )
        operator.start()
        engine = Engine(self.plane.api, proxy, operator)
        operator.bury = self._free_lease
        self.active.append(engine)
        try:
            yield engine
        finally:
            self.active.remove(engine)
            proxy.mend()
            operator.end()
            proxy.stop()
            if not self.active:
                clear(self.plane.api)

    def _free_lease(self) -> None:
        """No operator lives: nobody need wait until the lease of the last one is over."""
        if not any(engine.operator.is_running for engine in self.active):
            self.plane.api.delete(LEASE)


def serves(api: KubeApi) -> bool:
    """Fresh kinds are refused for a moment (429) until their storage is there."""
    with suppress(Refused):
        return bool(api.get("/apis/ml.ink/v1alpha1/inkservices"))
    return False


def clear(api: KubeApi) -> None:
    """Take all services away without an operator, so that the next one does not look at them; children follow."""
    for item in eventually(lambda: served(api), within=30, what="the kinds are served")["items"]:
        path = f"{CRS.format(item['metadata']['namespace'])}/{item['metadata']['name']}"
        with suppress(Refused):
            api.delete(path)
            if item["metadata"].get("finalizers"):
                api.merge(path, {"metadata": {"finalizers": None}})
    api.request("DELETE", f"{BUILD_JOBS}?propagationPolicy=Background")
    api.request("DELETE", f"{CLAIMS}?labelSelector=ml.ink/component=claim")


def served(api: KubeApi) -> Json | None:
    """All services; None while a fresh API server still makes room for the kind."""
    try:
        return api.get(ALL_CRS)
    except Refused as refused:
        if refused.code == 429:
            return None
        raise


@cache
def signing_key() -> dict[str, str]:
    """A key for registry tokens, as the chart makes one."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ink-operator")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    return {
        "INK_REGISTRY_TOKEN_KEY": key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain).decode(),
        "INK_REGISTRY_TOKEN_CERT": made.sign(key, hashes.SHA256()).public_bytes(pem).decode(),
    }


@contextmanager
def surroundings(plane: ControlPlane, scratch: Path) -> Iterator[Surroundings]:
    """Install the platform and play its neighbours."""
    install(plane)
    eventually(lambda: serves(plane.api), within=30, what="the API server serves Ink's kinds")
    clear(plane.api)
    app, kubelet = AnsweringApp(), PlayedKubelet(plane.api)
    try:
        yield Surroundings(plane, app, kubelet, scratch)
    finally:
        kubelet.stop()
        app.shutdown()
