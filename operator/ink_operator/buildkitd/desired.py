"""A tenant's own buildkitd: StatefulSet, Secret, NetworkPolicy and Service in the namespace for buildkitds.

The chart defines the pod; here it gets its name, its volume and its certificate. See docs/decisions/0015.
"""

from typing import Any, NamedTuple

from ink_api.group import (
    COMPONENT_DAEMON,
    GROUP,
    LABEL_COMPONENT,
    LABEL_DAEMON,
    LABEL_MANAGED_BY,
    LABEL_TENANT,
    MANAGED_BY,
)
from ink_api.names import ServiceIdentity, short_hash

from ink_operator.core import build_jobs, kinds
from ink_operator.core.canonical import stamped
from ink_operator.core.kinds import Kind
from ink_operator.core.objects import Manifest, annotations_of
from ink_operator.core.selectors import NAMESPACE_NAME
from ink_operator.ports import Pair
from ink_operator.settings import Settings

ANNOTATION_HOME = f"{GROUP}/home"
"""On a daemon's StatefulSet: the namespace of the tenant's CRs."""
ANNOTATION_CERTIFICATE = f"{GROUP}/certificate"
"""On a daemon's Secret and pods: `<authority> <expires>` of the certificate that it serves with."""
ANNOTATION_IDLE_SINCE = f"{GROUP}/idle-since"
PORT = 1234
STATE, TLS = "state", "tls"


class TenantBuildkitd(NamedTuple):
    """A tenant's buildkitd. `home`: namespace of its CRs; a workspace and a namespace with one name are two tenants."""

    home: str
    tenant: str

    @property
    def tenant_id(self) -> str:
        """Names the tenant uniquely."""
        return f"{self.home}/{self.tenant}"

    @property
    def name(self) -> str:
        """The name of all its objects."""
        return f"buildkitd-{short_hash(self.home, self.tenant)}"

    def host(self, settings: Settings) -> str:
        """Its address for builds."""
        return f"{self.name}.{settings.buildkit_namespace}.svc.cluster.local"


def buildkitd_of(identity: ServiceIdentity, settings: Settings) -> TenantBuildkitd:
    """The buildkitd that builds the service."""
    return TenantBuildkitd(settings.tenants_namespace if identity.is_workspace else identity.namespace, identity.tenant)


def buildkitd_from(workload: Manifest) -> TenantBuildkitd:
    """The buildkitd that this StatefulSet belongs to."""
    return TenantBuildkitd(
        annotations_of(workload).get(ANNOTATION_HOME, ""), workload["metadata"]["labels"][LABEL_TENANT]
    )


def certificate_name(authority: str, pair: Pair) -> str:
    """How the annotations name a certificate."""
    return f"{authority} {pair.expires}"


def make_workload(
    daemon: TenantBuildkitd,
    settings: Settings,
    certificate: str,
    *,
    replicas: int,
    idle_since: str = "",
    live: Manifest | None = None,
) -> Manifest:
    """The StatefulSet. The type of its volume cannot change, so that of `live` is kept."""
    labels = {LABEL_DAEMON: daemon.name}
    template = settings.buildkit_pod
    meta = template.get("metadata") or {}
    claims = _claims(settings) if live is None else live["spec"].get("volumeClaimTemplates") or []
    volumes: list[dict[str, Any]] = [{"name": TLS, "secret": {"secretName": daemon.name, "defaultMode": 0o400}}]
    if not claims:
        volumes.append({"name": STATE, "emptyDir": {"sizeLimit": settings.buildkit_storage.size}})
    pod = {
        "metadata": {
            "labels": {**(meta.get("labels") or {}), **_labels(daemon)},
            "annotations": {**(meta.get("annotations") or {}), ANNOTATION_CERTIFICATE: certificate},
        },
        "spec": {**template["spec"], "volumes": [*template["spec"]["volumes"], *volumes]},
    }
    spec = {
        "replicas": replicas,
        "serviceName": daemon.name,
        "revisionHistoryLimit": 1,
        # With OrderedReady, a pod that cannot start is never replaced, even if a newer template would fix it.
        "podManagementPolicy": "Parallel",
        "selector": {"matchLabels": labels},
        "template": pod,
        # The cache survives a stop, and is deleted with the tenant.
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete", "whenScaled": "Retain"},
        **({"volumeClaimTemplates": [_plain(claim) for claim in claims]} if claims else {}),
    }
    annotations = {ANNOTATION_HOME: daemon.home, **({ANNOTATION_IDLE_SINCE: idle_since} if idle_since else {})}
    return stamped(_object(kinds.STATEFUL_SET, daemon, settings, annotations) | {"spec": spec})


def make_secret(daemon: TenantBuildkitd, settings: Settings, certificate: str, pair: Pair) -> Manifest:
    """Its own certificate, and the authority that must have signed its clients'."""
    data = {"ca.crt": pair.ca, "tls.crt": pair.cert, "tls.key": pair.key}
    annotations = {ANNOTATION_CERTIFICATE: certificate}
    return _object(kinds.SECRET, daemon, settings, annotations) | {"type": "kubernetes.io/tls", "stringData": data}


def make_policy(daemon: TenantBuildkitd, settings: Settings) -> Manifest:
    """Admits the tenant's build pods. The chart closes the namespace, and defines what its pods may reach."""
    builds = {
        "namespaceSelector": {"matchLabels": {NAMESPACE_NAME: settings.builds_namespace}},
        "podSelector": {"matchLabels": {LABEL_COMPONENT: build_jobs.COMPONENT, LABEL_DAEMON: daemon.name}},
    }
    spec = {
        "podSelector": {"matchLabels": {LABEL_DAEMON: daemon.name}},
        "policyTypes": ["Ingress"],
        "ingress": [{"from": [builds], "ports": [{"protocol": "TCP", "port": PORT}]}],
    }
    return stamped(_object(kinds.NETWORK_POLICY, daemon, settings) | {"spec": spec})


def make_service(daemon: TenantBuildkitd, settings: Settings) -> Manifest:
    """Its address."""
    spec = {
        "selector": {LABEL_DAEMON: daemon.name},
        "ports": [{"name": "grpc", "port": PORT, "protocol": "TCP", "targetPort": PORT}],
    }
    return stamped(_object(kinds.SERVICE, daemon, settings) | {"spec": spec})


def _object(
    kind: Kind, daemon: TenantBuildkitd, settings: Settings, annotations: dict[str, str] | None = None
) -> Manifest:
    meta = {
        "name": daemon.name,
        "namespace": settings.buildkit_namespace,
        "labels": {**_labels(daemon), LABEL_MANAGED_BY: MANAGED_BY},
        "annotations": annotations or {},
    }
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": meta}


def _labels(daemon: TenantBuildkitd) -> dict[str, str]:
    return {LABEL_COMPONENT: COMPONENT_DAEMON, LABEL_DAEMON: daemon.name, LABEL_TENANT: daemon.tenant}


def _claims(settings: Settings) -> list[dict[str, Any]]:
    storage = settings.buildkit_storage
    if storage.ephemeral:
        return []
    spec: dict[str, Any] = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": storage.size}},
        **({"storageClassName": storage.class_name} if storage.class_name else {}),
    }
    return [{"metadata": {"name": STATE}, "spec": spec}]


def _plain(claim: dict[str, Any]) -> dict[str, Any]:
    """A claim's template without what the API server adds to it."""
    spec = {k: v for k, v in claim["spec"].items() if k in ("accessModes", "resources", "storageClassName")}
    return {"metadata": {"name": claim["metadata"]["name"]}, "spec": spec}
