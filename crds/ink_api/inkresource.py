"""InkResource: a database or another backing service."""

from typing import Literal

from pydantic import ConfigDict, Field

from ink_api.conditions import Condition
from ink_api.inkservice.references import SecretRef
from ink_api.metadata import ObjectMeta
from ink_api.model import ApiModel
from ink_api.quantities import Quantity, Schedule
from ink_api.schema import cel, immutable, list_map, pattern_message, rules
from ink_api.sealing import SEALED_MAX

PROVIDERS = {"SQLite": ("Turso", "Sqld"), "Postgres": ("InCluster", "Neon"), "Redis": ("InCluster", "Upstash")}
"""Type -> who can run it. A type or a provider that is new is added to the field's Literal below as well."""
ANOTHER = "create another resource, move the data and delete this one"


class Backup(ApiModel):
    """When backups are made, and how many are kept."""

    schedule: Schedule = Field(
        default="@daily",
        description="Five cron fields (minute, hour, day, month, weekday) in UTC, such as `30 3 * * *`, or a shorthand "
        "such as `@daily`.",
    )
    keep: int = Field(default=7, description="How many backups to keep. Older ones are deleted.", ge=1, le=365)


class External(ApiModel):
    """How to reach an existing service. Exactly one of sealed and secretRef must be set."""

    sealed: str | None = Field(
        default=None,
        description="The connection URL, encrypted to the operator's public key (a compact JWE), as printed by "
        "`ink seal`.",
        min_length=1,
        max_length=SEALED_MAX,
    )
    sealed_digest: str | None = Field(
        default=None,
        description="Keyed digest that the gateway writes next to `sealed`, so that it can tell whether the value "
        "changed.",
        max_length=128,
    )
    secret_ref: SecretRef | None = Field(
        default=None,
        description="Secret in this resource's namespace with the key `url`. Its other keys are passed on unchanged. "
        "Not for resources that the gateway manages.",
    )

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel("has(self.sealed) != has(self.secretRef)", "set exactly one of sealed and secretRef"),
            cel("!has(self.sealedDigest) || has(self.sealed)", "sealedDigest is only allowed together with sealed"),
        )
    )


def _provider_rules() -> list[dict[str, str]]:
    """One rule a type: each has its own providers."""
    found = []
    for kind, names in PROVIDERS.items():
        listed = ", ".join(f"'{name}'" for name in names)
        if len(names) == 1:
            message = f"the only provider for type {kind} is {names[0]}: choose it, or remove provider"
        else:
            both = f"{', '.join(names[:-1])} and {names[-1]}"
            message = f"the providers for type {kind} are {both}: choose one of them, or remove provider"
        found.append(cel(f"self.type != '{kind}' || !has(self.provider) || self.provider in [{listed}]", message))
    return found


def _set_once(field: str) -> dict[str, str]:
    """An optional field that cannot be added or removed later; `immutable` only covers a change of its value."""
    return cel(f"has(self.{field}) == has(oldSelf.{field})", f"{field} cannot be added or removed later: {ANOTHER}")


RULES = (
    cel(
        "(self.type == 'External') == has(self.external)",
        "type External needs external, and no other type allows it: set type External, or remove external",
    ),
    cel(
        "self.type != 'External' || (!has(self.provider) && !has(self.size) && !has(self.region) && "
        "!has(self.version) && !has(self.backup))",
        "Ink does not run External resources: remove provider, size, region, version and backup",
    ),
    cel(
        "self.type != 'SQLite' || !has(self.version)",
        "type SQLite has no version to choose: remove version",
    ),
    *_provider_rules(),
    _set_once("provider"),
    _set_once("region"),
    cel(
        "!has(oldSelf.size) || has(self.size)",
        "size cannot be removed, because the default may be smaller: keep it, or raise it",
    ),
    cel(
        "!has(oldSelf.version) || has(self.version)",
        "version cannot be removed, because the default may be older: keep it, or raise it",
    ),
)


class InkResourceSpec(ApiModel):
    """Desired state of the resource."""

    type: Literal["SQLite", "Postgres", "Redis", "External"] = Field(
        default="SQLite",
        description="Kind of backing service. External refers to one that exists already. Cannot be changed.",
        json_schema_extra=immutable("type", ANOTHER),
    )
    provider: Literal["Turso", "Sqld", "Neon", "Upstash", "InCluster"] | None = Field(
        default=None,
        description="Who runs the resource: "
        + ", ".join(f"{' or '.join(names)} ({kind})" for kind, names in PROVIDERS.items())
        + ". Defaults to the platform's choice for the type, shown in status.provider. Cannot be changed.",
        json_schema_extra=immutable("provider", ANOTHER),
    )
    size: Quantity | None = Field(
        default=None,
        description="Storage for the data, such as `1Gi`. Defaults to the platform's size. It can grow, never shrink.",
        json_schema_extra=rules(
            cel(
                "!isQuantity(string(self)) || quantity(string(self)).compareTo(quantity(string(oldSelf))) >= 0",
                f"a resource cannot shrink: keep its size, or {ANOTHER}",
            ),
            cel(
                "!isQuantity(string(self)) || quantity(string(self)).compareTo(quantity('1Mi')) >= 0",
                "size must be at least 1Mi: write it with a unit, such as 10Gi",
            ),
        ),
    )
    region: str | None = Field(
        default=None,
        description="Where the data is stored, by the provider's name for the region, such as `aws-eu-west-1`. "
        "Defaults to the platform's, shown in status.region. Cannot be changed.",
        pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
        max_length=63,
        json_schema_extra={
            **immutable("region", ANOTHER),
            **pattern_message("write the region's name as the provider does, such as aws-eu-west-1: a-z, 0-9 and '-'"),
        },
    )
    version: str | None = Field(
        default=None,
        description="Version of Postgres or Redis, such as `17` or `17.2`. Defaults to the platform's. It can be "
        "raised but not lowered.",
        pattern=r"^[0-9]{1,4}(\.[0-9]{1,4}){0,2}$",
        max_length=14,
        json_schema_extra={
            **rules(
                cel(
                    "int(self.split('.')[0]) >= int(oldSelf.split('.')[0])",
                    f"version cannot be lowered, because older versions cannot read newer data: keep it, or {ANOTHER}",
                )
            ),
            **pattern_message("write a version such as '17' or '17.2', in quotes"),
        },
    )
    deletion_policy: Literal["Retain", "Delete"] = Field(
        default="Retain",
        description="What happens to the data when this object is deleted: Retain keeps it where it is, Delete removes "
        "it after a final backup. An External service is never touched.",
    )
    backup: Backup | None = Field(
        default=None, description="Regular backups. Defaults to the platform's settings for the type."
    )
    external: External | None = Field(
        default=None, description="How to reach the existing service. Only for type External."
    )

    model_config = ConfigDict(json_schema_extra=rules(*RULES))


class InkResourceStatus(ApiModel):
    """Observed state of the resource. Only the operator writes it, and can restore it if it is deleted."""

    observed_generation: int = Field(default=-1, description="metadata.generation that this status describes.")
    conditions: list[Condition] = Field(
        default_factory=list,
        description="Conditions, by type. docs/reasons.md explains them.",
        json_schema_extra=list_map("type"),
    )
    endpoint: str | None = Field(
        default=None, description="Host and port of the resource, without credentials.", max_length=512
    )
    secret_name: str | None = Field(
        default=None,
        description="Secret in this resource's namespace with the connection: `url`, `auth_token` if there is one, and "
        "the parts `host`, `port`, `username`, `password` and `database`.",
        max_length=253,
    )
    provider: str | None = Field(default=None, description="Who runs the resource.", max_length=63)
    region: str | None = Field(default=None, description="Where the data is stored.", max_length=63)


class InkResource(ApiModel):
    """A database or another resource that services use."""

    metadata: ObjectMeta
    spec: InkResourceSpec
    status: InkResourceStatus = Field(default_factory=InkResourceStatus)
