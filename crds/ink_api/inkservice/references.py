"""Names of other objects of the same tenant."""

from pydantic import Field

from ink_api.model import ApiModel


class SecretRef(ApiModel):
    """A Secret in the workload's namespace."""

    name: str = Field(description="Name of the Secret.", min_length=1, max_length=253)


class ConfigMapRef(ApiModel):
    """A ConfigMap in the workload's namespace."""

    name: str = Field(description="Name of the ConfigMap.", min_length=1, max_length=253)


class KeyRef(ApiModel):
    """A key of a Secret or ConfigMap in the workload's namespace."""

    name: str = Field(description="Name of the object.", min_length=1, max_length=253)
    key: str = Field(description="Key in it.", min_length=1, max_length=253)


class ResourceRef(ApiModel):
    """A connection value of an InkResource of the same tenant."""

    name: str = Field(description="Name of the InkResource.", min_length=1, max_length=253)
    key: str = Field(
        default="url", description="Key of its Secret, such as `url` or `auth_token`.", min_length=1, max_length=253
    )


class ServiceEnvRef(ApiModel):
    """A variable of another InkService of the same tenant and project."""

    service: str = Field(description="Name of the other service.", min_length=1, max_length=253)
    name: str = Field(description="Name of its variable.", min_length=1, max_length=256)
