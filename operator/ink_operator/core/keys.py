"""What the queue holds and gets back: keys (which reconciler handles which object), and the result of a reconcile.

To wake another controller, take its key from here.
"""

from dataclasses import dataclass

from ink_api.group import ANNOTATION_OWNER

from ink_operator.core import kinds
from ink_operator.core.objects import Key, Manifest, annotations_of

TENANCY = "Tenancy"
"""Reconciler of the objects that all services of a namespace share."""
ORPHANED_BUILDKITD = "OrphanedBuildkitd"
"""Reconciler that removes the buildkitd of a tenant without services."""


def service_key(namespace: str, name: str) -> Key:
    """One InkService."""
    return Key(kinds.INK_SERVICE.kind, namespace, name)


def owner_key(child: Manifest) -> Key | None:
    """The InkService that owns a child, by its annotation."""
    namespace, _, name = annotations_of(child).get(ANNOTATION_OWNER, "").partition("/")
    return service_key(namespace, name) if namespace and name else None


def tenancy_key(namespace: str) -> Key:
    """The objects that all services of the namespace share."""
    return Key(TENANCY, "", namespace)


def namespace_key(name: str) -> Key:
    """A namespace that may be empty."""
    return Key(kinds.NAMESPACE.kind, "", name)


def claim_key(name: str, namespace: str) -> Key:
    """The claim of a host, a ConfigMap in the operator's namespace."""
    return Key(kinds.CONFIG_MAP.kind, namespace, name)


def buildkitd_key(name: str, namespace: str) -> Key:
    """A tenant's buildkitd, which may be idle."""
    return Key(kinds.STATEFUL_SET.kind, namespace, name)


def orphaned_buildkitd_key(name: str, namespace: str) -> Key:
    """The buildkitd of a tenant that may no longer have services."""
    return Key(ORPHANED_BUILDKITD, namespace, name)


@dataclass(frozen=True, slots=True)
class Result:
    """`requeue_after_seconds`: reconcile again after this time at the latest; None: only on an event."""

    requeue_after_seconds: float | None = None
