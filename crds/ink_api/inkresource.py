"""InkResource: a database or another backing service."""

from typing import Literal

from pydantic import ConfigDict, Field

from ink_api.conditions import Condition
from ink_api.inkservice.references import SecretRef
from ink_api.metadata import ObjectMeta
from ink_api.model import ApiModel
from ink_api.quantities import Quantity, Schedule
from ink_api.schema import cel, immutable, list_map, rules, says
from ink_api.sealing import SEALED_MAX

PROVIDERS = {"SQLite": ("Turso", "Sqld"), "Postgres": ("InCluster", "Neon"), "Redis": ("InCluster", "Upstash")}
ANOTHER = "create another resource, move the data and delete this one"


class Backup(ApiModel):
    """When copies of the data are made, and how many are kept."""

    schedule: Schedule = Field(
        default="@daily",
        description="Five fields (minute, hour, day, month, weekday) in UTC, such as `30 3 * * *`, or `@daily` and "
        "its kin.",
    )
    keep: int = Field(default=7, description="How many backups are kept; older ones are removed.", ge=1, le=365)


class External(ApiModel):
    """How an existing service is reached; exactly one of sealed and secretRef."""

    sealed: str | None = Field(
        default=None,
        description="The connection URL encrypted to the operator's key (a compact JWE), as `ink seal` prints it.",
        min_length=1,
        max_length=SEALED_MAX,
    )
    sealed_digest: str | None = Field(
        default=None,
        description="Written beside `sealed` by the gateway, under a key of its own: tells it whether a value changed.",
        max_length=128,
    )
    secret_ref: SecretRef | None = Field(
        default=None,
        description="Secret beside this resource with the key `url`; its other keys are passed on as they are. Not "
        "for resources that the gateway writes.",
    )

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel("has(self.sealed) != has(self.secretRef)", "set exactly one of sealed and secretRef"),
            cel("!has(self.sealedDigest) || has(self.sealed)", "sealedDigest belongs beside sealed"),
        )
    )


def _provider_rules() -> list[dict[str, str]]:
    """One rule a type: each has its own providers."""
    found = []
    for kind, names in PROVIDERS.items():
        listed = ", ".join(f"'{name}'" for name in names)
        found.append(
            cel(
                f"self.type != '{kind}' || !has(self.provider) || self.provider in [{listed}]",
                f"a resource of type {kind} has the providers {' and '.join(names)}: choose one of them, or remove "
                "provider",
            )
        )
    return found


def _kept(field: str) -> dict[str, str]:
    """An optional field that is neither added nor removed later; `immutable` covers a change of its value alone."""
    return cel(
        f"has(self.{field}) == has(oldSelf.{field})", f"{field} cannot be added or removed afterwards: {ANOTHER}"
    )


RULES = (
    cel(
        "(self.type == 'External') == has(self.external)",
        "type External needs external, and no other type has it: set type External, or remove external",
    ),
    cel(
        "self.type != 'External' || (!has(self.provider) && !has(self.size) && !has(self.region) && "
        "!has(self.version) && !has(self.backup))",
        "an External resource is run by somebody else: remove provider, size, region, version and backup",
    ),
    cel(
        "self.type != 'SQLite' || !has(self.version)",
        "a resource of type SQLite has no version to choose: remove version",
    ),
    *_provider_rules(),
    _kept("provider"),
    _kept("region"),
    cel(
        "!has(oldSelf.size) || has(self.size)",
        "size cannot be removed, for the default may be smaller: keep it, or raise it",
    ),
    cel(
        "!has(oldSelf.version) || has(self.version)",
        "version cannot be removed, for the default may be older: keep it, or raise it",
    ),
)


class InkResourceSpec(ApiModel):
    """What is wanted of the resource."""

    type: Literal["SQLite", "Postgres", "Redis", "External"] = Field(
        default="SQLite",
        description="Kind of backing service; External stands for one that exists already. Cannot be changed.",
        json_schema_extra=immutable("type", ANOTHER),
    )
    provider: Literal["Turso", "Sqld", "Neon", "Upstash", "InCluster"] | None = Field(
        default=None,
        description="Who runs it: Turso or Sqld (SQLite), Neon or InCluster (Postgres), Upstash or InCluster (Redis); "
        "default: the platform's choice for the type, shown in status.provider. Cannot be changed.",
        json_schema_extra=immutable("provider", ANOTHER),
    )
    size: Quantity | None = Field(
        default=None,
        description="Room for the data, such as `1Gi`; default: the platform's. It can grow, never shrink.",
        json_schema_extra=rules(
            cel(
                "!isQuantity(string(self)) || quantity(string(self)).compareTo(quantity(string(oldSelf))) >= 0",
                f"a resource cannot shrink: keep its size, or {ANOTHER}",
            ),
            cel(
                "!isQuantity(string(self)) || quantity(string(self)).compareTo(quantity('1Mi')) >= 0",
                "size must be at least 1Mi: write it as 10Gi",
            ),
        ),
    )
    region: str | None = Field(
        default=None,
        description="Where the data lie, in the provider's words, such as `aws-eu-west-1`; default: the platform's, "
        "shown in status.region. Cannot be changed.",
        pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
        max_length=63,
        json_schema_extra={
            **immutable("region", ANOTHER),
            **says("write the region as the provider does, such as aws-eu-west-1: a-z, 0-9 and '-'"),
        },
    )
    version: str | None = Field(
        default=None,
        description="Version of Postgres or Redis, such as `17` or `17.2`; default: the platform's. It can be raised, "
        "not lowered.",
        pattern=r"^[0-9]{1,4}(\.[0-9]{1,4}){0,2}$",
        max_length=14,
        json_schema_extra={
            **rules(
                cel(
                    "int(self.split('.')[0]) >= int(oldSelf.split('.')[0])",
                    f"version cannot be lowered, for older programs cannot read newer data: keep it, or {ANOTHER}",
                )
            ),
            **says("write a version such as '17' or '17.2', in quotes"),
        },
    )
    deletion_policy: Literal["Retain", "Delete"] = Field(
        default="Retain",
        description="What becomes of the data when this object is deleted: Retain keeps them where they are, Delete "
        "removes them after a last backup. An External service is never touched.",
    )
    backup: Backup | None = Field(
        default=None, description="Regular backups; default: as the platform does them for the type."
    )
    external: External | None = Field(
        default=None, description="How the existing service is reached; for type External alone."
    )

    model_config = ConfigDict(json_schema_extra=rules(*RULES))


class InkResourceStatus(ApiModel):
    """What is. Written by the operator alone; deleting it loses nothing."""

    observed_generation: int = Field(default=-1, description="metadata.generation this status speaks of.")
    conditions: list[Condition] = Field(
        default_factory=list, description="The facts, by type.", json_schema_extra=list_map("type")
    )
    endpoint: str | None = Field(
        default=None, description="Host and port at which it is reached; no credentials.", max_length=512
    )
    secret_name: str | None = Field(
        default=None,
        description="Secret beside this object with the connection: `url`, `auth_token` where there is one, and the "
        "parts `host`, `port`, `username`, `password`, `database`.",
        max_length=253,
    )
    provider: str | None = Field(default=None, description="Who runs it.", max_length=63)
    region: str | None = Field(default=None, description="Where the data lie.", max_length=63)


class InkResource(ApiModel):
    """A database or another resource that services use."""

    metadata: ObjectMeta
    spec: InkResourceSpec
    status: InkResourceStatus = Field(default_factory=InkResourceStatus)
