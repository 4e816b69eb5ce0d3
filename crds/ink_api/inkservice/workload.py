"""How the application runs: resources, storage, scaling, schedule, release command and shutdown."""

from typing import Literal

from pydantic import ConfigDict, Field

from ink_api.model import ApiModel
from ink_api.names import DNS_LABEL
from ink_api.quantities import Duration, Quantity, Schedule, between
from ink_api.schema import atomic_list, cel, pattern_message, rules

DEFAULT_CPU, DEFAULT_MEMORY = "500m", "512Mi"
"""What a pod may use when its spec sets no limits."""


class ResourceAmounts(ApiModel):
    """CPU and memory."""

    cpu: Quantity | None = Field(default=None, description="CPU cores, such as `500m` or `2`.")
    memory: Quantity | None = Field(default=None, description="Memory, such as `256Mi`.")

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel(
                "!has(self.memory) || !string(self.memory).endsWith('m')",
                "the suffix m means thousandths of a byte: write memory as 512Mi or 512M",
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
        f"requests.{amount} must not be higher than limits.{amount}",
    )


def _at_least(amount: str, least: str) -> dict[str, str]:
    limit = f"string(self.limits.{amount})"
    unset = f"!has(self.limits) || !has(self.limits.{amount}) || !isQuantity({limit})"
    return cel(
        f"{unset} || quantity({limit}).compareTo(quantity('{least}')) >= 0",
        f"limits.{amount} must be at least {least}: nothing runs with less, and 0 would mean no limit",
    )


class Resources(ApiModel):
    """CPU and memory that each pod is guaranteed, and may use at most."""

    requests: ResourceAmounts | None = Field(
        default=None, description="Guaranteed amounts. Defaults to a tenth of the limits."
    )
    limits: ResourceAmounts | None = Field(
        default=None, description=f"Maximum amounts. Defaults to {DEFAULT_CPU} CPU and {DEFAULT_MEMORY} memory."
    )

    model_config = ConfigDict(
        json_schema_extra=rules(_at_most("cpu"), _at_most("memory"), _at_least("cpu", "1m"), _at_least("memory", "4Mi"))
    )


class Volume(ApiModel):
    """A persistent disk, kept across restarts and deployments. One pod at a time uses it."""

    name: str = Field(
        description="Name of the volume.",
        pattern=DNS_LABEL,
        max_length=40,
        json_schema_extra=pattern_message(
            "a volume name has only a-z, 0-9 and '-', and neither begins nor ends with '-'"
        ),
    )
    mount_path: str = Field(
        description="Absolute path of a directory in the container, such as `/data`.",
        pattern=r"^(/[A-Za-z0-9._-]+)+$",
        max_length=512,
        json_schema_extra=pattern_message("write an absolute path such as /data, without a trailing slash"),
    )
    size: Quantity = Field(
        description="Capacity, such as `1Gi`. It can grow if the storage class allows it; it can never shrink.",
        json_schema_extra=rules(
            cel(
                "!isQuantity(string(self)) || quantity(string(self)).compareTo(quantity(string(oldSelf))) >= 0",
                "a volume cannot shrink: keep its size, or create a volume with another name and move the data",
            ),
            cel(
                "!isQuantity(string(self)) || quantity(string(self)).compareTo(quantity('1Mi')) >= 0",
                "size must be at least 1Mi: write it with a unit, such as 10Gi",
            ),
        ),
    )
    storage_class_name: str | None = Field(
        default=None, description="Storage class. Defaults to the platform's.", min_length=1, max_length=253
    )
    deletion_policy: Literal["Retain", "Delete"] = Field(
        default="Retain",
        description="What happens to the disk when the volume or the service is removed: Retain keeps the claim "
        "and its data, Delete deletes both.",
    )

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel(
                "!self.mountPath.matches('^/(proc|sys|dev)(/|$)') && !self.mountPath.contains('/.')",
                "mountPath must be outside /proc, /sys and /dev, and no part of it may begin with a dot",
            ),
            cel(
                "has(self.storageClassName) == has(oldSelf.storageClassName) && (!has(self.storageClassName) || "
                "self.storageClassName == oldSelf.storageClassName)",
                "storageClassName cannot be changed: create a volume with another name",
            ),
        )
    )


class Autoscaling(ApiModel):
    """Limits and targets for scaling the number of pods."""

    min_replicas: int = Field(default=1, description="Minimum number of pods.", ge=1, le=100)
    max_replicas: int = Field(description="Maximum number of pods.", ge=1, le=100)
    target_cpu_utilization_percentage: int | None = Field(
        default=None,
        alias="targetCPUUtilizationPercentage",
        description="Target CPU use, in percent of the requested CPU. Defaults to 80 if no target is set.",
        ge=1,
        le=1000,
    )
    target_memory_utilization_percentage: int | None = Field(
        default=None, description="Target memory use, in percent of the requested memory.", ge=1, le=1000
    )
    scale_up_cooldown: Duration | None = Field(
        default=None,
        description="How long load must stay high before pods are added, at most `1h`. Defaults to `0s`.",
        json_schema_extra=between("0s", "1h"),
    )
    scale_down_cooldown: Duration | None = Field(
        default=None,
        description="How long load must stay low before pods are removed, at most `1h`. Defaults to `5m`.",
        json_schema_extra=between("0s", "1h"),
    )

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel("self.minReplicas <= self.maxReplicas", "minReplicas must not be higher than maxReplicas"),
        )
    )


class Cron(ApiModel):
    """Run the command on a schedule instead of serving."""

    schedule: Schedule = Field(
        description="Five cron fields (minute, hour, day, month, weekday), such as `*/15 * * * *`, or a shorthand "
        "such as `@daily`.",
    )
    time_zone: str | None = Field(
        default=None,
        description="IANA time zone, such as `Europe/Berlin`. Defaults to UTC.",
        pattern=r"^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$",
        max_length=64,
        json_schema_extra=pattern_message("write an IANA time zone such as Europe/Berlin"),
    )
    concurrency_policy: Literal["Allow", "Forbid", "Replace"] = Field(
        default="Forbid",
        description="What happens when the previous run has not ended yet. Allow: both run. Forbid: the new run is "
        "skipped. Replace: the old run is stopped.",
    )
    timeout: Duration | None = Field(
        default=None,
        description="Time limit of one run, at most `168h`. Defaults to `1h`.",
        json_schema_extra=between("1s", "168h"),
    )
    retries: int = Field(default=0, description="How many times a failed run is retried.", ge=0, le=10)


class Release(ApiModel):
    """A command to run before traffic moves to a new revision, such as a database migration."""

    command: list[str] = Field(
        description="Command, as in a Pod. It runs at least once per revision, so it must be safe to run again.",
        json_schema_extra=atomic_list(),
        min_length=1,
        max_length=64,
    )
    timeout: Duration | None = Field(
        default=None,
        description="Time limit of one run, at most `24h`. Defaults to `10m`.",
        json_schema_extra=between("1s", "24h"),
    )


class Drain(ApiModel):
    """How pods shut down."""

    pre_stop: Duration | None = Field(
        default=None,
        description="How long a pod keeps serving before it is told to stop, so that the ingress can take it out of "
        "rotation; at most `10m`. Defaults to `5s`.",
        json_schema_extra=between("0s", "10m"),
    )
    termination_grace_period: Duration | None = Field(
        default=None,
        description="How long the pod may then take to stop, at most `1h`. Defaults to `30s`.",
        json_schema_extra=between("0s", "1h"),
    )
