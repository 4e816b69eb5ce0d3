"""Pure: what is wrong before any work begins. Each check is named by what is wrong and gives the failure or None."""

import re
from datetime import UTC

from ink_api.group import ANNOTATION_OWNER, LABEL_MANAGED_NAMESPACE, LABEL_OWNER_UID
from ink_api.inkservice import InkService
from ink_api.names import SERVICE_NAME_MAX, SERVICE_NAME_PATTERN, TENANT_NAMESPACE_PREFIX
from ink_api.reasons import Reason

from ink_operator.core.objects import NETWORK_POLICY, SECRET, Manifest, annotations_of, is_deleting, labels_of
from ink_operator.inkservice.decide.plan import Draft
from ink_operator.inkservice.decide.unsupported import not_served
from ink_operator.inkservice.desired.namespace import is_made_by_us, set_up
from ink_operator.inkservice.desired.policy import policy_names
from ink_operator.inkservice.desired.storage import belongs, claim_name, volumes_of
from ink_operator.inkservice.facts.claims import kept_until, tenant_of
from ink_operator.inkservice.facts.effective import is_worker
from ink_operator.inkservice.facts.references import build_uses_of, uses_of
from ink_operator.inkservice.model import Claim, Failure

KEPT_PREFIXES = (TENANT_NAMESPACE_PREFIX, "kube-")


def name_is_no_label(draft: Draft) -> Failure | None:
    """A child object of that name could not be made."""
    name = draft.seen.identity.name
    if len(name) <= SERVICE_NAME_MAX and re.fullmatch(SERVICE_NAME_PATTERN, name):
        return None
    return Failure(
        Reason.INVALID_SPEC,
        f"metadata.name: {name!r} must begin with a letter, hold only a-z, 0-9 and '-', and have at most "
        f"{SERVICE_NAME_MAX} characters.",
    )


def namespace_is_platforms(draft: Draft) -> Failure | None:
    """No service lies among the platform's own pods, nor where the gateway's services run."""
    space = draft.service.metadata.namespace
    if draft.of_gateway or not (space in draft.settings.own_namespaces or space.startswith(KEPT_PREFIXES)):
        return None
    return Failure(Reason.NAMESPACE_NOT_MANAGED, f"The namespace {space} is the platform's: Ink runs no service there.")


def namespace_is_somebody_elses(draft: Draft) -> Failure | None:
    """A namespace of a project's name that Ink did not make: whoever made it could read what runs in it."""
    live = draft.seen.namespace
    if not draft.of_gateway or live is None or is_made_by_us(live):
        return None
    return Failure(Reason.NAME_CONFLICT, f"The Namespace {live['metadata']['name']} was not made by Ink.")


def namespace_is_not_ours_to_use(draft: Draft) -> Failure | None:
    """Outside the tenants namespace only labelled namespaces are worked in."""
    if draft.of_gateway or draft.settings.watch == "all":
        return None
    if draft.seen.namespace is not None and labels_of(draft.seen.namespace).get(LABEL_MANAGED_NAMESPACE) == "true":
        return None
    return Failure(Reason.NAMESPACE_NOT_MANAGED, f"Ink does not work in the namespace {draft.seen.identity.namespace}.")


def namespace_is_going(draft: Draft) -> Failure | None:
    """Nothing can be made in a namespace that is being deleted."""
    if draft.seen.namespace is None or not is_deleting(draft.seen.namespace):
        return None
    return Failure(Reason.NAMESPACE_TERMINATING, f"The namespace {draft.seen.identity.namespace} is being deleted.")


def source_is_denied(draft: Draft) -> Failure | None:
    """The source belongs to somebody else, or has no such form."""
    return draft.seen.source_failure


def variable_is_denied(draft: Draft) -> Failure | None:
    """A variable whose source may not be used."""
    return reference_denied(draft.service, draft.of_gateway)


def reference_denied(service: InkService, of_gateway: bool) -> Failure | None:
    """In a namespace of Ink's own making the only Secrets are Ink's."""
    denied = [use for use in (*uses_of(service), *build_uses_of(service)) if of_gateway and use.kind == SECRET]
    if not denied:
        return None
    what = "secretKeyRef" if denied[0].key is not None else "secretRef"
    return Failure(Reason.REFERENCE_DENIED, f"{denied[0].field}: {what} cannot be used here.")


def field_is_not_served(draft: Draft) -> Failure | None:
    """A field whose part comes with a later version."""
    found = not_served(draft.service.spec)
    return Failure(Reason.NOT_IMPLEMENTED, f"{', '.join(found)}: not served yet.") if found else None


def health_has_no_port(draft: Draft) -> Failure | None:
    """A worker is asked for its health only where it says which port to ask."""
    spec = draft.service.spec
    if spec.health is None or spec.health.port is not None or not is_worker(draft.service):
        return None
    return Failure(
        Reason.INVALID_SPEC, "spec.health: the service has no ports to ask: set health.port, or remove health."
    )


def inkfile_is_not_served(draft: Draft) -> Failure | None:
    """What ink.yaml of the chosen commit asks for, and what it makes of the spec."""
    if draft.effective is draft.service:
        return None
    found = [name.removeprefix("spec.") for name in not_served(draft.effective.spec)]
    if found:
        return Failure(Reason.NOT_IMPLEMENTED, f"ink.yaml: {', '.join(found)}: not served yet.")
    health = draft.effective.spec.health
    if health is not None and health.port is None and is_worker(draft.effective):
        return Failure(
            Reason.INVALID_SPEC,
            "spec.health: by ink.yaml the service has no ports to ask: set health.port, or remove health.",
        )
    return None


def set_up_is_not_ours(draft: Draft) -> Failure | None:
    """What all services of a namespace share is Ink's or not there, as its children are."""
    for manifest in set_up(draft.seen.identity, draft.of_gateway, draft.settings):
        names = (manifest["kind"], manifest["metadata"]["name"])
        live = draft.seen.tenancy.get(names)
        if live is not None and not (is_made_by_us(live) and live.get("roleRef") == manifest.get("roleRef")):
            return _not_made_by_ink(*names, draft)
    for name in policy_names():
        live = draft.seen.tenancy.get((NETWORK_POLICY.kind, name))
        if live is not None and not is_made_by_us(live):
            return _not_made_by_ink(NETWORK_POLICY.kind, name, draft)
    return None


def _not_made_by_ink(kind: str, name: str, draft: Draft) -> Failure:
    return Failure(Reason.NAME_CONFLICT, f"The {kind} {name} in {draft.seen.identity.namespace} was not made by Ink.")


def object_is_not_ours(draft: Draft) -> Failure | None:
    """An object of our child's name that somebody else made is never taken over."""
    seen = draft.seen
    secret = seen.env_children.get(SECRET.kind) if seen.environment.values else None
    for live in (seen.deployment, seen.service, seen.ingress, seen.cron_job, seen.autoscaler, secret):
        if live is not None and not is_ours(live, draft.service.metadata.uid):
            what = f"{live.get('kind', 'object')} {live['metadata']['name']}"
            return Failure(
                Reason.NAME_CONFLICT, f"The {what} in {seen.identity.namespace} was not made for this service."
            )
    for volume in volumes_of(draft.service):
        name = claim_name(seen.identity, volume.name)
        claim = seen.volumes.get(name)
        if claim is not None and not belongs(claim, draft.service, seen.identity):
            return Failure(
                Reason.NAME_CONFLICT,
                f"The PersistentVolumeClaim {name} in {seen.identity.namespace} was not made for this service.",
            )
    return None


def is_ours(live: Manifest, uid: str) -> bool:
    """The child carries our owner's UID."""
    return labels_of(live).get(LABEL_OWNER_UID) == uid


def host_is_not_ours(draft: Draft) -> Failure | None:
    """The public host is kept by the platform, or serves another service."""
    host = draft.host
    if host is None:
        return None
    label = host.removesuffix(f".{draft.settings.apps_domain}")
    if label in draft.settings.reserved_hosts or host in draft.settings.reserved_hosts:
        return Failure(Reason.HOST_RESERVED, f"The host {host} is reserved.")
    claim, meta = draft.seen.live_claim, draft.service.metadata
    if claim is None or draft.seen.claim not in (Claim.TAKEN, Claim.KEPT):
        return None
    until = kept_until(claim, draft.settings)
    if until is not None:
        draft.look_again(max(0.0, (until - draft.now).total_seconds()))
        at = until.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        return Failure(
            Reason.HOST_TAKEN, f"The host {host} was another tenant's until lately: it is free from {at} on."
        )
    # Who it is, is the tenant's own business only.
    ours = tenant_of(claim) == (meta.namespace, draft.seen.identity.tenant)
    by = f" by the InkService {annotations_of(claim)[ANNOTATION_OWNER]}" if ours else ""
    return Failure(Reason.HOST_TAKEN, f"The host {host} is taken{by}.")


BEFORE_ANYTHING = (
    name_is_no_label,
    namespace_is_platforms,
    namespace_is_not_ours_to_use,
    namespace_is_going,
    namespace_is_somebody_elses,
    source_is_denied,
    variable_is_denied,
    field_is_not_served,
    health_has_no_port,
    set_up_is_not_ours,
    object_is_not_ours,
)
