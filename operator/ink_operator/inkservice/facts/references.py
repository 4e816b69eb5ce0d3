"""Pure: which Secrets and ConfigMaps of its namespace a service's variables come from."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ink_api.inkservice import EnvVar, InkService
from ink_api.names import ServiceIdentity
from ink_api.reasons import Reason
from ink_api.sealing import Binding

from ink_operator.core import kinds, objects
from ink_operator.core.kinds import Kind
from ink_operator.core.plan import Failure
from ink_operator.inkservice import names


class Use(NamedTuple):
    """One place in the spec that names a Secret or ConfigMap. `key` is None where all keys are meant."""

    field: str
    kind: Kind
    name: str
    key: str | None = None

    def ref(self, namespace: str) -> objects.Ref:
        """The object in the workload's namespace."""
        return objects.Ref(self.kind, namespace, self.name)


def uses_of(service: InkService) -> list[Use]:
    """Where the application's variables come from, in the order of their names; envFrom in its own order."""
    found = _uses("spec.env", service.spec.env or [])
    for bundle in service.spec.env_from or []:
        if bundle.secret_ref is not None:
            found.append(Use("spec.envFrom", kinds.SECRET, bundle.secret_ref.name))
        if bundle.config_map_ref is not None:
            found.append(Use("spec.envFrom", kinds.CONFIG_MAP, bundle.config_map_ref.name))
    return found


def build_uses_of(service: InkService) -> list[Use]:
    """The same of the build's variables."""
    build = service.spec.build
    return _uses("spec.build.env", (build.env if build else None) or [])


def _uses(field: str, variables: Iterable[EnvVar]) -> list[Use]:
    found: list[Use] = []
    for variable in sorted(variables, key=lambda v: v.name):
        source = variable.value_from
        if source is None:
            continue
        for kind, key_ref in ((kinds.SECRET, source.secret_key_ref), (kinds.CONFIG_MAP, source.config_map_key_ref)):
            if key_ref is not None:
                found.append(Use(f"{field} {variable.name}", kind, key_ref.name, key_ref.key))
    return found


def followed_refs(service: InkService, identity: ServiceIdentity) -> frozenset[objects.Ref]:
    """Every object whose changes matter to the service, including the repository's credentials and its own Secret."""
    refs = {use.ref(identity.namespace) for use in (*uses_of(service), *build_uses_of(service))}
    git = service.spec.source.git
    if git is not None and git.auth is not None and git.auth.secret_ref is not None:
        refs.add(objects.Ref(kinds.SECRET, identity.namespace, git.auth.secret_ref.name))
    if sealed_variables(service) and not identity.project:
        # In a namespace that Ink created nobody else can write it, and it would need a watch for every project.
        refs.add(objects.Ref(kinds.SECRET, identity.namespace, names.env_secret(identity)))
    return frozenset(refs)


def missing(
    uses: Iterable[Use], found: Mapping[objects.Ref, objects.Manifest | None], namespace: str
) -> Failure | None:
    """The first object or key that a use names and that does not exist."""
    for use in uses:
        live = found.get(use.ref(namespace))
        if live is None:
            message = f"{use.field}: the {use.kind.kind} {use.name} does not exist."
        elif use.key is not None and use.key not in (live.get("data") or {}):
            message = f"{use.field}: the {use.kind.kind} {use.name} has no key {use.key}."
        else:
            continue
        return Failure(Reason.CONFIG_NOT_FOUND, message)
    return None


def values_used(
    uses: Iterable[Use], found: Mapping[objects.Ref, objects.Manifest | None], identity: ServiceIdentity
) -> dict[Binding, str]:
    """The values of the variables, by their origin. Never printed."""
    values: dict[Binding, str] = {}
    for use in uses:
        data: dict[str, str] = (found.get(use.ref(identity.namespace)) or {}).get("data") or {}
        for key in data if use.key is None else [use.key]:
            origin = f"{use.kind.kind}/{use.name}/{key}"
            values[Binding(identity.tenant, identity.project, identity.name, origin)] = data[key]
    return values


def sealed_variables(service: InkService) -> list[tuple[str, str]]:
    """(variable, sealed value) of the application, by name."""
    return sealed_of(service.spec.env or [])


def sealed_of(variables: Iterable[EnvVar]) -> list[tuple[str, str]]:
    """(variable, sealed value), by name."""
    found = [(v.name, v.value_from.sealed) for v in variables if v.value_from is not None]
    return sorted((name, sealed) for name, sealed in found if sealed is not None)


def reference_denied(service: InkService, is_gateway_managed: bool) -> Failure | None:
    """In a namespace that Ink created, all Secrets are Ink's own."""
    denied = [
        use for use in (*uses_of(service), *build_uses_of(service)) if is_gateway_managed and use.kind == kinds.SECRET
    ]
    if not denied:
        return None
    what = "secretKeyRef" if denied[0].key is not None else "secretRef"
    return Failure(Reason.REFERENCE_DENIED, f"{denied[0].field}: {what} cannot be used in a gateway workspace.")
