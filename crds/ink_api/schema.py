"""Parts of a structural schema that Pydantic does not generate."""

from typing import Any


def list_map(*keys: str) -> dict[str, Any]:
    """Schema extension: a list merged by these keys (server-side apply)."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}


def atomic_list() -> dict[str, Any]:
    """Schema extension: a list replaced as a whole (server-side apply)."""
    return {"x-kubernetes-list-type": "atomic"}


def cel(rule: str, message: str) -> dict[str, str]:
    """One CEL validation rule, with the message that a person reads when it fails."""
    return {"rule": rule, "message": message}


def rules(*found: dict[str, str]) -> dict[str, Any]:
    """Schema extension: CEL validation rules for the value."""
    return {"x-kubernetes-validations": list(found)}


def immutable(field: str, instead: str) -> dict[str, Any]:
    """Schema extension: a field that cannot be changed once set. `instead`: what to do."""
    return rules(cel("self == oldSelf", f"{field} cannot be changed: {instead}"))


PATTERN_MESSAGE = "x-ink-pattern-message"


def pattern_message(message: str) -> dict[str, Any]:
    """Schema extension of our own: the message that a person reads when the value does not match the pattern."""
    return {PATTERN_MESSAGE: message}
