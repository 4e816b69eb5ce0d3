"""How names are derived from other names. Pure and deterministic."""

import hashlib
import re
from typing import NamedTuple

DNS_LABEL = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
SERVICE_NAME_PATTERN = r"^[a-z]([-a-z0-9]*[a-z0-9])?$"
SERVICE_NAME_MAX = 52
WORKSPACE_PATTERN = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
WORKSPACE_MAX = 24
TENANT_NAMESPACE_PREFIX = "ink-t-"


class ServiceIdentity(NamedTuple):
    """Who a service is. The tenant is the unit of isolation; `project` is empty outside the tenants namespace."""

    tenant: str
    project: str
    name: str
    namespace: str
    """The namespace in which the workload runs."""

    @property
    def is_workspace(self) -> bool:
        """Whether the tenant is a workspace; a namespace with the same name is a different tenant."""
        return bool(self.project)


def identity_of(cr_namespace: str, cr_name: str, tenants_namespace: str) -> ServiceIdentity:
    """The identity of a CR's service.

    In the tenants namespace a CR is named `<workspace>.<project>.<name>`; elsewhere its namespace is the tenant and
    the workload runs in the same namespace. Raises ValueError when a name in the tenants namespace has another form.
    """
    if cr_namespace != tenants_namespace:
        return ServiceIdentity(cr_namespace, "", cr_name, cr_namespace)
    parts = cr_name.split(".")
    if len(parts) != 3 or not all(parts):
        raise ValueError(
            f"a service in {tenants_namespace} must be named <workspace>.<project>.<name>, not {cr_name!r}"
        )
    workspace, project, name = parts
    for part in (workspace, project):
        if len(part) > WORKSPACE_MAX or not re.fullmatch(WORKSPACE_PATTERN, part):
            raise ValueError(
                f"{part!r} is not a valid workspace or project name ({WORKSPACE_PATTERN}, at most 24 characters)"
            )
    return ServiceIdentity(workspace, project, name, tenant_namespace(workspace, project))


def tenant_namespace(workspace: str, project: str) -> str:
    """`ink-t-<workspace>--<project>`; unambiguous because neither part may contain two hyphens in a row."""
    return f"{TENANT_NAMESPACE_PREFIX}{workspace}--{project}"


def cr_name(workspace: str, project: str, name: str) -> str:
    """Name of a service's CR in the tenants namespace."""
    return f"{workspace}.{project}.{name}"


def env_secret_name(service: str) -> str:
    """Name of the Secret with a service's unsealed variables, in the workload's namespace."""
    return f"{service}-env"


def short_hash(*parts: str, length: int = 10) -> str:
    """`length` characters of [0-9a-f] naming the parts; each is length-prefixed, so ("a","bc") != ("ab","c")."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()[:length]


def host_claim(host: str) -> str:
    """Name of the ConfigMap that claims a public host."""
    return f"host-{short_hash(host, length=20)}"
