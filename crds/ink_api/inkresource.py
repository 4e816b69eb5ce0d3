"""InkResource: a database or another backing service."""

from typing import Literal

from pydantic import Field

from ink_api.conditions import Condition
from ink_api.model import ApiModel
from ink_api.schema import list_map


class InkResourceSpec(ApiModel):
    """What is wanted of the resource."""

    type: Literal["SQLite", "Postgres", "Redis", "External"] = Field(
        default="SQLite",
        description="Kind of backing service; cannot be changed.",
        json_schema_extra={
            "x-kubernetes-validations": [
                {"rule": "self == oldSelf", "message": "type cannot be changed: create another resource"}
            ]
        },
    )


class InkResourceStatus(ApiModel):
    """What is."""

    observed_generation: int = Field(default=-1, description="metadata.generation this status speaks of.")
    conditions: list[Condition] = Field(
        default_factory=list, description="The facts, by type.", json_schema_extra=list_map("type")
    )
