"""Pure: checks before any work begins. Each is named after the problem, and returns the failure or None."""

import re
from collections.abc import Callable
from datetime import UTC

from ink_api import group
from ink_api.inkservice import EnvSource, InkServiceSpec
from ink_api.names import SERVICE_NAME_MAX, SERVICE_NAME_PATTERN, TENANT_NAMESPACE_PREFIX
from ink_api.reasons import Reason

from ink_operator.core import kinds, objects
from ink_operator.core.plan import Failure
from ink_operator.inkservice import model, names
from ink_operator.inkservice.decide.plan import ServicePlanBuilder
from ink_operator.inkservice.desired.namespace import set_up
from ink_operator.inkservice.facts import effective, ownership, references

FieldTest = Callable[[InkServiceSpec], bool]


def _build_env(pick: Callable[[EnvSource], object]) -> FieldTest:
    return lambda spec: any(v.value_from and pick(v.value_from) for v in (spec.build and spec.build.env) or [])


def _env(pick: Callable[[EnvSource], object]) -> FieldTest:
    return lambda spec: any(v.value_from is not None and pick(v.value_from) is not None for v in spec.env or [])


FIELDS: tuple[tuple[str, FieldTest], ...] = (
    ("source.git.auth.githubApp", lambda s: bool(s.source.git and s.source.git.auth and s.source.git.auth.github_app)),
    ("build.env with resourceRef", _build_env(lambda source: source.resource_ref)),
    ("build.env with serviceEnvRef", _build_env(lambda source: source.service_env_ref)),
    ("mode OnDemand", lambda s: s.mode == "OnDemand"),
    ("env with resourceRef", _env(lambda source: source.resource_ref)),
    ("env with serviceEnvRef", _env(lambda source: source.service_env_ref)),
    ("health.type MCP", lambda s: s.health is not None and s.health.type == "MCP"),
    ("domains", lambda s: bool(s.domains)),
    (
        "ports with protocol TCP and visibility Public",
        lambda s: any(p.protocol == "TCP" and p.visibility == "Public" for p in s.ports or []),
    ),
)
"""(name of the field, whether it is used)"""


def unsupported_fields(spec: InkServiceSpec) -> list[str]:
    """Names of used fields that this version does not support, in the order of the specification."""
    return [f"spec.{name}" for name, used in FIELDS if used(spec)]


RESERVED_PREFIXES = (TENANT_NAMESPACE_PREFIX, "kube-")


def name_is_invalid(plan: ServicePlanBuilder) -> Failure | None:
    """Child objects with that name could not be created."""
    name = plan.seen.identity.name
    if len(name) <= SERVICE_NAME_MAX and re.fullmatch(SERVICE_NAME_PATTERN, name):
        return None
    return Failure(
        Reason.INVALID_SPEC,
        f"metadata.name: {name!r} must start with a letter, contain only a-z, 0-9 and '-', and be at most "
        f"{SERVICE_NAME_MAX} characters long.",
    )


def namespace_belongs_to_platform(plan: ServicePlanBuilder) -> Failure | None:
    """No service runs among the platform's own pods, nor where the gateway's services run."""
    space = plan.service.metadata.namespace
    if plan.is_gateway_managed or not (space in plan.settings.own_namespaces or space.startswith(RESERVED_PREFIXES)):
        return None
    return Failure(
        Reason.NAMESPACE_NOT_MANAGED, f"The namespace {space} belongs to the platform: services cannot run there."
    )


def namespace_not_created_by_ink(plan: ServicePlanBuilder) -> Failure | None:
    """A namespace with a project's name that Ink did not create: its creator could read what runs in it."""
    live = plan.seen.namespace
    if not plan.is_gateway_managed or live is None or ownership.is_made_by_ink(live):
        return None
    return Failure(Reason.NAME_CONFLICT, f"The namespace {live['metadata']['name']} was not created by Ink.")


def namespace_is_not_managed(plan: ServicePlanBuilder) -> Failure | None:
    """Outside the tenants namespace, Ink only manages labelled namespaces."""
    if plan.is_gateway_managed or plan.settings.watch == "all":
        return None
    if (
        plan.seen.namespace is not None
        and objects.labels_of(plan.seen.namespace).get(group.LABEL_MANAGED_NAMESPACE) == "true"
    ):
        return None
    return Failure(Reason.NAMESPACE_NOT_MANAGED, f"Ink does not manage the namespace {plan.seen.identity.namespace}.")


def namespace_is_terminating(plan: ServicePlanBuilder) -> Failure | None:
    """Nothing can be created in a namespace that is being deleted."""
    if plan.seen.namespace is None or not objects.is_deleting(plan.seen.namespace):
        return None
    return Failure(Reason.NAMESPACE_TERMINATING, f"The namespace {plan.seen.identity.namespace} is being deleted.")


def source_is_denied(plan: ServicePlanBuilder) -> Failure | None:
    """The source belongs to another tenant, or has an invalid form."""
    return plan.seen.source_failure


def variable_is_denied(plan: ServicePlanBuilder) -> Failure | None:
    """A variable refers to something that may not be used."""
    return references.reference_denied(plan.service, plan.is_gateway_managed)


def field_is_unsupported(plan: ServicePlanBuilder) -> Failure | None:
    """A field that this version does not support yet."""
    found = unsupported_fields(plan.service.spec)
    return Failure(Reason.NOT_IMPLEMENTED, f"{', '.join(found)}: not supported yet.") if found else None


def health_check_has_no_port(plan: ServicePlanBuilder) -> Failure | None:
    """The health of a worker can only be checked if it names a port."""
    spec = plan.service.spec
    if spec.health is None or spec.health.port is not None or not effective.is_worker(plan.service):
        return None
    return Failure(
        Reason.INVALID_SPEC, "spec.health: the service has no port to check. Set health.port, or remove health."
    )


def inkfile_is_refused(plan: ServicePlanBuilder) -> Failure | None:
    """ink.yaml of the chosen commit asks for something unsupported, or does not fit the spec."""
    if plan.effective is plan.service:
        return None
    found = [name.removeprefix("spec.") for name in unsupported_fields(plan.effective.spec)]
    if found:
        return Failure(Reason.NOT_IMPLEMENTED, f"ink.yaml: {', '.join(found)}: not supported yet.")
    health = plan.effective.spec.health
    if health is not None and health.port is None and effective.is_worker(plan.effective):
        return Failure(
            Reason.INVALID_SPEC,
            "spec.health: ink.yaml leaves the service no port to check. Set health.port, or remove health.",
        )
    return None


def shared_object_is_not_ours(plan: ServicePlanBuilder) -> Failure | None:
    """An object that all services of a namespace share has a name of Ink's, but was created by someone else."""
    for manifest in set_up(plan.seen.identity, plan.is_gateway_managed, plan.settings):
        which = (manifest["kind"], manifest["metadata"]["name"])
        live = plan.seen.tenancy.get(which)
        if live is not None and not (ownership.is_made_by_ink(live) and live.get("roleRef") == manifest.get("roleRef")):
            return _not_made_by_ink(*which, plan)
    for name in names.POLICIES:
        live = plan.seen.tenancy.get((kinds.NETWORK_POLICY.kind, name))
        if live is not None and not ownership.is_made_by_ink(live):
            return _not_made_by_ink(kinds.NETWORK_POLICY.kind, name, plan)
    return None


def _not_made_by_ink(kind: str, name: str, plan: ServicePlanBuilder) -> Failure:
    return Failure(Reason.NAME_CONFLICT, f"The {kind} {name} in {plan.seen.identity.namespace} was not created by Ink.")


def object_is_not_ours(plan: ServicePlanBuilder) -> Failure | None:
    """A child's name is taken by an object that someone else created; it is never taken over."""
    seen = plan.seen
    secret = seen.env_children.get(kinds.SECRET.kind) if seen.environment.values else None
    for live in (seen.deployment, seen.service, seen.ingress, seen.cron_job, seen.autoscaler, secret):
        if live is not None and not ownership.is_ours(live, plan.service.metadata.uid):
            what = f"{live.get('kind', 'object')} {live['metadata']['name']}"
            return Failure(
                Reason.NAME_CONFLICT, f"The {what} in {seen.identity.namespace} was not created for this service."
            )
    for volume in ownership.volumes_of(plan.service):
        name = names.volume_claim(seen.identity, volume.name)
        claim = seen.volumes.get(name)
        if claim is not None and not ownership.belongs(claim, seen.identity):
            return Failure(
                Reason.NAME_CONFLICT,
                f"The PersistentVolumeClaim {name} in {seen.identity.namespace} was not created for this service.",
            )
    return None


def host_is_not_ours(plan: ServicePlanBuilder) -> Failure | None:
    """The public host is reserved, or belongs to another service."""
    host = plan.host
    if host is None:
        return None
    label = host.removesuffix(f".{plan.settings.apps_domain}")
    if label in plan.settings.reserved_hosts or host in plan.settings.reserved_hosts:
        return Failure(Reason.HOST_RESERVED, f"The host {host} is reserved.")
    claim, meta = plan.seen.live_claim, plan.service.metadata
    if claim is None or plan.seen.claim not in (model.Claim.TAKEN, model.Claim.RESERVED):
        return None
    until = ownership.reserved_until(claim, plan.settings)
    if until is not None:
        plan.requeue_after(max(0.0, (until - plan.now).total_seconds()))
        at = until.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        return Failure(
            Reason.HOST_TAKEN,
            f"The host {host} belonged to another tenant until recently. It becomes available at {at}.",
        )
    # Only the tenant itself is told which service it is.
    ours = ownership.tenant_of(claim) == (meta.namespace, plan.seen.identity.tenant)
    by = f" by the InkService {objects.annotations_of(claim)[group.ANNOTATION_OWNER]}" if ours else ""
    return Failure(Reason.HOST_TAKEN, f"The host {host} is taken{by}.")


BEFORE_ANYTHING = (
    name_is_invalid,
    namespace_belongs_to_platform,
    namespace_is_not_managed,
    namespace_is_terminating,
    namespace_not_created_by_ink,
    source_is_denied,
    variable_is_denied,
    field_is_unsupported,
    health_check_has_no_port,
    shared_object_is_not_ours,
    object_is_not_ours,
)
