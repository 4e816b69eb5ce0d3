"""A program's settings, with one field of every kind."""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from ink_common.environ import Port, Positive, Secret32, Url, Variable


@dataclass(frozen=True)
class Inner:
    """What belongs together."""

    key: Annotated[Secret32, Variable("INK_INNER_KEY")] = field(repr=False)
    count: Annotated[Positive, Variable("INK_INNER_COUNT")] = 1


@dataclass(frozen=True)
class Example:
    """All of it."""

    name: str
    inner: Inner
    port: Port = 8080
    hosts: tuple[str, ...] = ()
    maybe: float | None = None
    on: Annotated[bool, Variable("INK_OTHER_NAME")] = False
    labels: dict[str, str] = field(default_factory=dict)
    address: Url = ""
    level: Literal["low", "high"] = "low"
    listed: dict[str, Any] = field(default_factory=dict)
