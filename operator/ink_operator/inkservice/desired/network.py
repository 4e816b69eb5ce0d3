"""Service, Ingress and the claim of the public host."""

from ink_api import group
from ink_api.inkservice import InkService, Port
from ink_api.names import ServiceIdentity, host_claim

from ink_operator.core import kinds, objects
from ink_operator.inkservice import names
from ink_operator.inkservice.desired import common
from ink_operator.settings import Settings


def make_service(service: InkService, identity: ServiceIdentity, ports: list[Port]) -> objects.Manifest:
    """The Service of all ports."""
    spec = {
        "type": "ClusterIP",
        "selector": {group.LABEL_SERVICE: identity.name, group.LABEL_COMPONENT: names.APP},
        "ports": [{"name": p.name, "port": p.port, "targetPort": p.port, "protocol": "TCP"} for p in ports],
    }
    return common.child(
        kinds.SERVICE,
        service,
        identity,
        name=identity.name,
        namespace=identity.namespace,
        component=names.APP,
        body={"spec": spec},
    )


def make_ingress(
    service: InkService, identity: ServiceIdentity, host: str, port: Port, settings: Settings
) -> objects.Manifest:
    """Routes the public host to the public port. The certificate is the ingress' own default, for the apps domain."""
    backend = {"service": {"name": identity.name, "port": {"number": port.port}}}
    spec = {
        "ingressClassName": settings.ingress_class,
        "rules": [{"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}],
    }
    return common.child(
        kinds.INGRESS,
        service,
        identity,
        name=identity.name,
        namespace=identity.namespace,
        component=names.APP,
        body={"spec": spec},
        annotations={
            "traefik.ingress.kubernetes.io/router.entrypoints": "websecure",
            "traefik.ingress.kubernetes.io/router.tls": "true",
        },
    )


def make_claim(service: InkService, identity: ServiceIdentity, host: str, settings: Settings) -> objects.Manifest:
    """The ConfigMap that says who holds the host. It is named after the host, so that creating it is atomic."""
    return {
        "apiVersion": kinds.CONFIG_MAP.api_version,
        "kind": kinds.CONFIG_MAP.kind,
        "metadata": {
            "name": host_claim(host),
            "namespace": settings.namespace,
            "labels": {
                group.LABEL_COMPONENT: group.COMPONENT_CLAIM,
                group.LABEL_MANAGED_BY: group.MANAGED_BY,
                group.LABEL_OWNER_UID: service.metadata.uid,
                group.LABEL_TENANT: identity.tenant,
            },
            "annotations": {group.ANNOTATION_OWNER: names.owner_of(service)},
        },
        "data": {"host": host, "tenant": identity.tenant},
    }
