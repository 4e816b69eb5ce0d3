"""Conditions of a status.

Source: Kubernetes API conventions (sig-architecture, api-conventions.md), "Typical status properties".
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from pydantic import Field

from ink_api.model import ApiModel

ConditionStatus = Literal["True", "False", "Unknown"]


class Condition(ApiModel):
    """One observed condition of the resource."""

    type: str = Field(description="Type of the condition, in CamelCase.", max_length=316, min_length=1)
    status: ConditionStatus = Field(description="True, False or Unknown.")
    reason: str = Field(description="Why, as one CamelCase word. docs/reasons.md explains them all.", max_length=1024)
    message: str = Field(default="", description="Why, in plain words, and what to do next.", max_length=32768)
    observed_generation: int = Field(default=0, description="metadata.generation that the condition was observed for.")
    last_transition_time: datetime = Field(description="When `status` last changed.")


def with_condition(old: Iterable[Condition], new: Condition) -> list[Condition]:
    """Replace the condition of the same type by `new`; if its status is unchanged, its transition time is kept."""
    kept = [c for c in old if c.type != new.type]
    before = next((c for c in old if c.type == new.type), None)
    if before is not None and before.status == new.status:
        new = new.model_copy(update={"last_transition_time": before.last_transition_time})
    return sorted([*kept, new], key=lambda c: c.type)


def find(conditions: Iterable[Condition], kind: str) -> Condition | None:
    """The condition of that type, if there is one."""
    return next((c for c in conditions if c.type == kind), None)
