"""Names of other objects of the same tenant."""

from pydantic import Field

from ink_api.model import ApiModel
from ink_api.schema import says

OBJECT_NAME = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
OBJECT_SAYS = says("write the object's name as Kubernetes has it: a-z, 0-9, '-' and '.'")
KEY_PATTERN = r"^[-._a-zA-Z0-9]+$"
KEY_SAYS = says("write a key as Secrets have them: letters, digits, '-', '_' and '.'")


class SecretRef(ApiModel):
    """A Secret in the workload's namespace."""

    name: str = Field(
        description="Name of the Secret.", pattern=OBJECT_NAME, max_length=253, json_schema_extra=OBJECT_SAYS
    )


class ConfigMapRef(ApiModel):
    """A ConfigMap in the workload's namespace."""

    name: str = Field(
        description="Name of the ConfigMap.", pattern=OBJECT_NAME, max_length=253, json_schema_extra=OBJECT_SAYS
    )


class KeyRef(ApiModel):
    """A key of a Secret or ConfigMap in the workload's namespace."""

    name: str = Field(
        description="Name of the object.", pattern=OBJECT_NAME, max_length=253, json_schema_extra=OBJECT_SAYS
    )
    key: str = Field(description="Key in it.", pattern=KEY_PATTERN, max_length=253, json_schema_extra=KEY_SAYS)


class ResourceRef(ApiModel):
    """A connection value of an InkResource of the same tenant."""

    name: str = Field(
        description="Name of the InkResource.", pattern=OBJECT_NAME, max_length=253, json_schema_extra=OBJECT_SAYS
    )
    key: str = Field(
        default="url",
        description="Key of its Secret, such as `url` or `auth_token`.",
        pattern=KEY_PATTERN,
        max_length=253,
        json_schema_extra=KEY_SAYS,
    )


class ServiceEnvRef(ApiModel):
    """A variable of another InkService of the same tenant and project."""

    service: str = Field(
        description="Name of the other service.", pattern=OBJECT_NAME, max_length=253, json_schema_extra=OBJECT_SAYS
    )
    name: str = Field(description="Name of its variable.", min_length=1, max_length=256)
