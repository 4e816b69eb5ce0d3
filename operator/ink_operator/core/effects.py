"""Writes as data: what a pure decision asks the thin shell to do, in order."""

from dataclasses import dataclass, field
from typing import Any

from ink_operator.core.objects import Manifest, Ref


@dataclass(frozen=True, slots=True)
class Apply:
    """Server-side apply of a whole child."""

    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Create:
    """Make a child that is never compared again; that it is there already is fine, if it is the same owner's."""

    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete, with background propagation; absent is fine. `uid` guards against deleting a namesake."""

    ref: Ref
    uid: str | None = None
    resource_version: str | None = None


@dataclass(frozen=True, slots=True)
class MergePatch:
    """A JSON merge patch of one object."""

    ref: Ref
    patch: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HandOver:
    """Server-side apply of some fields under another manager, so that they stay when Ink applies them no more."""

    manifest: Manifest


Effect = Apply | Create | Delete | MergePatch | HandOver
