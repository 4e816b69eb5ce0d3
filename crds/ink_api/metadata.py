"""The part of an object's metadata that Ink reads."""

from pydantic import Field

from ink_api.model import ApiModel


class ObjectMeta(ApiModel):
    """metadata of a custom resource."""

    name: str
    namespace: str
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    finalizers: list[str] = Field(default_factory=list)
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
