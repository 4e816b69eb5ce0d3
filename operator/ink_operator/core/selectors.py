"""Label selectors as Ink writes them: `key`, `key=value` and `key in (a,b)`, joined by commas."""

import re
from functools import lru_cache

NAMESPACE_NAME = "kubernetes.io/metadata.name"
"""Label of every namespace: its name."""
_COMMA = re.compile(r",(?![^(]*\))")
Requirement = tuple[str, frozenset[str] | None]
"""A label, and the values that it may have; None: any."""


@lru_cache(maxsize=64)
def _fixed(selector: str) -> tuple[Requirement, ...]:
    return tuple(_requirement(part) for part in _COMMA.split(selector)) if selector else ()


def _requirement(part: str) -> Requirement:
    key, among, values = part.partition(" in ")
    if among:
        return key, frozenset(values.strip("()").split(","))
    name, equals, value = part.partition("=")
    return name, frozenset({value}) if equals else None


def matches(labels: dict[str, str], selector: str) -> bool:
    """Whether an object with these labels is selected."""
    return all(name in labels and (allowed is None or labels[name] in allowed) for name, allowed in _fixed(selector))


def split_first(selector: str, label: str) -> tuple[str | None, str]:
    """The value that the selector asks of `label`, if it begins with that, and the rest of it."""
    first, _, rest = selector.partition(",")
    name, equals, value = first.partition("=")
    return (value, rest) if equals and name == label else (None, selector)
