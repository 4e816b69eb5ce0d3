"""Kubernetes kinds and objects as plain data."""

from typing import Any, NamedTuple

from ink_operator.core.kinds import Kind, kind_of

Manifest = dict[str, Any]
"""A Kubernetes object as JSON."""


class Ref(NamedTuple):
    """One object. `namespace` is empty for kinds without one."""

    kind: Kind
    namespace: str
    name: str


class Key(NamedTuple):
    """What the queue holds: the name of a reconciler and the object it works on."""

    kind: str
    namespace: str
    name: str


def ref_of(manifest: Manifest) -> Ref:
    """The object that a manifest describes."""
    meta = manifest["metadata"]
    return Ref(kind_of(manifest), meta.get("namespace", ""), meta["name"])


def labels_of(live: Manifest) -> dict[str, str]:
    """metadata.labels, never None."""
    return live.get("metadata", {}).get("labels") or {}


def annotations_of(live: Manifest) -> dict[str, str]:
    """metadata.annotations, never None."""
    return live.get("metadata", {}).get("annotations") or {}


def condition_of(live: Manifest, kind: str) -> dict[str, Any] | None:
    """The status condition of that type, in the form of Kubernetes' own kinds."""
    conditions = live.get("status", {}).get("conditions") or []
    return next((c for c in conditions if c.get("type") == kind), None)


def is_deleting(live: Manifest) -> bool:
    """Its deletion was requested."""
    return bool(live.get("metadata", {}).get("deletionTimestamp"))
