"""How the application runs: amounts, storage, scaling, schedule, releases and leaving."""

from typing import Literal

from pydantic import ConfigDict, Field

from ink_api.model import ApiModel
from ink_api.names import DNS_LABEL
from ink_api.quantities import Duration, Quantity, Schedule, between
from ink_api.schema import atomic_list, cel, rules, says


class ResourceAmounts(ApiModel):
    """CPU and memory."""

    cpu: Quantity | None = Field(default=None, description="Cores, such as `500m` or `2`.")
    memory: Quantity | None = Field(default=None, description="Memory, such as `256Mi`.")

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel(
                "!has(self.memory) || !string(self.memory).endsWith('m')",
                "m is a thousandth, here of a byte: write memory as 512Mi or 512M",
            )
        )
    )


def _at_most(amount: str) -> dict[str, str]:
    unset = " || ".join(
        f"!has(self.{part})" for part in ("requests", "limits", f"requests.{amount}", f"limits.{amount}")
    )
    request, limit = (f"string(self.{part}.{amount})" for part in ("requests", "limits"))
    readable = f"!isQuantity({request}) || !isQuantity({limit})"
    return cel(
        f"{unset} || {readable} || quantity({request}).compareTo(quantity({limit})) <= 0",
        f"requests.{amount} must not be above limits.{amount}",
    )


def _at_least(amount: str, least: str) -> dict[str, str]:
    limit = f"string(self.limits.{amount})"
    unset = f"!has(self.limits) || !has(self.limits.{amount}) || !isQuantity({limit})"
    return cel(
        f"{unset} || quantity({limit}).compareTo(quantity('{least}')) >= 0",
        f"limits.{amount} must be at least {least}: nothing runs with less, and 0 would be no limit at all",
    )


class Resources(ApiModel):
    """What the application is promised and may use at most."""

    requests: ResourceAmounts | None = Field(default=None, description="Promised; default: a tenth of the limits.")
    limits: ResourceAmounts | None = Field(default=None, description="The most it may use; default 500m and 512Mi.")

    model_config = ConfigDict(
        json_schema_extra=rules(_at_most("cpu"), _at_most("memory"), _at_least("cpu", "1m"), _at_least("memory", "4Mi"))
    )


class Volume(ApiModel):
    """A disk of the service's own, kept across restarts and deployments; one pod at a time uses it."""

    name: str = Field(
        description="Name of the volume.",
        pattern=DNS_LABEL,
        max_length=40,
        json_schema_extra=says("a name of a volume has a-z, 0-9 and '-', and neither begins nor ends with '-'"),
    )
    mount_path: str = Field(
        description="Absolute directory in the container, such as `/data`.",
        pattern=r"^(/[A-Za-z0-9._-]+)+$",
        max_length=512,
        json_schema_extra=says("write an absolute directory such as /data, without a final slash"),
    )
    size: Quantity = Field(
        description="Capacity, such as `1Gi`. It can grow, if the storage class can; never shrink.",
        json_schema_extra=rules(
            cel(
                "!isQuantity(string(self)) || quantity(string(self)).compareTo(quantity(string(oldSelf))) >= 0",
                "a volume cannot shrink: keep its size, or make a volume of another name and move the data",
            ),
            cel(
                "!isQuantity(string(self)) || quantity(string(self)).compareTo(quantity('1Mi')) >= 0",
                "size must be at least 1Mi: write it as 10Gi",
            ),
        ),
    )
    storage_class_name: str | None = Field(
        default=None, description="Storage class; default: the platform's.", min_length=1, max_length=253
    )
    deletion_policy: Literal["Retain", "Delete"] = Field(
        default="Retain",
        description="What becomes of the disk when the volume or the service is removed: Retain keeps the claim and "
        "its data.",
    )

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel(
                "!self.mountPath.matches('^/(proc|sys|dev)(/|$)') && !self.mountPath.contains('/.')",
                "mountPath must be a plain directory outside /proc, /sys and /dev",
            ),
            cel(
                "has(self.storageClassName) == has(oldSelf.storageClassName) && (!has(self.storageClassName) || "
                "self.storageClassName == oldSelf.storageClassName)",
                "storageClassName cannot be changed: make a volume of another name",
            ),
        )
    )


class Autoscaling(ApiModel):
    """Between how many pods the service scales, and by what."""

    min_replicas: int = Field(default=1, description="Fewest pods.", ge=1, le=100)
    max_replicas: int = Field(description="Most pods.", ge=1, le=100)
    target_cpu_utilization_percentage: int | None = Field(
        default=None,
        alias="targetCPUUtilizationPercentage",
        description="Wanted CPU use, in percent of what is requested; 80 if no target is set.",
        ge=1,
        le=1000,
    )
    target_memory_utilization_percentage: int | None = Field(
        default=None, description="Wanted memory use, in percent of what is requested.", ge=1, le=1000
    )
    scale_up_cooldown: Duration | None = Field(
        default=None,
        description="Calm time before pods are added; default none (`0s`), at most `1h`.",
        json_schema_extra=between("0s", "1h"),
    )
    scale_down_cooldown: Duration | None = Field(
        default=None,
        description="Calm time before pods are removed; default `5m`, at most `1h`.",
        json_schema_extra=between("0s", "1h"),
    )

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel("self.minReplicas <= self.maxReplicas", "minReplicas must not be above maxReplicas"),
        )
    )


class Cron(ApiModel):
    """Run the command at these times instead of serving."""

    schedule: Schedule = Field(
        description="Five fields (minute, hour, day, month, weekday), such as `*/15 * * * *`, or `@daily` and its kin.",
    )
    time_zone: str | None = Field(
        default=None,
        description="IANA name, such as `Europe/Berlin`; default UTC.",
        pattern=r"^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$",
        max_length=64,
        json_schema_extra=says("write an IANA time zone such as Europe/Berlin"),
    )
    concurrency_policy: Literal["Allow", "Forbid", "Replace"] = Field(
        default="Forbid",
        description="What happens when the last run has not ended: both run, skip, or end the old one.",
    )
    timeout: Duration | None = Field(
        default=None,
        description="Limit of one run; default `1h`, at most `168h`.",
        json_schema_extra=between("1s", "168h"),
    )
    retries: int = Field(default=0, description="How often a failed run is tried again.", ge=0, le=10)


class Release(ApiModel):
    """A command that runs before traffic moves to a new revision, such as a database migration."""

    command: list[str] = Field(
        description="Command, as in a Pod. It runs at least once a revision, so it must be safe to repeat.",
        json_schema_extra=atomic_list(),
        min_length=1,
        max_length=64,
    )
    timeout: Duration | None = Field(
        default=None,
        description="Limit of one run; default `10m`, at most `24h`.",
        json_schema_extra=between("1s", "24h"),
    )


class Drain(ApiModel):
    """How a pod leaves."""

    pre_stop: Duration | None = Field(
        default=None,
        description="How long it goes on answering before it is told to stop, until the ingress has noticed; "
        "default `5s`, at most `10m`.",
        json_schema_extra=between("0s", "10m"),
    )
    termination_grace_period: Duration | None = Field(
        default=None,
        description="How long it may take to stop after that; default `30s`, at most `1h`.",
        json_schema_extra=between("0s", "1h"),
    )
