"""Environment variables and where their values come from."""

from pydantic import ConfigDict, Field

from ink_api.inkservice.references import ConfigMapRef, KeyRef, ResourceRef, SecretRef, ServiceEnvRef
from ink_api.model import ApiModel
from ink_api.schema import cel, pattern_message, rules
from ink_api.sealing import SEALED_MAX

ENV_NAME_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*$"
ENV_NAME_MESSAGE = pattern_message("a variable name has only letters, digits and '_', and does not begin with a digit")


class EnvSource(ApiModel):
    """Where a variable's value comes from. Exactly one field must be set."""

    secret_key_ref: KeyRef | None = Field(
        default=None,
        description="Key of a Secret in the workload's namespace. Not for services that the gateway manages.",
    )
    config_map_key_ref: KeyRef | None = Field(
        default=None, description="Key of a ConfigMap in the workload's namespace."
    )
    resource_ref: ResourceRef | None = Field(
        default=None, description="Connection value of an InkResource of the same tenant."
    )
    service_env_ref: ServiceEnvRef | None = Field(
        default=None, description="Variable of another InkService of the same tenant and project."
    )
    sealed: str | None = Field(
        default=None,
        description="The value, encrypted to the operator's public key (a compact JWE), as printed by `ink seal`.",
        max_length=SEALED_MAX,
    )
    sealed_digest: str | None = Field(
        default=None,
        description="Keyed digest that the gateway writes next to `sealed`, so that it can tell whether the value "
        "changed.",
        max_length=128,
    )

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel(
                "[has(self.secretKeyRef), has(self.configMapKeyRef), has(self.resourceRef), has(self.serviceEnvRef), "
                "has(self.sealed)].filter(x, x).size() == 1",
                "set exactly one of secretKeyRef, configMapKeyRef, resourceRef, serviceEnvRef and sealed",
            ),
            cel("!has(self.sealedDigest) || has(self.sealed)", "sealedDigest is only allowed together with sealed"),
        )
    )


class EnvVar(ApiModel):
    """One environment variable."""

    name: str = Field(
        description="Name of the variable.",
        pattern=ENV_NAME_PATTERN,
        max_length=256,
        json_schema_extra=ENV_NAME_MESSAGE,
    )
    value: str | None = Field(default=None, description="Its value, in plain text.", max_length=32768)
    value_from: EnvSource | None = Field(default=None, description="Where its value comes from.")

    model_config = ConfigDict(
        json_schema_extra=rules(cel("!(has(self.value) && has(self.valueFrom))", "set value or valueFrom, not both"))
    )


class EnvFromSource(ApiModel):
    """All keys of a Secret or ConfigMap as variables. Exactly one of the two must be set."""

    prefix: str | None = Field(
        default=None,
        description="Prefix added to each key.",
        pattern=ENV_NAME_PATTERN,
        max_length=64,
        json_schema_extra=ENV_NAME_MESSAGE,
    )
    secret_ref: SecretRef | None = Field(
        default=None,
        description="Secret in the workload's namespace. Not for services that the gateway manages.",
    )
    config_map_ref: ConfigMapRef | None = Field(default=None, description="ConfigMap in the workload's namespace.")

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel("has(self.secretRef) != has(self.configMapRef)", "set exactly one of secretRef and configMapRef")
        )
    )
