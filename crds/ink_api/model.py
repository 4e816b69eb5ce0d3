"""The base of every API model: camelCase on the wire, snake_case in Python, unknown fields ignored."""

from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class ApiModel(BaseModel):
    """A value of the API. Validated once, then immutable."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True)

    def to_wire(self) -> dict[str, Any]:
        """The JSON object for the API server, without fields that were never set."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)
