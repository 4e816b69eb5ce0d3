"""Names of other objects of the same tenant."""

from pydantic import Field

from ink_api.model import ApiModel
from ink_api.schema import pattern_message

OBJECT_NAME = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
OBJECT_MESSAGE = pattern_message("write the object's name as in Kubernetes: a-z, 0-9, '-' and '.'")
KEY_PATTERN = r"^[-._a-zA-Z0-9]+$"
KEY_MESSAGE = pattern_message("write a key as in a Secret: letters, digits, '-', '_' and '.'")


class SecretRef(ApiModel):
    """A Secret in the workload's namespace."""

    name: str = Field(
        description="Name of the Secret.", pattern=OBJECT_NAME, max_length=253, json_schema_extra=OBJECT_MESSAGE
    )


class ConfigMapRef(ApiModel):
    """A ConfigMap in the workload's namespace."""

    name: str = Field(
        description="Name of the ConfigMap.", pattern=OBJECT_NAME, max_length=253, json_schema_extra=OBJECT_MESSAGE
    )


class KeyRef(ApiModel):
    """A key of a Secret or ConfigMap in the workload's namespace."""

    name: str = Field(
        description="Name of the object.", pattern=OBJECT_NAME, max_length=253, json_schema_extra=OBJECT_MESSAGE
    )
    key: str = Field(
        description="Key in the object.", pattern=KEY_PATTERN, max_length=253, json_schema_extra=KEY_MESSAGE
    )


class ResourceRef(ApiModel):
    """A connection value of an InkResource of the same tenant."""

    name: str = Field(
        description="Name of the InkResource.", pattern=OBJECT_NAME, max_length=253, json_schema_extra=OBJECT_MESSAGE
    )
    key: str = Field(
        default="url",
        description="Key in the resource's Secret, such as `url` or `auth_token`.",
        pattern=KEY_PATTERN,
        max_length=253,
        json_schema_extra=KEY_MESSAGE,
    )


class ServiceEnvRef(ApiModel):
    """A variable of another InkService of the same tenant and project."""

    service: str = Field(
        description="Name of the other service.", pattern=OBJECT_NAME, max_length=253, json_schema_extra=OBJECT_MESSAGE
    )
    name: str = Field(description="Name of the variable in that service.", min_length=1, max_length=256)
