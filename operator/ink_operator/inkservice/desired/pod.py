"""The pods of a service, for every kind of workload."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ink_api import group
from ink_api.inkservice import EnvVar, InkService, Port
from ink_api.names import ServiceIdentity

from ink_operator.core import canonical, objects
from ink_operator.inkservice import model, names
from ink_operator.inkservice.desired import common
from ink_operator.inkservice.desired.pinned_template import asked_of, kept_template, notes_of
from ink_operator.inkservice.desired.storage import GROUP_ID, pod_storage
from ink_operator.inkservice.facts import effective
from ink_operator.settings import Settings

EMPTY: Mapping[str, str] = MappingProxyType({})
ANNOTATION_RESTARTED = "ml.ink/restarted-at"
NEVER = 86_400
"""Startup failures before the kubelet kills: in effect never. Ink reports a slow start, and a late one recovers."""


def make_template(
    service: InkService,
    identity: ServiceIdentity,
    running: model.Running,
    settings: Settings,
    digests: Mapping[str, str] = EMPTY,
    *,
    component: str = names.APP,
    live: objects.Manifest | None = None,
) -> dict[str, Any]:
    """The template of pods that run `running.image` with the spec's settings, labelled with its own hash.

    `digests`: annotations with digests of the values of variables, so that pods roll when one changes.
    `live` keeps its pod template while the request is the same, whatever today's defaults are.
    """
    restarted = service.spec.restarted_at
    metadata: dict[str, Any] = {
        "labels": common.labels_of(service, identity, component),
        "annotations": {
            "ml.ink/owner": f"{service.metadata.namespace}/{service.metadata.name}",
            **({ANNOTATION_RESTARTED: restarted} if restarted else {}),
            **digests,
        },
    }
    spec = _pod(service, identity, running, effective.ports_of(service, running.port), settings)
    if component == names.APP:
        spec["topologySpreadConstraints"] = _spread(identity)
    template = {"metadata": metadata, "spec": spec}
    metadata["labels"][names.LABEL_REVISION] = canonical.fingerprint(template)
    return kept_template(live, asked_of(service, template)) or template


def revision_annotations(service: InkService, running: model.Running, template: dict[str, Any]) -> dict[str, str]:
    """Annotations of the workload that record its revision: they outlive any status."""
    annotations = {
        names.ANNOTATION_REVISION: template["metadata"]["labels"][names.LABEL_REVISION],
        names.ANNOTATION_IMAGE: running.image,
        names.ANNOTATION_PORT: str(running.port),
        names.ANNOTATION_COMMIT: running.commit,
        names.ANNOTATION_BUILD_KEY: running.build_key,
        names.ANNOTATION_REBUILD: running.rebuild_token,
        names.ANNOTATION_PLANNER: running.planner,
        names.ANNOTATION_INKFILE: running.inkfile or None,
        **notes_of(asked_of(service, template), template),
    }
    return {name: value for name, value in annotations.items() if value is not None}


def _spread(identity: ServiceIdentity) -> list[dict[str, Any]]:
    return [
        {
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": {group.LABEL_SERVICE: identity.name, group.LABEL_COMPONENT: names.APP}},
        }
    ]


def _pod(
    service: InkService, identity: ServiceIdentity, running: model.Running, ports: list[Port], settings: Settings
) -> dict[str, Any]:
    pool = settings.run_pool
    volumes, mounts = pod_storage(service, identity)
    security = {"fsGroup": GROUP_ID, "fsGroupChangePolicy": "OnRootMismatch"} if volumes else {}
    spec: dict[str, Any] = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {"seccompProfile": common.RESTRICTED["seccompProfile"], **security},
        "terminationGracePeriodSeconds": effective.shutdown_of(service, ports).grace_seconds,
        "containers": [{**_container(service, identity, running, ports, settings), **mounts}],
        **volumes,
    }
    if service.spec.isolation == "GVisor":
        # Root inside is nobody on the node, in case the sandbox fails.
        spec |= {"runtimeClassName": settings.gvisor_runtime_class, "hostUsers": False}
    if pool.node_selector:
        spec["nodeSelector"] = pool.node_selector
    if pool.tolerations:
        spec["tolerations"] = pool.tolerations
    if service.spec.source.image is not None and service.spec.source.image.pull_secret_ref is not None:
        spec["imagePullSecrets"] = [{"name": service.spec.source.image.pull_secret_ref.name}]
    return spec


def _container(
    service: InkService, identity: ServiceIdentity, running: model.Running, ports: list[Port], settings: Settings
) -> dict[str, Any]:
    container: dict[str, Any] = {
        "name": names.APP,
        "image": running.image,
        "env": _environment(service.spec.env or [], ports, names.env_secret(identity)),
        "resources": effective.resources_of(service),
        "securityContext": common.RESTRICTED,
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
    if ports:
        container["ports"] = [{"name": p.name, "containerPort": p.port, "protocol": "TCP"} for p in ports]
    drain = effective.shutdown_of(service, ports).drain_seconds
    if drain:
        container["lifecycle"] = {"preStop": {"sleep": {"seconds": drain}}}
    if service.spec.env_from:
        container["envFrom"] = [source.to_wire() for source in service.spec.env_from]
    if service.spec.command:
        container["command"] = service.spec.command
    if service.spec.args:
        container["args"] = service.spec.args
    return {**container, **_probes(service, ports, settings)}


def _probes(service: InkService, ports: list[Port], settings: Settings) -> dict[str, Any]:
    probe = effective.probe_of(service, ports, settings)
    if probe is None:
        return {}
    check: dict[str, Any] = (
        {"httpGet": {"path": probe.path, "port": probe.port, "scheme": "HTTP"}}
        if probe.type == "HTTP"
        else {"tcpSocket": {"port": probe.port}}
    )
    check["timeoutSeconds"] = probe.timeout_seconds
    later = {**check, "periodSeconds": probe.interval_seconds, "failureThreshold": probe.failure_threshold}
    if probe.interval_seconds == 1 and not probe.restarts:
        # It notices a start as soon as a startup probe would; a startup probe would only delay its first check.
        return {"readinessProbe": later}
    return {
        "startupProbe": {**check, "periodSeconds": 1, "failureThreshold": NEVER},
        "readinessProbe": later,
        # It begins once the startup probe has succeeded, so a slow start is never restarted.
        **({"livenessProbe": later} if probe.restarts else {}),
    }


def _environment(env: list[EnvVar], ports: list[Port], sealed_in: str) -> list[dict[str, Any]]:
    """PORT first, unless the spec sets it, so that other variables may refer to it; then by name.

    `sealed_in`: the Secret with the values of sealed variables.
    """
    given = {variable.name for variable in env}
    out: list[dict[str, Any]] = []
    if ports and "PORT" not in given:
        out.append({"name": "PORT", "value": str(ports[0].port)})
    for variable in sorted(env, key=lambda v: v.name):
        source = variable.value_from
        if source is None:
            out.append({"name": variable.name, "value": variable.value or ""})
        elif source.secret_key_ref is not None:
            ref = source.secret_key_ref
            out.append({"name": variable.name, "valueFrom": {"secretKeyRef": {"name": ref.name, "key": ref.key}}})
        elif source.config_map_key_ref is not None:
            ref = source.config_map_key_ref
            out.append({"name": variable.name, "valueFrom": {"configMapKeyRef": {"name": ref.name, "key": ref.key}}})
        elif source.sealed is not None:
            key_ref = {"name": sealed_in, "key": variable.name}
            out.append({"name": variable.name, "valueFrom": {"secretKeyRef": key_ref}})
    return out
