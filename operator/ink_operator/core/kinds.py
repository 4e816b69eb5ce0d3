"""The kinds of Kubernetes that Ink reads or writes."""

from typing import Any, NamedTuple


class Kind(NamedTuple):
    """A resource of the API server."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool = True


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


def kind_of(manifest: dict[str, Any]) -> Kind:
    """The kind of a manifest. Raises KeyError for one that Ink does not know."""
    return KINDS[(manifest["apiVersion"], manifest["kind"])]
