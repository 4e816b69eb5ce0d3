"""Objects that the admission policies judge, and how to ask for a judgement."""

from __future__ import annotations

from support.cluster.kube_api import MERGE, KubeApi, Refused

Object = dict[str, object]

SYSTEM, TENANTS, BUILDS, DAEMONS = "dp-system", "ink-tenants", "dp-builds", "dp-buildkit"
OPERATOR = f"system:serviceaccount:{SYSTEM}:operator"
GATEWAY = f"system:serviceaccount:{SYSTEM}:gateway"
MANAGED, STRANGER, WORKSPACE = "acme", "stranger", "ink-t-w--p"
"""A namespace labelled ml.ink/managed=true, one without the label, one of the gateway's."""
OLGA = "olga"
"""Somebody with the ClusterRole cluster-admin, and no administrator of Ink."""


def creation(api: KubeApi, user: str, manifest: Object) -> str:
    """What the API server says to a dry-run creation: "" when it would take it."""
    return words_of(api, user, "POST", f"{collection(manifest)}?dryRun=All", manifest)


def change(api: KubeApi, user: str, path: str, patch: Object) -> str:
    """What the API server says to a dry-run merge-patch of the object at `path`; "" when it would take it."""
    return words_of(api, user, "PATCH", f"{path}?dryRun=All", patch, content_type=MERGE)


def deletion(api: KubeApi, user: str, path: str) -> str:
    """What the API server says to a dry-run deletion of the object at `path`; "" when it would take it."""
    return words_of(api, user, "DELETE", f"{path}?dryRun=All")


def words_of(api: KubeApi, user: str, method: str, path: str, body: Object | None = None, **headers: str) -> str:
    """The message of a refusal, as `user` ("": the kubeconfig's own identity) gets it; "" when there is none."""
    if user:
        headers["Impersonate_User"] = user
    try:
        api.request(method, path, body, **headers)
    except Refused as refused:
        return refused.message or str(refused)
    return ""


def collection(manifest: Object) -> str:
    """The address that objects of the manifest's kind and namespace are created at."""
    version, kind = str(manifest["apiVersion"]), str(manifest["kind"])
    where = manifest["metadata"].get("namespace", "")  # type: ignore[attr-defined]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    plural = f"{kind.lower()}{'es' if kind.endswith('ss') else 's'}"
    return f"{root}/namespaces/{where}/{plural}" if where else f"{root}/{plural}"


def path_of(manifest: Object) -> str:
    """The object's own address."""
    return f"{collection(manifest)}/{manifest['metadata']['name']}"  # type: ignore[index]


def service(name: str, where: str) -> Object:
    """A small InkService."""
    return {
        "apiVersion": "ml.ink/v1alpha1",
        "kind": "InkService",
        "metadata": {"name": name, "namespace": where, "annotations": {"example.com/mine": "1"}},
        "spec": {"source": {"image": {"ref": "registry.invalid/none:1"}}},
    }


def namespace(name: str, **labels: str) -> Object:
    """A namespace with these labels."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def role_binding(where: str, role: str, account: str, *, kind: str = "ClusterRole", of: str = SYSTEM) -> Object:
    """A RoleBinding of a role to a service account."""
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "probe", "namespace": where},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": of}],
    }


def env_secret(where: str, name: str, **labels: str) -> Object:
    """A Secret; with `OURS`, as the operator makes those of unsealed variables."""
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": where, "labels": labels}}


OURS = {"app.kubernetes.io/managed-by": "ink", "ml.ink/owner-uid": "u-1"}


def env_role(where: str, name: str, **rule: list[str]) -> Object:
    """A Role to get the Secret of its own name; `rule` changes what it grants."""
    granted = {"apiGroups": [""], "resources": ["secrets"], "resourceNames": [name], "verbs": ["get"], **rule}
    meta = {"name": name, "namespace": where}
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": meta, "rules": [granted]}


def ingress(where: str, class_name: str | None, annotations: dict[str, str] | None = None) -> Object:
    """An Ingress for one host."""
    backend = {"service": {"name": "x", "port": {"number": 80}}}
    paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
    spec: Object = {"rules": [{"host": "a.apps.localhost", "http": {"paths": paths}}]}
    if class_name:
        spec["ingressClassName"] = class_name
    meta = {"name": "probe", "namespace": where, "annotations": annotations or {}}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": meta, "spec": spec}


MINE, THEIRS = service("w.p.mine", TENANTS), service("theirs", MANAGED)
"""Services that are there: one that the gateway made, one of a namespace's owner."""
