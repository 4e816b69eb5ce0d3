"""Writes as data: what a pure decision asks to be carried out, in order."""

from dataclasses import dataclass, field
from typing import Any

from ink_operator.core.objects import Manifest, Ref


@dataclass(frozen=True, slots=True)
class Apply:
    """Server-side apply of a whole child."""

    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Create:
    """Create a child that is never compared again; an existing one of the same owner is fine."""

    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete, with background propagation; absent is fine. `uid` prevents deleting another object of the name."""

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
    """Server-side apply of some fields under another manager, so that they stay when Ink stops applying them."""

    manifest: Manifest


Effect = Apply | Create | Delete | MergePatch | HandOver
