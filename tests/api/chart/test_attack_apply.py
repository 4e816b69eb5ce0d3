"""What the API server itself refuses to somebody with `edit` in one namespace: by RBAC, by policy or by the schema."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from ink_api.names import host_claim
from support.cluster.control_plane import ControlPlane
from support.cluster.kube_api import Json
from support.operating.attack import MALLORY, Attack, under_attack, words
from support.waiting import eventually

REGISTRY = "registry.dp-system.svc.cluster.local:5000"
Try = Callable[[Attack], str]
"""An attempt, and what was said to it."""


@pytest.fixture(scope="module")
def attack(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attack]:
    with under_attack(plane, tmp_path_factory.mktemp("attack")) as made:
        made.service(made.mine)
        made.engine.wait_ready(made.mine, "shop")
        yield made


def crs(namespace: str) -> str:
    return f"/apis/ml.ink/v1alpha1/namespaces/{namespace}/inkservices"


def ingress(namespace: str, host: str, class_name: str | None, **annotations: str) -> Json:
    backend = {"service": {"name": "shop", "port": {"number": 8080}}}
    rule = {"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    spec = {"rules": [rule], **({"ingressClassName": class_name} if class_name else {})}
    meta = {"name": "raw", "namespace": namespace, "annotations": annotations}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": meta, "spec": spec}


def pod(namespace: str, **containers: str) -> Json:
    spec: Json = {"containers": [{"name": "c", "image": containers.get("containers", "busybox")}]}
    if "initContainers" in containers:
        spec["initContainers"] = [{"name": "i", "image": containers["initContainers"]}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "raw", "namespace": namespace}, "spec": spec}


def claim(a: Attack) -> str:
    return f"/api/v1/namespaces/dp-system/configmaps/{host_claim(f'{a.victim}.apps.localhost')}"


def image_of_the_victim(a: Attack) -> str:
    return f"{REGISTRY}/ink.namespaces/{a.victim}/shop@sha256:" + "1" * 64


def job(namespace: str) -> Json:
    labels = {"ml.ink/component": "build", "ml.ink/service": "shop", "ml.ink/tenant": "victim"}
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "build", "image": "busybox"}]}}
    meta = {"name": "b-0", "namespace": namespace, "labels": labels}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": {"template": template}}


def binding(namespace: str) -> Json:
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "ink-operator-namespace"}
    meta = {"name": "mine", "namespace": namespace}
    manifest = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": meta}
    return {**manifest, "roleRef": role, "subjects": [{"kind": "User", "name": MALLORY}]}


def endpoints(namespace: str) -> Json:
    meta = {"name": "shop-x", "namespace": namespace, "labels": {"kubernetes.io/service-name": "shop"}}
    manifest = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": meta}
    return {**manifest, "addressType": "IPv4", "endpoints": [{"addresses": ["10.96.0.1"]}], "ports": [{"port": 443}]}


def namespace(name: str) -> Json:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def env(**source: Json) -> Json:
    return {"env": [{"name": "A", "valueFrom": source}]}


HEAD = {"metadata": {"annotations": {"ml.ink/head": "main@" + "e" * 40}}}
REFUSED: dict[str, tuple[Try, str]] = {
    "a service in another's namespace": (lambda a: a.service(a.victim, "mine"), "cannot create resource"),
    "a service in the gateway's namespace": (lambda a: a.service("ink-tenants", "w.p.mine"), "cannot create resource"),
    "a service among the builds": (lambda a: a.service("dp-builds", "mine"), "cannot create resource"),
    "another's service changed": (
        lambda a: a.changes(f"{crs(a.victim)}/shop", {"spec": {"replicas": 9}}), "cannot patch"),
    "another's service told of a commit": (lambda a: a.changes(f"{crs(a.victim)}/shop", HEAD), "cannot patch"),
    "another's service deleted": (lambda a: a.ask("DELETE", f"{crs(a.victim)}/shop"), "cannot delete"),
    "another's service read": (lambda a: a.ask("GET", f"{crs(a.victim)}/shop"), "cannot get"),
    "another's Secret": (
        lambda a: a.ask("GET", f"/api/v1/namespaces/{a.victim}/secrets/login"), "cannot get resource"),
    "the platform's Secret": (
        lambda a: a.ask("GET", "/api/v1/namespaces/dp-system/secrets/sealing-keys"), "cannot get resource"),
    "its own status": (
        lambda a: a.changes(f"{crs(a.mine)}/shop/status", {"status": {"commit": "e" * 40}}), "cannot patch"),
    "the claim of another's host": (lambda a: a.ask("DELETE", claim(a)), "cannot delete"),
    "a claim forged": (
        lambda a: a.creates({"apiVersion": "v1", "kind": "ConfigMap",
                             "metadata": {"name": "host-0", "namespace": "dp-system"}}), "cannot create"),
    "a build of its own making": (lambda a: a.creates(job("dp-builds")), "cannot create"),
    "the operator's rights": (lambda a: a.creates(binding(a.mine)), "cannot create"),
    "its namespace labelled": (
        lambda a: a.changes(f"/api/v1/namespaces/{a.mine}",
                            {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "privileged"}}}),
        "cannot patch"),
    "a namespace of a project's name": (lambda a: a.creates(namespace("ink-t-victim--shop")), "cannot create"),
    "a route to another's host": (
        lambda a: a.creates(ingress(a.mine, f"{a.victim}.apps.localhost", "ink")), "IngressClass ink is reserved"),
    "such a route by annotation": (
        lambda a: a.creates(ingress(a.mine, f"{a.victim}.apps.localhost", None,
                                    **{"kubernetes.io/ingress.class": "ink"})), "IngressClass ink is reserved"),
    "its own route led to another's host": (
        lambda a: a.changes(f"/apis/networking.k8s.io/v1/namespaces/{a.mine}/ingresses/shop",
                            {"spec": ingress(a.mine, f"{a.victim}.apps.localhost", "ink")["spec"]}),
        "IngressClass ink is reserved"),
    "its own route with another priority": (
        lambda a: a.changes(f"/apis/networking.k8s.io/v1/namespaces/{a.mine}/ingresses/shop",
                            {"metadata": {"annotations": {"traefik.ingress.kubernetes.io/router.priority": "9"}}}),
        "IngressClass ink is reserved"),
    "addresses behind its own Service": (lambda a: a.creates(endpoints(a.mine)), "cannot create"),
    "another's image in a pod": (
        lambda a: a.creates(pod(a.mine, containers=image_of_the_victim(a))), "images of its own services only"),
    "another's image in an init container": (
        lambda a: a.creates(pod(a.mine, initContainers=image_of_the_victim(a))), "images of its own services only"),
    "a workspace's image in a pod": (
        lambda a: a.creates(pod(a.mine, containers=f"{REGISTRY}/{a.mine}/p/shop:1")),
        "images of its own services only"),
    "an image of a namespace that begins like it": (
        lambda a: a.creates(pod(a.mine, containers=f"{REGISTRY}/ink.namespaces/{a.mine}-b/shop:1")),
        "images of its own services only"),
    "a Secret by the name of its namespace": (
        lambda a: a.service(a.mine, "x", **env(secretKeyRef={"name": f"{a.victim}/login", "key": "password"})),
        "spec.env[0].valueFrom.secretKeyRef.name"),
    "a Secret with a namespace": (
        lambda a: a.service(
            a.mine, "x", **env(secretKeyRef={"name": "login", "key": "password", "namespace": a.victim})),
        'unknown field "spec.env[0].valueFrom.secretKeyRef.namespace"'),
    "a resource with a namespace": (
        lambda a: a.service(a.mine, "x", **env(resourceRef={"name": "db", "key": "url", "namespace": a.victim})),
        'unknown field "spec.env[0].valueFrom.resourceRef.namespace"'),
    "a host of more labels": (lambda a: a.service(a.mine, "x", subdomain=f"x.{a.victim}"), "spec.subdomain"),
    "a host of another domain": (lambda a: a.service(a.mine, "x", subdomain="git.localhost:8443/"), "spec.subdomain"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_in_words_and_the_victim_has_what_it_had(attack: Attack, name: str) -> None:
    attempt, said = REFUSED[name]
    before = attack.belongings()
    assert said in attempt(attack)
    assert attack.belongings() == before


def test_a_debug_container_has_no_image_of_anothers_either(attack: Attack) -> None:
    assert attack.creates(pod(attack.mine)) == ""
    path = f"/api/v1/namespaces/{attack.mine}/pods/raw"
    debug = {"name": "d", "image": image_of_the_victim(attack), "targetContainerName": "c"}
    patch = {"spec": {"ephemeralContainers": [debug]}}
    assert "images of its own services only" in words(
        attack.api, "", "PATCH", f"{path}/ephemeralcontainers", patch, content_type="application/merge-patch+json"
    )
    assert attack.changes(path, {"metadata": {"labels": {"a": "b"}}}) == ""
    attack.ask("DELETE", path)


def test_images_of_its_own_services_and_of_elsewhere_are_free(attack: Attack) -> None:
    own = f"{REGISTRY}/ink.namespaces/{attack.mine}/shop@sha256:" + "1" * 64
    path = f"/api/v1/namespaces/{attack.mine}/pods?dryRun=All"
    assert attack.ask("POST", path, pod(attack.mine, containers=own)) == ""
    assert attack.ask("POST", path, pod(attack.mine)) == ""


def test_who_makes_namespaces_makes_none_for_the_gateways_projects(attack: Attack) -> None:
    """A right that some clusters give to everybody: a namespace of one's own."""
    api = attack.api
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "self-service"}}
    rules = [{"apiGroups": [""], "resources": ["namespaces"], "verbs": ["create"]}]
    root = "/apis/rbac.authorization.k8s.io/v1"
    api.create(f"{root}/clusterroles", {**role, "rules": rules})
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "self-service"}
    bound = {**role, "kind": "ClusterRoleBinding", "roleRef": ref}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "sam"}
    api.create(f"{root}/clusterrolebindings", {**bound, "subjects": [subject]})
    path = "/api/v1/namespaces?dryRun=All"
    eventually(lambda: words(api, "sam", "POST", path, namespace("free")) == "", within=30, what="Sam may make some")
    assert "made by Ink's operator" in words(api, "sam", "POST", path, namespace("ink-t-victim--shop"))
    assert words(api, "", "POST", path, namespace("ink-t-victim--shop")) == ""
