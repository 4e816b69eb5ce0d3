"""From a create_service call to an InkService manifest. Pure: (what is, what is asked) -> what shall be."""

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
class Wanted:
    """A checked create_service call. None: not given, so an existing service keeps what it has."""

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


def env_entries(existing: InkService | None, wanted: Wanted, sealer: Sealer) -> list[dict[str, Any]]:
    """spec.env of a caller's variables: values travel to the operator sealed.

    A value that is there already keeps its sealed form, so that the same call again changes nothing. What comes from a
    Secret a Pod takes as it stands: a caller's `$` needs no doubling.
    """
    who = ServiceIdentity(wanted.workspace, wanted.project, wanted.name, "")
    known = {variable.name: variable.value_from for variable in (existing.spec.env if existing else None) or []}
    entries = []
    for name, value in sorted((wanted.env_vars or {}).items()):
        binding = binding_of(who, name)
        digest, old = sealer.digest(binding, value), known.get(name)
        if old is not None and old.sealed and old.sealed_digest == digest and sealer.opens(old.sealed):
            sealed = old.sealed
        else:
            sealed = sealer.seal(binding, value)
        entries.append({"name": name, "valueFrom": {"sealed": sealed, "sealedDigest": digest}})
    return entries


def desired_spec(
    existing: InkService | None, wanted: Wanted, subdomain: str | None, env: list[dict[str, Any]] | None
) -> dict[str, Any]:
    """The whole spec: what was asked for, on top of what an existing service has. `env`: env_entries, if any."""
    spec = wire_spec(existing) if existing else {}
    git: dict[str, Any] = {"url": wanted.source.url, "branch": wanted.branch}
    if wanted.source.internal_name is not None:
        git["auth"] = {"internal": {}}
    spec["source"] = {"git": git}
    build = {**spec.get("build", {}), "pack": wanted.pack}
    spec["build"] = build | _given(installCommand=wanted.install_command, buildCommand=wanted.build_command)
    spec |= _given(subdomain=subdomain)
    if wanted.port is not None:
        spec["ports"] = [{"name": HTTP_PORT, "port": wanted.port, "protocol": "HTTP", "visibility": "Public"}]
    if wanted.start_command is not None:
        spec["command"] = ["/bin/sh", "-c", wanted.start_command]
    if env is not None:
        spec["env"] = env
    if limits := _given(cpu=wanted.cpu, memory=wanted.memory):
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
    """The spec of an existing service, as it can be applied again: the gateway alone writes these objects."""
    return service.spec.to_wire()


def free_subdomain(workspace: str, project: str, name: str) -> str:
    """Another first label for the public host, for a service whose own name is taken there; the same every time.

    Fits a DNS label: 52 characters of a name, a hyphen, 4 hex digits.
    """
    owner = (workspace,) if project == checks.DEFAULT_PROJECT else (workspace, project)
    return f"{name}-{short_hash(*owner, length=4)}"


def _given(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
