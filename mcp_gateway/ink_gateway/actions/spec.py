"""From a create_service call to an InkService manifest. Pure: (existing object, request) -> manifest."""

from dataclasses import dataclass, field
from typing import Any

from ink_api.group import API_VERSION, LABEL_PROJECT, LABEL_SERVICE, LABEL_TENANT
from ink_api.inkservice import InkService
from ink_api.names import ServiceIdentity, cr_name, short_hash
from ink_api.sealing import binding_of

from ink_gateway import checks
from ink_gateway.addresses import LABEL_SUBDOMAIN, RepositoryAddress
from ink_gateway.ports import Sealer

HTTP_PORT = "http"


@dataclass(frozen=True)
class ServiceRequest:
    """A validated create_service call. None: not given, so an existing service keeps its value."""

    workspace: str
    project: str
    name: str
    source: RepositoryAddress
    branch: str
    pack: str
    port: int | None = None
    env_vars: dict[str, str] | None = field(default=None, repr=False)
    memory: str | None = None
    cpu: str | None = None
    install_command: str | None = None
    build_command: str | None = None
    start_command: str | None = None

    @property
    def cr_name(self) -> str:
        """Name of the custom resource."""
        return cr_name(self.workspace, self.project, self.name)


def env_entries(existing: InkService | None, request: ServiceRequest, sealer: Sealer) -> list[dict[str, Any]]:
    """spec.env of a caller's variables: values travel to the operator sealed.

    An unchanged value keeps its sealed form, so repeating a call changes nothing. A Pod takes values from a Secret
    literally, so a `$` in them needs no escaping.
    """
    who = ServiceIdentity(request.workspace, request.project, request.name, "")
    known = {variable.name: variable.value_from for variable in (existing.spec.env if existing else None) or []}
    entries = []
    for name, value in sorted((request.env_vars or {}).items()):
        binding = binding_of(who, name)
        digest, old = sealer.digest(binding, value), known.get(name)
        if old is not None and old.sealed and old.sealed_digest == digest and sealer.opens(old.sealed):
            sealed = old.sealed
        else:
            sealed = sealer.seal(binding, value)
        entries.append({"name": name, "valueFrom": {"sealed": sealed, "sealedDigest": digest}})
    return entries


def desired_spec(
    existing: InkService | None, request: ServiceRequest, subdomain: str | None, env: list[dict[str, Any]] | None
) -> dict[str, Any]:
    """The whole spec: the request on top of the existing service. `env`: result of env_entries, if any."""
    spec = wire_spec(existing) if existing else {}
    git: dict[str, Any] = {"url": request.source.url, "branch": request.branch}
    if request.source.internal_name is not None:
        git["auth"] = {"internal": {}}
    spec["source"] = {"git": git}
    build = {**spec.get("build", {}), "pack": request.pack}
    spec["build"] = build | _given(installCommand=request.install_command, buildCommand=request.build_command)
    spec |= _given(subdomain=subdomain)
    if request.port is not None:
        spec["ports"] = [{"name": HTTP_PORT, "port": request.port, "protocol": "HTTP", "visibility": "Public"}]
    if request.start_command is not None:
        spec["command"] = ["/bin/sh", "-c", request.start_command]
    if env is not None:
        spec["env"] = env
    if limits := _given(cpu=request.cpu, memory=request.memory):
        resources = spec.get("resources", {})
        spec["resources"] = {**resources, "limits": {**resources.get("limits", {}), **limits}}
    return spec


def manifest(workspace: str, project: str, name: str, namespace: str, spec: dict[str, Any]) -> dict[str, Any]:
    """The InkService as the gateway applies it, whole."""
    labels = {
        LABEL_TENANT: workspace,
        LABEL_PROJECT: project,
        LABEL_SERVICE: name,
        LABEL_SUBDOMAIN: spec.get("subdomain") or name,
    }
    metadata = {"name": cr_name(workspace, project, name), "namespace": namespace, "labels": labels}
    return {"apiVersion": API_VERSION, "kind": "InkService", "metadata": metadata, "spec": spec}


def wire_spec(service: InkService) -> dict[str, Any]:
    """The spec of an existing service, ready to be applied again; only the gateway writes these objects."""
    return service.spec.to_wire()


def free_subdomain(workspace: str, project: str, name: str) -> str:
    """An alternative first label of the public host, for a service whose own name is taken. Deterministic.

    Fits a DNS label: 52 characters of a name, a hyphen, 4 hex digits.
    """
    owner = (workspace,) if project == checks.DEFAULT_PROJECT else (workspace, project)
    return f"{name}-{short_hash(*owner, length=4)}"


def _given(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
