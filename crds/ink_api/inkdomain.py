"""InkDomain: a DNS zone delegated to the platform."""

from pydantic import Field

from ink_api.conditions import Condition
from ink_api.model import ApiModel
from ink_api.schema import list_map


class InkDomainSpec(ApiModel):
    """What is wanted of the zone."""

    zone: str = Field(
        description="The zone, such as `example.com`; cannot be changed.",
        pattern=r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?\.)+[a-z]([-a-z0-9]*[a-z0-9])?$",
        max_length=253,
        json_schema_extra={
            "x-kubernetes-validations": [
                {"rule": "self == oldSelf", "message": "zone cannot be changed: create another domain"}
            ]
        },
    )


class InkDomainStatus(ApiModel):
    """What is."""

    observed_generation: int = Field(default=-1, description="metadata.generation this status speaks of.")
    conditions: list[Condition] = Field(
        default_factory=list, description="The facts, by type.", json_schema_extra=list_map("type")
    )
