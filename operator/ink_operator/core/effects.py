"""Writes as data: what a pure decision asks for, in order."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from ink_operator.core.objects import Manifest, Ref


class Effect:
    """One write. A kind may add its own to the five below, and carries them out itself."""

    creates: ClassVar[bool] = False
    """It creates something that has to be cleaned up."""


@dataclass(frozen=True)
class Apply(Effect):
    """Server-side apply of a whole child."""

    manifest: Manifest
    creates: ClassVar[bool] = True


@dataclass(frozen=True)
class Create(Effect):
    """Create a child that is never compared again; an existing one of the same owner is fine."""

    manifest: Manifest
    creates: ClassVar[bool] = True


@dataclass(frozen=True)
class Delete(Effect):
    """Delete, with background propagation; absent is fine. `uid` prevents deleting another object with the name."""

    ref: Ref
    uid: str | None = None
    resource_version: str | None = None


@dataclass(frozen=True)
class MergePatch(Effect):
    """A JSON merge patch of one object."""

    ref: Ref
    patch: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class HandOver(Effect):
    """Server-side apply of some fields under another manager, so that they stay when Ink stops applying them."""

    manifest: Manifest
