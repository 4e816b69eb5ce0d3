"""Kubernetes kinds and objects as plain data."""

from typing import Any, NamedTuple

Manifest = dict[str, Any]
"""A Kubernetes object as JSON."""


class Kind(NamedTuple):
    """A resource of the API server."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool = True


class Ref(NamedTuple):
    """One object. `namespace` is empty for kinds without one."""

    kind: Kind
    namespace: str
    name: str


class Key(NamedTuple):
    """What the queue holds: the name of a reconciler and the object it works on."""

    kind: str
    namespace: str
    name: str


NAMESPACE = Kind("v1", "Namespace", "namespaces", namespaced=False)
SERVICE = Kind("v1", "Service", "services")
CONFIG_MAP = Kind("v1", "ConfigMap", "configmaps")
SECRET = Kind("v1", "Secret", "secrets")
POD = Kind("v1", "Pod", "pods")
EVENT = Kind("v1", "Event", "events")
PERSISTENT_VOLUME_CLAIM = Kind("v1", "PersistentVolumeClaim", "persistentvolumeclaims")
RESOURCE_QUOTA = Kind("v1", "ResourceQuota", "resourcequotas")
LIMIT_RANGE = Kind("v1", "LimitRange", "limitranges")
DEPLOYMENT = Kind("apps/v1", "Deployment", "deployments")
STATEFUL_SET = Kind("apps/v1", "StatefulSet", "statefulsets")
HORIZONTAL_POD_AUTOSCALER = Kind("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers")
CONTROLLER_REVISION = Kind("apps/v1", "ControllerRevision", "controllerrevisions")
JOB = Kind("batch/v1", "Job", "jobs")
CRON_JOB = Kind("batch/v1", "CronJob", "cronjobs")
RUNTIME_CLASS = Kind("node.k8s.io/v1", "RuntimeClass", "runtimeclasses", namespaced=False)
LEASE = Kind("coordination.k8s.io/v1", "Lease", "leases")
INGRESS = Kind("networking.k8s.io/v1", "Ingress", "ingresses")
NETWORK_POLICY = Kind("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies")
ROLE = Kind("rbac.authorization.k8s.io/v1", "Role", "roles")
ROLE_BINDING = Kind("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings")
INK_SERVICE = Kind("ml.ink/v1alpha1", "InkService", "inkservices")
INK_RESOURCE = Kind("ml.ink/v1alpha1", "InkResource", "inkresources")
INK_DOMAIN = Kind("ml.ink/v1alpha1", "InkDomain", "inkdomains")

KINDS = {
    (k.api_version, k.kind): k
    for k in (
        NAMESPACE, SERVICE, CONFIG_MAP, SECRET, POD, EVENT, PERSISTENT_VOLUME_CLAIM, RESOURCE_QUOTA, LIMIT_RANGE,
        DEPLOYMENT, STATEFUL_SET, CONTROLLER_REVISION, HORIZONTAL_POD_AUTOSCALER, JOB, CRON_JOB, LEASE, INGRESS,
        NETWORK_POLICY, ROLE, ROLE_BINDING, RUNTIME_CLASS, INK_SERVICE, INK_RESOURCE, INK_DOMAIN,
    )
}  # fmt: skip


def kind_of(manifest: Manifest) -> Kind:
    """The kind of a manifest. Raises KeyError for one that Ink does not know."""
    return KINDS[(manifest["apiVersion"], manifest["kind"])]


def ref_of(manifest: Manifest) -> Ref:
    """The object that a manifest describes."""
    meta = manifest["metadata"]
    return Ref(kind_of(manifest), meta.get("namespace", ""), meta["name"])


def labels_of(live: Manifest) -> dict[str, str]:
    """metadata.labels, never None."""
    return live.get("metadata", {}).get("labels") or {}


def annotations_of(live: Manifest) -> dict[str, str]:
    """metadata.annotations, never None."""
    return live.get("metadata", {}).get("annotations") or {}


def condition_of(live: Manifest, kind: str) -> dict[str, Any] | None:
    """The status condition of that type, as Kubernetes' own kinds write it."""
    conditions = live.get("status", {}).get("conditions") or []
    return next((c for c in conditions if c.get("type") == kind), None)


def is_deleting(live: Manifest) -> bool:
    """Somebody asked for its deletion."""
    return bool(live.get("metadata", {}).get("deletionTimestamp"))
