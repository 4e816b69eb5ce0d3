"""JSON merge patches (RFC 7386)."""

from typing import Any


def turning(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """The patch that turns `old` into `new`: what is gone, at any depth, becomes null; lists are replaced whole."""
    patch: dict[str, Any] = {name: None for name in old if name not in new}
    for name, value in new.items():
        before = old.get(name)
        if isinstance(value, dict) and isinstance(before, dict):
            patch |= {name: turning(before, value)} if before != value else {}
        elif before != value or name not in old:
            patch[name] = value
    return patch
